"""`factory-lake schema check` against a folder and against a git ref."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from factory_lake.cli import main
from tests.unit.factory_lake.schema.kinds import KINDS, RELEASED

(REMOVED,) = (kind for kind in KINDS if kind.name == "a column removed")


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A repository with released schema files, tagged v1."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    for table, document in RELEASED.items():
        (folder / f"{table}.json").write_text(json.dumps(document), encoding="utf-8")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "Release"), ("tag", "v1")):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return folder


def _check(against: str, schemas: Path, *more: str) -> int:
    return main(["schema", "check", "--against", against, "--schema-dir", str(schemas), *more])


def test_passes_what_breaks_nothing(schemas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _check("v1", schemas) == 0
    assert capsys.readouterr().out == "The schema files break nothing of v1.\n"


def test_refuses_with_column_rule_and_way_out(schemas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (schemas / "measurements.json").write_text(json.dumps(REMOVED.changed), encoding="utf-8")

    assert _check("v1", schemas, "--format", "json") == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "table": "measurements",
            "place": "recipe",
            "breaks": "reading",
            "rule": "is gone: queries name it, and old files have values in it",
            "way out": "retire it: keep it, not required; it is NULL where messages lack its key",
        }
    ]


def test_a_folder_may_be_compared_with(schemas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in schemas.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "measurements.json").write_text(json.dumps(REMOVED.changed), encoding="utf-8")

    assert _check(str(schemas), other) == 1
    assert "recipe" in capsys.readouterr().out
    assert _check(str(other), schemas) == 0


@pytest.mark.parametrize("ref", ["v2", "--help", "v1:schemas"])
def test_a_ref_that_is_none_is_one_line(ref: str, schemas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "check", f"--against={ref}", "--schema-dir", str(schemas)]) == 2
    assert capsys.readouterr().err == (
        f"error: --against {ref} must be a folder of schema files, or a git ref of --schema-dir's repository\n"
    )


def test_a_file_that_is_no_json_is_one_line(schemas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (schemas / "measurements.json").write_text("{", encoding="utf-8")

    assert _check("v1", schemas) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "measurements.json must be JSON" in line


def test_a_folder_without_files_is_one_line(schemas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()

    assert _check(str(tmp_path / "empty"), schemas) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'empty'} must have a <table>.json, got none\n"
