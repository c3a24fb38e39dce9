"""What `--lake` may name, and what it means when it is left out."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factory_lake.errors import LakeError
from factory_lake.lake import DEFAULT_LOCAL, cameras_of, open_lake, output_at
from tests.unit.factory_lake.fixtures import local_access

OUTPUTS = {"buckets": {"clips": "c"}, "video": {"krakow": {"streams": {"press-1": "s1", "oven": "s2"}}}}


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found: int = server.getsockname()[1]
        yield found


def local_lake(folder: Path, port: int) -> Path:
    folder.mkdir(parents=True)
    local_access(folder, port).write(folder, OUTPUTS)
    return folder


def printed(value: Any) -> dict[str, Any]:
    return {"sensitive": False, "type": "any", "value": value}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(OUTPUTS, id="name to value"),
        pytest.param({name: printed(value) for name, value in OUTPUTS.items()}, id="an output each, printed"),
        pytest.param({"lake": OUTPUTS}, id="one output"),
        pytest.param({"lake": printed(OUTPUTS)}, id="one output, printed"),
    ],
)
def test_a_file_of_outputs(document: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(document))
    lake = open_lake(tmp_path / "outputs.json")
    assert dict(lake.outputs) == OUTPUTS
    assert (lake.local, lake.key_dir, lake.journal_dir) == (None, None, None)


def test_an_environment_s_folder_is_asked_by_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terraform(tmp_path, monkeypatch, f"echo '{json.dumps({'lake': printed(OUTPUTS)})}'")
    assert dict(open_lake(tmp_path / "environment").outputs) == OUTPUTS
    assert (tmp_path / "asked").read_text() == f"-chdir={tmp_path}/environment output -json\n"


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("printf '╷\\n│ Error: Backend initialization required\\n│ \\n' >&2; exit 1", "Error: Backend initialization"),
        ("echo no JSON", "must print JSON"),
        ("echo '{}'", None),
    ],
)
def test_what_terraform_says_instead_is_told(
    script: str, complaint: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terraform(tmp_path, monkeypatch, script)
    if complaint is None:
        with pytest.raises(LakeError, match="must have the output buckets; was the env"):
            output_at(open_lake(tmp_path / "environment").outputs, "buckets")
        return
    with pytest.raises(LakeError, match=complaint) as caught:
        open_lake(tmp_path / "environment")
    assert caught.value.place == str(tmp_path / "environment")
    assert "\n" not in str(caught.value)


def terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program of that name on the PATH, and make an environment's folder."""
    (tmp_path / "environment").mkdir()
    (tmp_path / "environment" / "main.tf").touch()
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_a_local_lake_brings_everything(tmp_path: Path, port: int) -> None:
    folder = local_lake(tmp_path / "lake", port)
    lake = open_lake(folder)
    assert dict(lake.outputs) == OUTPUTS
    assert lake.local is not None
    assert (lake.local.endpoint, lake.local.mqtt_port) == (f"http://127.0.0.1:{port}", 8883)
    assert (lake.key_dir, lake.journal_dir) == (folder / "keys", folder / "journals")
    assert "secret" not in repr(lake)


def test_what_is_up_in_the_usual_place_is_the_default(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_lake(tmp_path / DEFAULT_LOCAL, port)
    monkeypatch.chdir(tmp_path)
    assert open_lake(None).place == str(DEFAULT_LOCAL)


def test_cameras_are_named_with_their_factory() -> None:
    assert cameras_of(OUTPUTS) == {"krakow/oven": "s2", "krakow/press-1": "s1"}
