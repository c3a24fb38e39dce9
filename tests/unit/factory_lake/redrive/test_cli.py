import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from factory_lake.cli import main
from factory_lake.gateway.identities import LANES
from tests.unit.factory_lake.redrive.plant import ARRIVAL, LANE, REGION, Plant, sample

STREAM = ["redrive", "stream", "--lake", "{outputs}", "--factory", "krakow", "--lane", "measurements"]


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    per_lane = {
        "data_streams": LANE.stream,
        "transform_functions": LANE.function,
        "roles": {"rule": "arn:aws:iam::123456789012:role/x"},
    }
    values = {name: {LANE.factory: dict.fromkeys(LANES, value)} for name, value in per_lane.items()}
    values["buckets"] = dict.fromkeys(LANES, LANE.bucket)  # type: ignore[arg-type]
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({name: {"value": value, "sensitive": False} for name, value in values.items()}))
    return file


def test_a_dry_run_is_the_default_and_apply_does_it(
    plant: Plant, outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.reject(b"no JSON", gateway="line-2")
    plant.error_action(sample(1))
    report = tmp_path / "build" / "redrive.json"
    arguments = ["redrive", "errors", "--lake", str(outputs), "--lane", "measurements", "--report", str(report)]
    assert main(arguments) == 0
    assert "Nothing was redriven; --apply does it." in capsys.readouterr().out
    assert plant.stream() == []
    assert main([*arguments, "--apply"]) == 0
    written = json.loads(report.read_text())
    assert [(one["kind"], one["rule"], one["outcome"], one["messages"]) for one in written["findings"]] == [
        ("iot-rule", "KinesisAction", "redriven", 1),
        ("processing-failed", "NOT_JSON", "redriven", 1),
    ]
    assert {(stamp, gateway) for stamp, gateway, _ in plant.taken()} == {
        (str(ARRIVAL), "line-1"),
        (str(ARRIVAL), "line-2"),
    }


def test_problems_are_told_by_the_exit_code(plant: Plant, outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = plant.put(f"processing-failed/{datetime.now(UTC):%Y/%m/%d}", b"no document")
    assert main(["redrive", "errors", "--lake", str(outputs), "--lane", "measurements", "--apply"]) == 1
    assert f"problem: s3://{LANE.bucket}/{key} line 0: must be" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["redrive", "errors", "--lake", "{outputs}", "--factory", "lodz"],
            "--factory must be one that has data streams",
        ),
        ([*STREAM, "--from", "2026-03-09T07:00:00Z", "--to", "2026-03-09T06:00:00Z"], "--from must be before --to"),
        ([*STREAM, "--from", "2026-03-09T07:00:00Z", "--to", "{now}"], "--to at least 1800 s ago"),
    ],
)
def test_what_cannot_begin_is_said(
    plant: Plant, outputs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    now = datetime.fromtimestamp(time.time(), UTC).isoformat()
    assert main([one.format(outputs=outputs, now=now) for one in arguments]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--limit", "0"],
        ["--max-rate", "-1"],
        ["--from-day", "yesterday"],
        ["--gateway", "Line 1"],
        ["--setting", "BLANK_STRINGS"],
        ["--lane", "video"],
    ],
)
def test_arguments_are_checked(outputs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["redrive", "errors", "--lake", str(outputs), *arguments]) == 2
    assert arguments[1] in capsys.readouterr().err


def test_times_need_a_zone(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["redrive", "stream", "--lake", str(outputs), "--factory", "krakow", "--lane", "measurements"]
    assert main([*given, "--from", "2026-03-09T07:00:00", "--to", "2026-03-09T08:00:00Z"]) == 2
    assert "must be a time like 2026-03-09T07:05:00Z" in capsys.readouterr().err


def test_the_policy_names_the_lane_alone(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["redrive", "policy", "--lake", str(outputs), "--lane", "measurements", "--region", REGION]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    resources = [arn for statement in document["Statement"] for arn in statement["Resource"]]
    assert f"arn:aws:kinesis:{REGION}:123456789012:stream/{LANE.stream}" in resources
    assert "*" not in resources
    assert f"arn:aws:s3:::{LANE.bucket}/factory=krakow/*" not in resources
    actions = [action for statement in document["Statement"] for action in statement["Action"]]
    assert not [one for one in actions if "Delete" in one or "*" in one or one.startswith("kms:")]
    assert (
        main(
            [*arguments, "--with-stream", "--stream-key", "arn:k", "--bucket-key", "arn:b", "--function-key", "arn:f"]
        )
        == 0
    )
    document = json.loads(capsys.readouterr().out)
    statements = {statement["Sid"]: statement for statement in document["Statement"]}
    assert f"arn:aws:s3:::{LANE.bucket}/factory=krakow/*" in statements["Read0"]["Resource"]
    assert statements["KeysOfStreams"]["Resource"] == ["arn:k"]
    assert statements["KeysOfBuckets"]["Resource"] == ["arn:b"]
    assert statements["KeysOfFunctions"]["Resource"] == ["arn:f"]
    assert statements["KeysOfFunctions"]["Action"] == ["kms:Decrypt"]
