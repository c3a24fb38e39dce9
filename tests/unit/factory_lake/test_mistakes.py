"""Every command, given what cannot work, ends in one line that names place and rule, and in exit code 2.

The commands come from the Typer app, so that a new one is tried as well; it fails here without arguments.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from factory_lake.cli import main
from harness.local import app as local_app
from tests.support.commands import leaves
from tests.unit.factory_lake.fixtures import local_access, whole_outputs

Words = tuple[str, ...]

KEY = "factory=krakow/camera=press-1/year=2026/month=03/day=04/20260304T050607.089Z-1.mp4"
RANGE = ("--from", "2026-03-09T07:00:00Z", "--to", "2026-03-09T08:00:00Z")
#: What a command needs to get as far as its lake; FOLDER is the test's, and has keys and journals.
ARGUMENTS: Mapping[Words, tuple[str, ...]] = {
    ("gateway", "csr"): ("--client-id", "krakow-line-9-measurements", "--csr-dir", "FOLDER/made"),
    ("gateway", "publish"): ("FOLDER/mine.jsonl", "--give-up", "0.2", "--journal-dir", "FOLDER/journals"),
    ("gateway", "simulate"): ("--messages", "1", "--give-up", "0.2", "--journal-dir", "FOLDER/journals"),
    ("camera", "clips"): ("krakow/press-1", *RANGE),
    ("camera", "frames"): (KEY,),
    ("camera", "frame"): (KEY, "0", "FOLDER/frame.png"),
    ("camera", "reindex"): (),
    ("query",): ("latest-value-per-tag",),
    ("moment",): ("--at", "2026-03-09T07:05:00Z"),
    ("config", "show"): (),
    ("config", "diff"): RANGE,
    ("config", "history"): RANGE,
    ("canary",): ("--factory", "krakow", "--gateway", "line-1", "--key-dir", "FOLDER/keys"),
    ("reconcile",): ("--journal-dir", "FOLDER/sent"),
    ("coverage",): RANGE,
    ("report",): ("--out", "FOLDER/pages", *RANGE),
    ("redrive", "errors"): (),
    ("redrive", "stream"): ("--factory", "krakow", "--lane", "measurements", *RANGE),
    ("redrive", "policy"): (),
    ("policy",): ("deploy",),
    ("drained",): ("--minutes", "0"),
    ("schema", "check"): ("--against", "FOLDER/nowhere"),
    ("doctor", "gateway"): ("line-1", "--watch", "0"),
    ("doctor", "lake"): (),
    ("conformance", "clean"): (),
    ("conformance", "list"): (),
    ("conformance", "policy"): ("--region", "eu-central-1"),
    ("sizing", "capacity"): (),
    ("sizing", "cost"): (),
    ("sizing", "ways"): (),
    ("local", "up"): (),
    ("local", "down"): (),
    ("local", "flush"): (),
    ("local", "film"): ("krakow/press-1",),
}
#: Commands that open no lake, by what else they can be given wrongly.
WITHOUT_LAKE: Mapping[Words, tuple[str, ...]] = {
    ("gateway", "csr"): ("--key-dir", "FOLDER/mine.jsonl/keys"),
    ("sizing", "capacity"): ("FOLDER/nowhere",),
    ("sizing", "cost"): ("docs/sizing/plant.toml", "FOLDER/nowhere"),
    ("sizing", "ways"): ("docs/sizing/plant.toml", "FOLDER/nowhere"),
    ("schema", "check"): ("--against", "glue_schemas", "--schema-dir", "FOLDER/nowhere"),
    ("doctor", "lake"): ("--environment", "FOLDER/nowhere"),
    ("conformance", "clean"): ("--local", "FOLDER/nowhere"),
    ("conformance", "list"): ("--format", "FOLDER/nowhere"),
    ("conformance", "policy"): ("--permissions-boundary", "FOLDER/nowhere"),
    ("local", "up"): ("--lake", "FOLDER/mine.jsonl"),
}
#: They run a lake: their folder is a local one's, and what they need of it is that it runs.
LOCAL: set[Words] = {("local", "up"), ("local", "down"), ("local", "flush"), ("local", "film")}
#: They connect to the broker, not to AWS.
MQTT: set[Words] = {("gateway", "publish"), ("gateway", "simulate")}
#: They read the outputs alone.
OFFLINE: set[Words] = {("policy",), ("redrive", "policy")}

COMMANDS = [words for words, _ in leaves()]


@dataclass
class Ground:
    """A folder with what commands are given, and the one line that they end in."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def fail(self, words: Words, *more: str) -> str:
        """Run a command that is to fail, and give the line."""
        arguments = [*words, *ARGUMENTS[words], *more]
        if words in MQTT and "--key-dir" not in arguments:
            arguments += ["--key-dir", "FOLDER/keys"]
        status = main([each.replace("FOLDER", str(self.folder)) for each in arguments])
        said = self.capsys.readouterr()
        assert status == 2, said
        *before, line = said.err.splitlines()
        assert "Traceback" not in said.err
        assert [each for each in before if not each.startswith("warning: ")] == []
        assert line.startswith("error: ")
        return line.removeprefix("error: ")


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Ground]:
    """A user's machine without any settings of AWS, and a folder with a whole lake's outputs."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "FACTORY_LAKE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    (tmp_path / "mine.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "sent").mkdir()
    entries = '{"source":{"factory":"krakow","gateway":"line-1","lane":"measurements"}}\n'
    entries += '{"n":1,"attempt":1,"at_ms":1772600000000,"sha256":"","payload_b64":"e30="}\n'
    (tmp_path / "sent" / "krakow-line-1-measurements.jsonl").write_text(entries)
    (tmp_path / "outputs.json").write_text(json.dumps(whole_outputs(tmp_path)))
    yield Ground(tmp_path, capsys)
    assert not (tmp_path / "frame.png").exists()


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def lake_of(*but: set[Words]) -> list[Words]:
    return [words for words in COMMANDS if words not in WITHOUT_LAKE and not any(words in one for one in but)]


def test_every_command_is_tried_here() -> None:
    assert set(COMMANDS) == set(ARGUMENTS)
    assert len(local_app.registered_commands) == len(LOCAL)


@pytest.mark.parametrize("words", lake_of())
def test_a_path_that_is_not_there(words: Words, ground: Ground) -> None:
    line = ground.fail(words, "--lake", "FOLDER/nowhere")
    assert line.startswith(f"{ground.folder}/nowhere must be ")


@pytest.mark.parametrize("words", WITHOUT_LAKE)
def test_a_wrong_path_where_no_lake_is_opened(words: Words, ground: Ground) -> None:
    line = ground.fail(words, *WITHOUT_LAKE[words])
    assert str(ground.folder) in line


@pytest.mark.parametrize("words", lake_of(LOCAL))
def test_nothing_named_and_no_lake_up(words: Words, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ground.folder)
    assert ground.fail(words).startswith("--lake (or FACTORY_LAKE) must name a lake, since no local one is up")


@pytest.mark.parametrize("words", lake_of(LOCAL))
@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_file_that_is_no_outputs(words: Words, content: str, ground: Ground) -> None:
    (ground.folder / "bad.json").write_text(content)
    line = ground.fail(words, "--lake", "FOLDER/bad.json")
    assert line.startswith(f"{ground.folder}/bad.json must hold ")


@pytest.mark.parametrize("words", lake_of(LOCAL))
def test_outputs_that_are_missing(words: Words, ground: Ground) -> None:
    (ground.folder / "bad.json").write_text("{}")
    line = ground.fail(words, "--lake", "FOLDER/bad.json")
    assert line.startswith(f"{ground.folder}/bad.json must have the output ")
    assert line.endswith("was the environment applied?")


@pytest.mark.parametrize("words", lake_of(LOCAL))
def test_outputs_of_another_shape(words: Words, ground: Ground) -> None:
    outputs = json.loads((ground.folder / "outputs.json").read_text())
    (ground.folder / "bad.json").write_text(json.dumps(dict.fromkeys(outputs, 3)))
    ground.fail(words, "--lake", "FOLDER/bad.json")


@pytest.mark.parametrize("words", lake_of({("local", "up"), ("local", "down")}))
def test_a_lake_that_has_stopped(words: Words, ground: Ground, closed_port: int) -> None:
    outputs = json.loads((ground.folder / "outputs.json").read_text())
    stopped = ground.folder / "stopped"
    (stopped / "cloud").mkdir(parents=True)
    local_access(stopped, closed_port, closed_port).write(stopped, outputs)
    line = ground.fail(words, "--lake", "FOLDER/stopped")
    assert "the local lake must be up" in line
    assert line.endswith("`factory-lake local up` starts it")


@pytest.mark.parametrize("words", lake_of(LOCAL, MQTT, OFFLINE))
def test_no_credentials(words: Words, ground: Ground) -> None:
    line = ground.fail(words, "--lake", "FOLDER/outputs.json")
    assert line.startswith("AWS credentials must be in the environment or a profile")


@pytest.mark.parametrize("words", lake_of(LOCAL, MQTT, OFFLINE))
def test_a_profile_that_is_not_there(words: Words, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    line = ground.fail(words, "--lake", "FOLDER/outputs.json")
    assert line.startswith("AWS_PROFILE must name a profile of the AWS CLI")
    assert "nobody" in line


@pytest.mark.parametrize("words", lake_of(LOCAL, MQTT, OFFLINE))
def test_a_region_that_does_not_answer(
    words: Words, ground: Ground, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    line = ground.fail(words, "--lake", "FOLDER/outputs.json")
    assert line.startswith(f"http://127.0.0.1:{closed_port}")
    assert "must answer; are region and network right?" in line


@pytest.mark.parametrize("words", sorted(MQTT))
def test_a_broker_that_does_not_answer(words: Words, ground: Ground, closed_port: int) -> None:
    broker = f"127.0.0.1:{closed_port}"
    line = ground.fail(words, "--lake", "FOLDER/outputs.json", "--broker", broker)
    assert f"{broker} acknowledged nothing" in line


@pytest.mark.parametrize("words", lake_of(LOCAL))
def test_a_terraform_that_is_not_there(words: Words, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    (ground.folder / "environment").mkdir()
    (ground.folder / "environment" / "main.tf").touch()
    monkeypatch.setenv("PATH", str(ground.folder))
    line = ground.fail(words, "--lake", "FOLDER/environment")
    assert line.startswith(f"{ground.folder}/environment: terraform must be on PATH")


@pytest.mark.parametrize("words", [("camera", "clips"), ("local", "film")])
def test_an_unknown_camera(words: Words, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local lake is asked in tests/unit/harness/camera."""
    if words in LOCAL:
        assert "must be a local lake's folder" in ground.fail(words, "--lake", "FOLDER")
        return
    monkeypatch.setitem(ARGUMENTS, words, ("krakow/nobody",))
    line = ground.fail(words, "--lake", "FOLDER/outputs.json")
    assert line == "FACTORY/CAMERA must be one of krakow/press-1, got 'krakow/nobody'"


def test_an_unknown_gateway(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARGUMENTS, ("doctor", "gateway"), ("nobody",))
    line = ground.fail(("doctor", "gateway"), "--lake", "FOLDER/outputs.json")
    assert line == "GATEWAY must be one of line-1, got 'nobody'"
    line = ground.fail(("doctor", "gateway"), "--lake", "FOLDER/outputs.json", "--factory", "lyon")
    assert line == "--factory must be one of krakow, got 'lyon'"
