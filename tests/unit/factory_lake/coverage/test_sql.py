"""The queries on the local engine: what they answer, and which partitions they read."""

from __future__ import annotations

import io
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_lake.coverage import sql
from factory_lake.query import _value
from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.rows import tables
from tests.unit.factory_lake.coverage.oracle import BEGIN, DAY, Plant, moment, random_plant

BUCKETS = {"measurements": "lake-measurements", "configuration": "lake-configuration"}


def storage_of(*plants: tuple[str, Plant], copies: int = 1) -> MemoryStorage:
    """A lake's table of measurements with the samples of these tags, each as often as said."""
    by_day: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for tag, plant in plants:
        for at, arrived in plant.samples.items():
            key = datetime.fromtimestamp(at, UTC).strftime("factory=krakow/year=%Y/month=%m/day=%d/a.parquet")
            row = {"device_name": "press", "tag_name": tag, "ts": moment(at), "gateway": "line-1"}
            by_day[key] += [{**row, "received_at": moment(arrived + DAY * copy)} for copy in range(copies)]
    objects = {}
    for key, rows in by_day.items():
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        arrays = {
            name: pa.array(values, pa.timestamp("ms") if name in ("ts", "received_at") else pa.string())
            for name, values in columns.items()
        }
        body = io.BytesIO()
        pq.write_table(pa.table(arrays), body)
        objects["lake-measurements", key] = body.getvalue()
    return MemoryStorage(tables={("lake", table["Name"]): table for table in tables(BUCKETS)}, objects=objects)


def answer(storage: MemoryStorage, text: str) -> list[dict[str, Any]]:
    """What Athena's API would give the command."""
    found = Query(text, database="lake", now=datetime.fromtimestamp(BEGIN, UTC)).run(storage, storage)
    names, kinds = [one.name for one in found.columns], [str(one.type) for one in found.columns]
    kinds = ["timestamp" if kind.startswith("timestamp") else kind for kind in kinds]
    return [dict(zip(names, map(_value, row, kinds), strict=True)) for row in found.rows]


def window_of(plant: Plant) -> sql.Window:
    return sql.Window("krakow", *sql.days_between(1000 * plant.start, 1000 * plant.end, 7, 1))


@pytest.mark.parametrize("seed", range(6))
def test_the_rows_are_those_worked_out_one_by_one(seed: int) -> None:
    plant = random_plant(seed)
    storage = storage_of(("speed", plant))
    found = answer(storage, sql.runs(window_of(plant), 1000 * plant.start, 1000 * plant.end, ()))
    assert found == plant.rows()


def test_a_pause_of_two_periods_begins_a_run_and_copies_do_not(plant: Plant) -> None:
    plant.samples = {at: at for at in plant.samples if (at - plant.start) % 70}
    storage = storage_of(("speed", plant), copies=2)
    found = answer(storage, sql.runs(window_of(plant), 1000 * plant.start, 1000 * plant.end, ("line-1",)))
    assert found == plant.rows()
    assert len(found) > plant.period * 5


def test_only_the_partitions_of_the_days_are_read(plant: Plant) -> None:
    old = Plant(10, BEGIN - 40 * DAY, BEGIN)
    old.samples = {BEGIN - days * DAY: BEGIN for days in (30, 9, 8, 7, 1)}
    plant.samples |= old.samples
    storage = storage_of(("speed", plant))
    answer(storage, sql.runs(window_of(plant), 1000 * plant.start, 1000 * plant.end, ()))
    days = {key.split("month=")[1].removesuffix("/a.parquet") for _, key in storage.read}
    assert days == {"03/day=02", "03/day=08", "03/day=09"}


def test_names_are_quoted(plant: Plant) -> None:
    storage = storage_of(("speed", plant))
    assert answer(storage, sql.runs(window_of(plant), 0, 1, ("line-1'; --",))) == []


@pytest.fixture
def plant() -> Plant:
    """An hour of the first day, of a tag that sends every ten seconds."""
    made = Plant(10, BEGIN + 7 * 3600, BEGIN + 8 * 3600)
    made.samples = {at: at for at in range(made.start - 600, made.end + 600, 10)}
    return made
