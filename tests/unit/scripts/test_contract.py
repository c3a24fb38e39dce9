"""The packaged transform, run as Lambda runs it, on every supported Python of this machine.

Lambda unpacks the zip, starts a fresh process with the function's environment, imports the handler that the
configuration names, and calls it with the event's JSON.
"""

from __future__ import annotations

import base64
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from scripts.package import ROOT, SOURCES, build
from tests.unit.scripts.interpreters import VERSIONS, find

EVENTS = ROOT / "tests" / "unit" / "transform" / "events"
HANDLER = "transform.handler.handler"

# What a runtime does: the handler is found by its name, the event comes and the answer goes as JSON.
RUNTIME = """
import importlib, json, sys
class Context:
    def get_remaining_time_in_millis(self):
        return 120000
module, name = sys.argv[1].rsplit(".", 1)
handler = getattr(importlib.import_module(module), name)
for path in sys.argv[3:]:
    with open(path, encoding="utf-8") as file:
        answer = handler(json.load(file), Context())
    with open(sys.argv[2], "a", encoding="utf-8") as file:
        file.write(json.dumps(answer) + "\\n")
"""


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's content."""
    folder = tmp_path_factory.mktemp("task")
    package = build(SOURCES / "transform", tmp_path_factory.mktemp("packages"))
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest) -> Path:
    """Each supported Python; skipped, by name, where this machine does not have it."""
    found = find(request.param)
    if found is None:
        pytest.skip(f"no Python {request.param} on this machine")
    return found


def run(
    python: Path, unpacked: Path, tmp_path: Path, events: list[Path], **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run the handler in a fresh process; return the process and its answers."""
    answers = tmp_path / "answers"
    done = subprocess.run(
        [python, "-B", "-c", RUNTIME, HANDLER, answers, *events],
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = answers.read_text(encoding="utf-8").splitlines() if answers.exists() else []
    return done, [json.loads(line) for line in lines]


def legible(answer: dict[str, Any]) -> dict[str, Any]:
    """Put the text of an answer's data in the place of its base64."""
    return {**answer, "data": base64.b64decode(answer["data"]).decode("utf-8", "backslashreplace")}


@pytest.mark.parametrize("lane", ["measurements", "configuration"])
def test_the_package_answers_events_on_every_python(python: Path, unpacked: Path, tmp_path: Path, lane: str) -> None:
    """Five times, so that a warm function is tried as well, with what it has learned."""
    name = f"{lane}_from_kinesis"
    expected = json.loads((EVENTS / f"{name}.answer.json").read_text(encoding="utf-8"))
    variables = {"FACTORY": "krakow", "LANE": lane, "STREAM_NAME": "lake"}
    done, answers = run(python, unpacked, tmp_path, [EVENTS / f"{name}.json"] * 5, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert [[legible(each) for each in answer["records"]] for answer in answers] == [expected] * 5
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    failed = sum(each["result"] == "ProcessingFailed" for each in expected)
    assert sum(line.get("message") == "record rejected" for line in printed) == failed * 5
    assert [line["RecordsReceived"] for line in printed if "RecordsReceived" in line] == [len(expected)] * 5


def test_a_bad_setting_stops_the_cold_start(python: Path, unpacked: Path, tmp_path: Path) -> None:
    done, answers = run(
        python, unpacked, tmp_path, [EVENTS / "measurements_from_kinesis.json"], FACTORY="krakow", LANE="video"
    )
    assert done.returncode != 0
    assert answers == []
    assert done.stderr.splitlines()[-1] == (
        "lambda_common.settings.SettingsError: LANE must be one of measurements, configuration, got 'video'"
    )


def test_it_imports_nothing_that_a_runtime_might_lack(python: Path, unpacked: Path, tmp_path: Path) -> None:
    """Isolated from installed packages, with the standard library alone."""
    script = f"import sys; sys.path.insert(0, {str(unpacked)!r}); import transform.handler"
    done = subprocess.run(
        [python, "-B", "-I", "-S", "-c", script],
        env={"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("heavy", ["dataclasses", "logging", "inspect", "datetime", "hashlib", "base64"])
def test_a_cold_start_spares_what_is_slow_to_import(unpacked: Path, heavy: str) -> None:
    newest = find(VERSIONS[-1])
    if newest is None:
        pytest.skip(f"no Python {VERSIONS[-1]} on this machine")
    script = f"import sys, transform.handler; sys.exit({heavy!r} in sys.modules)"
    done = subprocess.run(
        [newest, "-B", "-S", "-c", script],
        env={"PYTHONPATH": str(unpacked), "FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
