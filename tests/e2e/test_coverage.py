"""The command `coverage` on a lake in which something of each kind went wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_lake.cli import main
from factory_lake.coverage.model import Coverage, State, Timeline
from factory_lake.coverage.times import iso
from harness.camera.archiver import run_archiver
from harness.camera.journal import Journal
from harness.lake import LocalLake
from tests.e2e.plant import FLUSH_SECONDS, Factory, film, sample
from tests.support.local_lake import describe

FACTORY = "vigo"
PERIOD = 10
#: Seconds behind the begin: when what happens to the tag `speed`, and when its last sample is taken.
LOST, REFUSED, UNPUT, LAST = range(600, 900), range(1200, 1500), range(1800, 2100), 3000
HOUR = 3600


@pytest.fixture(scope="module")
def place(lake: LocalLake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake's folder as `--lake` takes it."""
    return describe(lake.cloud, tmp_path_factory.mktemp("coverage") / "lake", lake.outputs)


def covered(
    place: Path, begin: int, end: int, *options: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, Coverage]:
    """Run the command for a range of seconds since 1970: its exit code and what it tells."""
    words = ["--from", iso(1000 * begin), "--to", iso(1000 * end), "--factory", FACTORY, "--format", "json"]
    status = main(["coverage", "--lake", str(place), *words, *options])
    return status, Coverage.from_json(json.loads(capsys.readouterr().out))


def named(coverage: Coverage, name: str) -> Timeline:
    (found,) = [timeline for timeline in coverage.timelines if timeline.subject.name == name]
    return found


def seconds(timeline: Timeline, *states: State) -> float:
    return sum(span.end_ms - span.start_ms for span in timeline.spans if span.state in states) / 1000


def speed(at: int, **changes: Any) -> bytes:
    return sample(deviceName="press", tagName="speed", timestamp=1000 * at, **changes)


@pytest.fixture(scope="module")
def begin(lake: LocalLake, place: Path, factory: Callable[[str], Factory]) -> int:
    """When the hour begins that the lake has: of a tag, of one that is refused, and of a camera."""
    vigo = factory(FACTORY)
    start = int(time.time()) - 2 * HOUR
    slots = range(0, LAST + 1, PERIOD)
    whole = [speed(start + at) for at in slots if not any(at in hole for hole in (LOST, REFUSED, UNPUT))]
    vigo.send([*whole, *(speed(start + at, datatype=" ") for at in slots if at in REFUSED)])
    vigo.send([b"not JSON"])
    vigo.send([sample(deviceName="press", tagName="clock", timestamp=1000 * (start + 999 * HOUR))])
    lake.cloud.faults.add(
        service="kinesis",
        operation="PutRecord",
        resource=lake.outputs["data_streams"][FACTORY]["measurements"],
        error="ProvisionedThroughputExceededException",
        times=None,
    )
    try:
        vigo.send([speed(start + at) for at in slots if at in UNPUT])
    finally:
        lake.cloud.faults.clear()
    vigo.deliver()
    lake.cloud.flush([lake.outputs["connections"][FACTORY]["delivery_stream"]], FLUSH_SECONDS)
    video = lake.outputs["video"][FACTORY]
    film(lake.cloud, video["streams"]["door"], Journal(place / "cameras.jsonl"), 60, ago=HOUR + 600)
    run_archiver(lake.cloud, video["clip_function"])
    return start


def test_each_gap_has_its_cause(place: Path, begin: int, capsys: pytest.CaptureFixture[str]) -> None:
    status, coverage = covered(place, begin, begin + HOUR, capsys=capsys)

    assert status == 1
    tag = named(coverage, "line-1/press/speed")
    assert tag.expected_ms == 20_100
    assert {(span.state, span.reason) for span in tag.spans} <= {
        ("data", ""),
        ("late", ""),
        ("refused", "BLANK_STRING"),
        ("error_action", "KinesisAction"),
        ("unexplained", ""),
    }
    assert seconds(tag, "refused") == len(REFUSED)
    assert seconds(tag, "error_action") == len(UNPUT)
    assert seconds(tag, "unexplained") == len(LOST) + HOUR - LAST - PERIOD
    (refused,) = [span for span in tag.spans if span.state == "refused"]
    assert refused.count == len(REFUSED) // PERIOD
    assert refused.evidence[0].startswith("s3://")
    assert coverage.scanned_bytes > 0
    assert coverage.query_ms > 0


def test_a_camera_has_footage_where_it_filmed(place: Path, begin: int, capsys: pytest.CaptureFixture[str]) -> None:
    status, coverage = covered(place, begin, begin + HOUR, "--camera", "door", capsys=capsys)

    assert status == 0
    door = named(coverage, "door")
    assert 50 <= seconds(door, "data", "waiting", "archiver_behind") <= 80
    assert seconds(door, "camera_silent") >= HOUR - 80
    assert [timeline.subject.kind for timeline in coverage.timelines] == ["camera"]


def test_a_gateway_was_offline_until_it_connected_again(
    lake: LocalLake, place: Path, begin: int, factory: Callable[[str], Factory], capsys: pytest.CaptureFixture[str]
) -> None:
    """The journal's gateway connects to send, and disconnects."""
    vigo = factory(FACTORY)
    first = int(time.time())
    vigo.send([sample(deviceName="oven", tagName="heat", timestamp=1000 * first - 100 * at) for at in range(100)])
    vigo.deliver()
    again = int(time.time() * 1000)
    vigo.send([sample(deviceName="oven", tagName="heat", timestamp=again + 100 * at) for at in range(10)])
    vigo.deliver()
    lake.cloud.flush([lake.outputs["connections"][FACTORY]["delivery_stream"]], FLUSH_SECONDS)

    _, coverage = covered(place, first - 5, again // 1000 + 1, "--tag", "oven/heat", capsys=capsys)

    heat = named(coverage, "line-1/oven/heat")
    offline = [span for span in heat.spans if span.state == "gateway_offline"]
    assert {span.reason for span in offline} == {"CLIENT_INITIATED_DISCONNECT"}
    assert seconds(heat, "unexplained") == 0
    assert (
        offline[-1].evidence[0].startswith(f"connections WHERE client_id = '{FACTORY}-line-1-measurements' AND ts = ")
    )


def test_what_is_not_delivered_yet_is_waiting(
    place: Path, begin: int, factory: Callable[[str], Factory], capsys: pytest.CaptureFixture[str]
) -> None:
    vigo = factory(FACTORY)
    now_ms = int(time.time() * 1000)
    vigo.send([sample(deviceName="oven", tagName="heat", timestamp=now_ms - 100 * at) for at in range(50)])

    status, coverage = covered(place, now_ms // 1000 - 4, now_ms // 1000, "--tag", "oven/heat", capsys=capsys)

    assert status == 0
    heat = named(coverage, "line-1/oven/heat")
    assert heat.spans[-1].state == "waiting"
    assert {span.state for span in heat.spans} <= {"data", "gateway_offline", "waiting"}
    vigo.deliver()


def test_the_text_names_what_is_unexplained_first(
    place: Path, begin: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ["--from", iso(1000 * begin), "--to", iso(1000 * begin + 3_600_000), "--factory", FACTORY]
    report = tmp_path / "report.json"

    assert main(["coverage", "--lake", str(place), *words, "--report", str(report)]) == 1

    shown = capsys.readouterr().out
    assert shown.index("UNEXPLAINED") < shown.index("refused: ") < shown.index("error action: ")
    assert "bytes scanned" in shown
    assert Coverage.from_json(json.loads(report.read_text())).lake == str(place)
