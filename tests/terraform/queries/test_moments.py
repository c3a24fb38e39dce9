"""The view of moments and `factory-lake moment` against an oracle that knows what the cameras filmed and lost."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from factory_lake import query as athena
from factory_lake.moment.footage import MOST_CALLS, CameraArchive, Footage
from factory_lake.moment.tables import Tables
from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.conftest import BUCKETS, NOW
from tests.terraform.queries.rows import FACTORIES, Sample, objects, tables, views
from tests.unit.factory_lake.moment.archive import BUCKET, FakeArchive

_MIDNIGHT = NOW.replace(hour=0)
_SAMPLES = 400
#: What the view says of a sample and a camera: clip, offset in milliseconds, gap record.
_Said = tuple[str | None, int | None, str | None]
_NOTHING: _Said = (None, None, None)


@dataclass
class Camera:
    """A camera's archive, and what is true of it, by its own clock; losses by arrival."""

    archive: FakeArchive
    filmed: list[tuple[int, int, str]] = field(default_factory=list)
    lost: list[tuple[int, int, str]] = field(default_factory=list)

    def at(self, at_ms: int) -> _Said:
        for begin, end, key in self.filmed:
            if begin <= at_ms < end:
                return key, at_ms - begin, None
        return next(((None, None, key) for begin, end, key in self.lost if begin <= at_ms < end), _NOTHING)


def _steady(name: str, chance: random.Random, begin_ms: int) -> Camera:
    """A camera that sends as it films; it pauses now and then, and some footage is lost."""
    camera = Camera(FakeArchive(camera=name))
    usual_ms, jitter_ms = chance.choice([0, 150, 2_500, -1_500]), chance.choice([0, 1_400])
    at_ms, gap = begin_ms, None
    for _ in range(60):
        length_ms, skew_ms = chance.choice([8_000, 20_000, 30_000]), usual_ms + chance.randint(0, jitter_ms)
        key = camera.archive.clip(at_ms, length_ms, skew_ms=skew_ms)
        camera.filmed.append((at_ms, at_ms + length_ms, key))
        if gap is not None:
            # Named after the last fragment before it, it ends where the archive goes on.
            named_ms, from_ms = gap
            resume_ms = at_ms + skew_ms
            record = camera.archive.gap(named_ms, resume_ms, resume_ms - from_ms, "expired")
            camera.lost.append((from_ms, resume_ms, record))
        arrived_ms = at_ms + length_ms + skew_ms
        gap = (arrived_ms - 2_000, arrived_ms - 200) if chance.random() < 0.1 else None
        at_ms += length_ms + (chance.choice([60_000, 300_000]) if gap else chance.choice([0, 0, 0, 12_000, 60_000]))
    return camera


def _in_bursts(name: str, chance: random.Random, begin_ms: int) -> Camera:
    """A camera that keeps footage back and sends it at once, minutes late."""
    camera = Camera(FakeArchive(camera=name))
    at_ms = begin_ms
    kept: list[tuple[int, int]] = []
    for _ in range(20):
        for _ in range(chance.randint(1, 9)):
            kept.append((at_ms, chance.choice([8_000, 20_000])))
            at_ms += kept[-1][1] + chance.choice([0, 0, 5_000])
        arrives_ms = at_ms + chance.randrange(500, 40_000)
        for begin, length_ms in kept:
            arrives_ms += chance.randrange(1, 900)
            key = camera.archive.clip(begin, length_ms, skew_ms=arrives_ms - begin)
            camera.filmed.append((begin, begin + length_ms, key))
        at_ms, kept = max(at_ms, arrives_ms), []
    return camera


@dataclass(frozen=True)
class Plant:
    """Cameras, and a lake with a sample at each of some instants."""

    cameras: Mapping[str, Camera]
    instants: Sequence[int]
    lake: MemoryStorage


