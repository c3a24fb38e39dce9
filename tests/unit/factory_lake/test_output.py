"""What commands print is readable at every width, and what is copied from it is in one piece."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from clip_fetch.keys import gap_metadata
from clip_fetch.model import Stream
from factory_lake.camera.clips import AT_ONCE
from factory_lake.cli import main
from factory_lake.gateway.identities import LANES, Source
from factory_lake.output import Table, emit, layout, progress
from factory_lake.reconcile import Counts, Discrepancy, ReconciliationReport
from factory_lake.redrive.findings import Finding, Findings
from harness.demo.up_down import explain
from tests.unit.factory_lake.fixtures import aws_in_memory, whole_outputs

WIDTHS = [60, 80, 120, 200, None]
LONG = Source("krakow-nowa-huta", "rolling-mill-2-north", "measurements")
KEY = (
    "factory=krakow/camera=press-1/year=2026/month=03/day=04/"
    "20260304T050607.089Z-91343852333181432392682062607743920281.mp4"
)
ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/factory-lake-prod-krakow-nowa-huta-measurements"
UUID = "1efeee3d-1fc4-5274-918c-c223e2ffa401"


@pytest.fixture(params=WIDTHS, ids=lambda width: str(width or "no terminal"))
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """A terminal of this width, or none; the commands ask for it."""
    if request.param is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", str(request.param))
    found: int | None = request.param
    return found


def whole(text: str, identifiers: Iterator[str] | list[str], width: int | None) -> None:
    """Each identifier is in one piece; only what cannot be broken is wider than the terminal."""
    lines = text.splitlines()
    for identifier in identifiers:
        assert any(identifier in line for line in lines), identifier
    if width is not None:
        for line in lines:
            assert len(line) <= width or len(max(line.split(), key=len)) > width - 24, line


def latest_values() -> Table:
    when = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC).replace(tzinfo=None)
    columns = (
        *("device_name", "tag_name", "value", "value_text", "ts", "success", "newest_sample_ts", "received_at"),
        *("datatype", "factory", "gateway", "device_id", "register_id"),
    )
    row = ("Furnace 2", "oil_temperature", 44.18, None, when, True, when, when, "float64")
    return Table(columns, [(*row, LONG.factory, LONG.gateway, UUID, UUID)] * 3)


def findings() -> Findings:
    found = Findings(problems=[f"s3://factory-lake-prod-123456789012-measurements/errors/{KEY} line 3: must be"])
    outcome = "held: would be refused again"
    found.counts[Finding(LONG.factory, LONG.lane, "processing-failed", "2026-03-04", "not JSON", outcome)] = 12
    return found


def reconciliation() -> ReconciliationReport:
    lanes = {f"{LONG.factory}/{lane}": Counts(sent=1000, delivered=990, rejected=9, lost=1) for lane in LANES}
    where = f"s3://factory-lake-prod-123456789012-measurements/{KEY}#7"
    return ReconciliationReport(lanes, (Discrepancy("altered", str(LONG), 7, where, "differs in value"),))


TABLES: dict[str, tuple[Table, list[str], list[str]]] = {
    "gateways": (Table(("client ID", "topic"), [(LONG.client_id, LONG.topic)]), [], [LONG.client_id, LONG.topic]),
    "latest-value-per-tag": (latest_values(), [], [UUID, "oil_temperature", "2026-03-04 05:06:07.089"]),
    "redrive": (findings().table(), findings().notes(applied=False), [LONG.factory, KEY]),
    "reconcile": (reconciliation().table(), reconciliation().notes(), [f"{LONG.factory}/{LONG.lane}", KEY, str(LONG)]),
    "names": (Table(("name", "description"), [(ARN, f"what {ARN} is for")], frozenset({"description"})), [], [ARN]),
}


@pytest.mark.parametrize("name", TABLES)
def test_identifiers_are_in_one_piece_at_every_width(
    name: str, width: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    table, notes, identifiers = TABLES[name]
    emit("table", table, notes=notes)
    whole(capsys.readouterr().out, identifiers, width)


def test_the_commands_identifiers_are_in_one_piece_at_every_width(
    width: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clients = [f"{LONG.factory}-{LONG.gateway}-{lane}" for lane in LANES]
    folders = ("--csr-dir", str(tmp_path / "csr"), "--key-dir", str(tmp_path / "keys"), "--name", "a")
    assert main(["gateway", "csr", *(word for each in clients for word in ("--client-id", each)), *folders]) == 0
    paths = [str(tmp_path / "keys" / each / "a.key") for each in clients]
    paths += [str(tmp_path / "csr" / each / "a.pem") for each in clients]
    whole(capsys.readouterr().out, [*clients, *paths], width)


def test_clips_are_listed_with_whole_keys_at_every_width(
    width: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with aws_in_memory():
        outputs = whole_outputs(tmp_path)
        s3 = boto3.client("s3", region_name="eu-central-1")
        place: Any = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket=outputs["buckets"]["clips"], CreateBucketConfiguration=place)
        times = [f"2026030{day}T050607.089" for day in (1, 2, 3)]
        for number, start in enumerate(times):
            folder = f"factory=krakow/camera=press-1/year=2026/month=03/day=0{number + 1}"
            key = f"{folder}/{start}Z-{number + 10**37}.mp4"
            metadata = {
                "format": "mp4",
                "start": f"2026-03-0{number + 1}T05:06:07.089Z",
                "end": f"2026-03-0{number + 1}T05:07:07.089Z",
                "duration-ms": "60000",
                "fragments": "30",
            }
            s3.put_object(Bucket=outputs["buckets"]["clips"], Key=key, Metadata=metadata)
        gap = "factory=krakow/camera=press-1/year=2026/month=03/day=02/20260302T060000.000Z-9.gap.json"
        lost = gap_metadata(Stream("lake_krakow_press-1", "press-1", 0, 0), 10**37, 0, 60_000, "expired", "run")
        s3.put_object(Bucket=outputs["buckets"]["clips"], Key=gap, Metadata=lost)
        (tmp_path / "outputs.json").write_text(json.dumps(outputs))
        begin, end = "2026-03-01T05:06:30Z", "2026-03-02T23:00:00Z"
        common = ["camera", "clips", "krakow/press-1", "--lake", str(tmp_path / "outputs.json")]
        assert main([*common, "--from", begin, "--to", end]) == 0
    printed = capsys.readouterr().out
    # The first clip began before the range and reaches into it; the third begins behind it.
    assert printed.count("factory=krakow/") == 2
    assert "2 clips with footage from 2026-03-01T05:06:30.000Z" in " ".join(printed.split())
    whole(printed, [f"day=0{day}/2026030{day}T050607.089Z-{day - 1 + 10**37}.mp4" for day in (1, 2)], width)
    assert AT_ONCE > 1


def test_what_make_up_prints_fits_a_line_each_and_is_in_one_piece(
    width: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    outputs = whole_outputs(tmp_path)
    cloud = SimpleNamespace(
        endpoint="http://127.0.0.1:4566", mqtt_host="127.0.0.1", mqtt_port=8883, ca_file=tmp_path / "ca.pem"
    )
    folder = tmp_path / "build" / "local"
    lake: Any = SimpleNamespace(cloud=cloud, outputs=outputs, key_dir=folder / "keys", workdir=folder)
    explain(lake)
    printed = capsys.readouterr().out
    identities = [identity for lanes in outputs["gateways"]["krakow"].values() for identity in lanes.values()]
    whole(printed, [identity[name] for identity in identities for name in ("client_id", "topic")], width)
    commands = [line for line in printed.splitlines() if "factory-lake " in line]
    assert len(commands) == 5
    assert all(len(line) <= 80 for line in commands)
    assert not any("--outputs" in line or "--lake" in line for line in commands)


def test_a_table_that_fits_is_one() -> None:
    lines = list(layout(Table(("name", "n"), [("a", 1), ("bb", 10)]), 20))
    assert lines == ["name   n", "----  --", "a      1", "bb    10"]


def test_headings_of_several_words_are_wrapped_before_a_record_is_needed() -> None:
    table = Table(("lane", "error action"), [("krakow", 0)])
    assert list(layout(table, 20)) == ["lane    error action", "------  ------------", "krakow             0"]
    assert list(layout(table, 19)) == ["lane     error", "        action", "------  ------", "krakow       0"]
    assert list(layout(table, 13)) == ["lane    error", "       action", "------ ------", "krakow      0"]
    assert list(layout(table, 12)) == ["lane", "krakow", "error action", "0", ""]


def test_prose_is_wrapped_at_blanks_only() -> None:
    table = Table(("id", "why"), [("x", f"because {UUID} is so")], frozenset({"why"}))
    assert list(layout(table, 50)) == ["id  why", f"--  {'-' * 46}", f"x   because {UUID}", "    is so"]
    assert list(layout(table, 20)) == ["id   x", "why  because", f"     {UUID}", "     is so", ""]


def test_null_and_texts_that_steer_a_terminal_are_told() -> None:
    table = Table(("value",), [(None,), ("\x1b[31mred\n",), ("10 °C",)])
    assert list(layout(table, None))[2:] == ["NULL", "\\x1b[31mred\\n", "10 °C"]


def test_json_and_csv_have_every_value(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC).replace(tzinfo=None)
    table = Table(("a", "b", "c", "d"), [(1.5, None, moment, Decimal("1.50")), (True, "x, y", "", 7)])
    emit("json", table, notes=["not in it"])
    assert json.loads(capsys.readouterr().out) == [
        {"a": 1.5, "b": None, "c": "2026-03-04 05:06:07.089", "d": "1.50"},
        {"a": True, "b": "x, y", "c": "", "d": 7},
    ]
    emit("csv", table, notes=["not in it"])
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["a", "b", "c", "d"],
        ["1.5", "", "2026-03-04 05:06:07.089", "1.50"],
        ["true", "x, y", "", "7"],
    ]


def test_progress_is_shown_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stderr.isatty()
    with progress(3, "messages") as update:
        update(2, "messages acknowledged")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
