import json
from pathlib import Path

import pytest

from factory_lake.cli import main
from tests.support.fixture_lake import BUCKETS, FixtureLake, row, sample


@pytest.fixture
def arguments(lake: FixtureLake, tmp_path: Path) -> list[str]:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({"buckets": {"value": {**BUCKETS.by_lane, "clips": "c"}, "sensitive": False}}))
    return ["reconcile", "--lake", str(outputs), "--journal-dir", str(lake.journal_dir)]


def test_a_clean_lake(lake: FixtureLake, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    lake.send(sample(1))
    lake.store_rows(row(1))
    assert main(arguments) == 0
    assert "krakow/measurements" in capsys.readouterr().out


def test_a_discrepancy_is_printed_and_written_and_fails(
    lake: FixtureLake, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake.send(sample(1))
    report = tmp_path / "build" / "report.json"
    assert main([*arguments, "--report", str(report)]) == 1
    assert "lost: krakow/line-1/measurements message 1: acknowledged, and stored nowhere" in capsys.readouterr().out
    assert json.loads(report.read_text())["messages"]["total"]["lost"] == 1


def test_settings_of_the_functions(lake: FixtureLake, arguments: list[str]) -> None:
    lake.send(sample("  "))
    lake.store_rows(row(None))
    assert main(arguments) == 1
    assert main([*arguments, "--blank-measurements", "null"]) == 0


def test_what_cannot_be_taken_is_said(
    lake: FixtureLake, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lake.send(sample(1))
    lake.put("measurements", "factory=krakow/year=2026/month=03/day=04/x.parquet", b"no Parquet")
    assert main(arguments) == 2
    assert "error: s3://lake-measurements/factory=krakow/" in capsys.readouterr().err


def test_a_bucket_that_is_not_there(lake: FixtureLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake.send(sample(1))
    outputs = tmp_path / "other.json"
    outputs.write_text(json.dumps({"buckets": {"measurements": "no-such", "configuration": "no-such"}}))
    assert main(["reconcile", "--lake", str(outputs), "--journal-dir", str(lake.journal_dir)]) == 2
    assert "NoSuchBucket" in capsys.readouterr().err