def plant_of(seed: int) -> Plant:
    """A plant with three cameras, by chance."""
    chance = random.Random(seed)
    begin_ms = round(_MIDNIGHT.timestamp() * 1000) - chance.randrange(600_000, 1_800_000)
    cameras = {name: make(name, chance, begin_ms) for name, make in
               (("press-1", _steady), ("oven", _steady), ("gate", _in_bursts))}  # fmt: skip
    end_ms = max(end for camera in cameras.values() for _, end, _ in camera.filmed)
    instants = [chance.randrange(begin_ms - 60_000, end_ms + 60_000) for _ in range(_SAMPLES)]
    # Where clips begin and end.
    edges = [edge for camera in cameras.values() for begin, end, _ in camera.filmed for edge in (begin, end)]
    instants += [edge + chance.choice([-1, 0]) for edge in chance.sample(edges, 60)]
    samples = [Sample("speed", _written(at_ms), _written(at_ms + 700), float(n)) for n, at_ms in enumerate(instants)]
    stored = {place: body for place, body in objects(NOW, BUCKETS, samples).items() if place[0] != BUCKETS["clips"]}
    for camera in cameras.values():
        stored |= {(BUCKETS["clips"], key): row for key, row in camera.archive.rows().items()}
    return Plant(cameras, instants, _lake(stored))


def _lake(stored: dict[tuple[str, str], bytes]) -> MemoryStorage:
    named = (*tables(BUCKETS), *views("lake"))
    return MemoryStorage(tables={("lake", table["Name"]): table for table in named}, objects=stored)


def _written(at_ms: int) -> str:
    """A moment in the form of ``rows.at``."""
    after = timedelta(milliseconds=at_ms - round(_MIDNIGHT.timestamp() * 1000))
    seconds = after.total_seconds() - after.days * 86_400
    return f"{after.days} {int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{seconds % 60:06.3f}"


@pytest.fixture(scope="module", params=[1, 2])
def plant(request: pytest.FixtureRequest) -> Plant:
    return plant_of(request.param)


def _asked(lake: MemoryStorage, sql: str) -> list[list[str | None]]:
    return [list(row) for row in Query(sql, database="lake", now=NOW).run(lake, lake).rows]


def test_the_view_says_what_the_oracle_says(plant: Plant) -> None:
    """One row for each sample and camera, with the clip and the place in it, or the loss."""
    found = _asked(
        plant.lake,
        "SELECT value, ts, camera, clip_key, offset_ms, gap_key, gap_reason, offset_seconds FROM moments",
    )
    assert len(found) == len(plant.instants) * len(plant.cameras)
    told = {
        (int(float(value or -1)), camera): (key, None if offset is None else int(offset), gap)
        for value, _, camera, key, offset, gap, _, _ in found
    }
    expected = {
        (number, name): camera.at(at_ms)
        for number, at_ms in enumerate(plant.instants)
        for name, camera in plant.cameras.items()
    }
    assert told == expected
    kinds = {(key is not None, gap is not None) for key, _, gap in expected.values()}
    assert kinds == {(True, False), (False, True), (False, False)}
    for _, _, _, _, offset, gap, reason, seconds in found:
        assert reason == (None if gap is None else "expired")
        assert seconds == (None if offset is None else repr(int(offset) / 1000))


