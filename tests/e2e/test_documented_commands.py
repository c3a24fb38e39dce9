"""The pages' commands work: each is read from its page and run, as a reader runs it in a shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from factory_lake.module_interface import REPOSITORY
from harness.camera.archiver import run_archiver
from harness.camera.journal import Journal
from harness.camera.reconciliation import clip_keys
from harness.lake import LocalLake
from tests.e2e.plant import Factory, delivering, film, sample, wait_until
from tests.support.documented import EXIT_CODES, FACTORY, FINDING, filled, runs
from tests.support.local_lake import describe
from tests.unit.docs.pages import commands, name_of, pages

# A lake that takes messages is not drained for minutes, so this page comes before any are sent.
_IDLE = "docs/changes.md"
_EXAMPLE = re.compile(r"An? message for elsewhere is in an envelope:\n\n```json\n(.*?)```", re.DOTALL)
# Enough for the slowest of them on a busy machine.
_SECONDS = 300


def _shown() -> Iterator[tuple[str, list[str]]]:
    """The pages' commands that are run, each at the first page that has it."""
    seen: set[str] = set()
    for page in sorted(pages(), key=lambda page: name_of(page) != _IDLE):
        new = [text for one in commands(page) if runs(one) and (text := filled(one)) not in seen]
        seen.update(new)
        if new:
            yield name_of(page), new


@dataclass(frozen=True)
class Reader:
    """Who has followed the pages until the command: a folder that looks like the repository's, and a shell."""

    folder: Path
    variables: dict[str, str]

    def problem(self, command: str) -> str:
        """What is wrong when a command is run; empty when nothing is."""
        expected, _ = EXIT_CODES.get(command, (0, ""))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        is_finding = done.returncode == 1 and FINDING.match(command) is not None
        if (done.returncode == expected or is_finding) and "Traceback" not in done.stderr:
            return ""
        return f"{command}: exit code {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}"


@pytest.fixture(scope="module")
def place(lake: LocalLake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The local lake's folder as `--lake` takes it, with one factory: others' gateways have journals elsewhere."""
    outputs: dict[str, Any] = {
        name: {FACTORY: value[FACTORY]} if isinstance(value, dict) and FACTORY in value else value
        for name, value in lake.outputs.items()
    }
    return describe(lake.cloud, tmp_path_factory.mktemp("documented") / "lake", outputs, lake.key_dir)


@pytest.fixture(scope="module")
def clip(lake: LocalLake, place: Path) -> Path:
    """A clip, of a lake in which messages and footage have arrived, one of the messages under `errors/`."""
    plant = Factory(lake, FACTORY, "line-1", place / "journals")
    plant.send([sample(), sample(), b"not JSON"])
    plant.send([b'{"recipe": "A-100"}'], "configuration")
    plant.deliver()
    video, s3, bucket = lake.outputs["video"][FACTORY], lake.cloud.client("s3"), lake.outputs["buckets"]["clips"]
    film(lake.cloud, video["streams"]["press-1"], Journal(place / "cameras.jsonl"), 20, ago=5400)
    run_archiver(lake.cloud, video["clip_function"])
    prefix = f"factory={FACTORY}/camera=press-1/"
    wait_until(lambda: bool(clip_keys(s3, bucket, prefix)))
    (key,) = clip_keys(s3, bucket, prefix)
    s3.download_file(bucket, key, str(place / "clip.mp4"))
    return place / "clip.mp4"


@pytest.fixture
def reader(lake: LocalLake, place: Path, tmp_path: Path) -> Reader:
    """A folder with what the pages' commands name."""
    (tmp_path / "docs").symlink_to(REPOSITORY / "docs")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "local").symlink_to(place)
    shutil.copytree(lake.key_dir, tmp_path / "home" / "gateway-keys")
    example = _EXAMPLE.search((REPOSITORY / "docs" / "gateways.md").read_text(encoding="utf-8"))
    assert example is not None
    (tmp_path / "mine.jsonl").write_text(filled(example[1]), encoding="utf-8")
    now = datetime.now(UTC)
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "FACTORY_LAKE": "build/local",
        "FACTORY": FACTORY,
        "LANE": "measurements",
        "BEGIN": f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
        "END": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    return Reader(tmp_path, variables)


@pytest.mark.parametrize(("page", "shown"), [pytest.param(*each, id=each[0]) for each in _shown()])
def test_the_commands_of_a_page_work(
    reader: Reader, lake: LocalLake, page: str, shown: list[str], request: pytest.FixtureRequest
) -> None:
    if page != _IDLE:
        shutil.copy(request.getfixturevalue("clip"), reader.folder)
    problems = []
    for command in shown:
        # It waits for what buffers of minutes let through.
        around = delivering(lake, FACTORY) if command.startswith("factory-lake canary") else nullcontext()
        with around:
            problems += [reader.problem(command)]
    assert [problem for problem in problems if problem] == []
