"""What `source docs/runbook/shell.sh` gives the runbook's commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory_lake.module_interface import REPOSITORY

_OUTPUTS = {
    "buckets": {"measurements": "b-measurements", "configuration": "b-configuration", "clips": "b-clips"},
    "data_streams": {"lyon-2": {"measurements": "my-lake-lyon-2-measurements"}},
}
_NAMES = ("BUCKET", "CLIPS", "STREAM", "LAKE", "RULE", "ARCHIVER")


def _sourced(lake: Path, factory: str) -> subprocess.CompletedProcess[str]:
    script = f"source docs/runbook/shell.sh && echo {' '.join(f'${name}' for name in _NAMES)}"
    return subprocess.run(
        ["bash", "-c", script],
        cwd=REPOSITORY,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "FACTORY_LAKE": str(lake),
            "FACTORY": factory,
            "LANE": "measurements",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("outputs", [_OUTPUTS, {"lake": {"sensitive": False, "type": "object", "value": _OUTPUTS}}])
def test_it_names_what_the_commands_read(tmp_path: Path, outputs: object) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(outputs))
    done = _sourced(file, "lyon-2")
    assert done.returncode == 0, done.stderr
    assert dict(zip(_NAMES, done.stdout.split(), strict=True)) == {
        "BUCKET": "b-measurements",
        "CLIPS": "b-clips",
        "STREAM": "my-lake-lyon-2-measurements",
        "LAKE": "my-lake",
        "RULE": "my_lake__lyon_2__measurements",
        "ARCHIVER": "my-lake-lyon-2-clip-fetch",
    }


def test_it_names_what_is_wrong_and_sets_nothing(tmp_path: Path) -> None:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(_OUTPUTS))
    done = _sourced(file, "krakow")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {file} must have the output data_streams.krakow")