def test_the_command_says_the_same(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each instant and camera, in three calls; what these do not tell the table does."""
    asked = []

    def ask(client: Any, sql: str, *_: Any, **__: Any) -> athena.Result:
        asked.append(sql)
        answer = Query(sql, database="lake", now=NOW).run(plant.lake, plant.lake)
        columns = tuple(column.name for column in answer.columns)
        return athena.Result(columns, tuple(tuple(_values(answer.columns, row)) for row in answer.rows), 0.0, 0, "id")

    monkeypatch.setattr(athena, "run", ask)
    index = Tables(None, "lake", "lake")  # type: ignore[arg-type]  # athena.run is replaced
    for name, camera in plant.cameras.items():
        s3: Any = camera.archive
        find = CameraArchive(s3, BUCKET, camera.archive.prefix, partial(index.clips, "krakow", name)).find
        # Bursts ask the table again and again.
        for at_ms in plant.instants[:: 8 if name == "gate" else 1]:
            found = find(at_ms, "gateway")
            assert _said(found) == camera.at(at_ms), (name, at_ms, found)
            assert found.calls <= MOST_CALLS
    assert asked


def _said(found: Footage) -> _Said:
    assert found.state != "unclear"
    if found.state == "clip":
        return found.key, found.offset_ms, None
    return (None, None, found.key) if found.state == "lost" else _NOTHING


def _values(columns: Sequence[Any], row: Sequence[str | None]) -> Iterator[Any]:
    for column, cell in zip(columns, row, strict=True):
        yield athena._value(cell, str(column.type).partition("(")[0])


def test_a_sample_of_a_factory_without_cameras_has_one_row() -> None:
    lake = _lake(objects(NOW, BUCKETS, [Sample("speed", "-20 08:00:00", "-20 08:00:01", 1.0)]))
    sql = "SELECT value, camera, clip_key, offset_ms, gap_key, gap_reason FROM moments"
    assert _asked(lake, sql) == [["1.0", *[None] * 5]]


def test_copies_are_left_out_and_the_columns_are_those_of_the_samples(plant: Plant) -> None:
    sql = "SELECT count(*) FROM moments WHERE camera = 'oven'"
    assert _asked(plant.lake, sql) == _asked(plant.lake, "SELECT count(*) FROM measurements_distinct")


@pytest.mark.parametrize(
    ("where", "days", "factories"),
    [
        ("date = DATE '2026-03-08'", {"08"}, FACTORIES),
        ("year = 2026 AND month = 3 AND day = 8 AND factory = 'lyon'", {"08"}, ["lyon"]),
        ("date BETWEEN DATE '2026-03-08' AND DATE '2026-03-09' AND ts >= TIMESTAMP '2026-03-08 23:00:00'",
         {"08", "09"}, FACTORIES),
        ("date BETWEEN CAST(date_add('day', -1, current_date) AS date) AND current_date", {"08", "09"}, FACTORIES),
    ],
)  # fmt: skip
def test_a_condition_on_the_day_reads_those_days_of_both_tables(
    where: str, days: set[str], factories: Sequence[str]
) -> None:
    """And of the clips the days beside them. Bytes scanned are those of the same conditions on both tables."""
    every_day = [f"{day} {hour:02d}:00:00" for day in (-4, -3, -2, -1, 0, 1) for hour in (1, 13)]
    samples = [Sample("speed", at, at, 1.0, factory=factory) for at in every_day for factory in FACTORIES]
    stored = objects(NOW, BUCKETS, samples)
    for factory in FACTORIES:
        for day in range(5, 12):
            key = f"index/factory={factory}/year=2026/month=03/day={day:02d}/x.json"
            stored[BUCKETS["clips"], key] = (
                b'{"camera":"x","kind":"gap","key":"k","ended_at":"2026-03-05 00:00:00.000"}\n'
            )
    lake = _lake(stored)

    def scanned(sql: str) -> tuple[int, set[tuple[str, str, str]]]:
        lake.read.clear()
        answer = Query(sql, database="lake", now=NOW).run(lake, lake)
        parts = [
            (bucket, dict(part.split("=") for part in key.split("/") if "=" in part)) for bucket, key in lake.read
        ]
        return answer.bytes_scanned, {(bucket, part["factory"], part["day"]) for bucket, part in parts}

    size, read = scanned(f"SELECT * FROM moments WHERE {where}")  # noqa: S608 - the conditions above
    beside = {f"{int(day) + more:02d}" for day in days for more in (-1, 0, 1)}
    assert read == {("lake-measurements", factory, day) for factory in factories for day in days} | {
        ("lake-clips", factory, day) for factory in factories for day in beside
    }
    clips = sum(
        scanned(f"SELECT * FROM clips WHERE month = 3 AND day = {int(day) + more} {_of(factories)}")[0]  # noqa: S608
        for day in days
        for more in (-1, 0, 1)
    )
    those = ", ".join(str(int(day)) for day in days)
    of_samples, _ = scanned(f"SELECT * FROM measurements WHERE month = 3 AND day IN ({those}) {_of(factories)}")  # noqa: S608
    assert size == of_samples + clips < scanned("SELECT * FROM moments")[0]


def _of(factories: Sequence[str]) -> str:
    return f"AND factory IN ({', '.join(map(repr, factories))})"
