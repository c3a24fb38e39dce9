"""Samples of one batch share arrival and gateway: views and named queries take them for what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.conftest import BUCKETS, NOW
from tests.terraform.queries.rows import QUERIES, Sample, objects, tables, views

_TAKEN, _CAME = "0 08:00:00", "0 08:00:01"
_SPEED = Sample("speed", _TAKEN, _CAME, 20.0)
_LATE = Sample("late", "-1 23:00:00", _CAME, 5.0)
_EDGE = Sample("edge", _TAKEN, _CAME, 7.0)
BATCH = (
    _SPEED,
    Sample("state", _TAKEN, _CAME, text="idle", datatype="string"),
    # Two readings of one moment, and the same number as a good and as a bad one.
    replace(_SPEED, value=10.0),
    _EDGE,
    replace(_EDGE, success=False),
    # Put back to its own day, twice: the copies are equal in everything.
    _LATE,
    _LATE,
)


def ask(samples: Sequence[Sample], sql: str) -> list[list[str | None]]:
    lake = MemoryStorage(
        tables={("lake", table["Name"]): table for table in (*tables(BUCKETS), *views("lake"))},
        objects=objects(NOW, BUCKETS, samples),
    )
    return [list(row) for row in Query(sql, database="lake", now=NOW).run(lake, lake).rows]


def test_the_view_has_each_sample_once() -> None:
    sql = "SELECT tag_name, value, success FROM measurements_distinct ORDER BY 1, 2, 3"
    assert ask(BATCH, sql) == [
        ["edge", "7.0", "false"],
        ["edge", "7.0", "true"],
        ["late", "5.0", "true"],
        ["speed", "10.0", "true"],
        ["speed", "20.0", "true"],
        ["state", None, "true"],
    ]


def test_the_duplicates_query_tells_a_repeat_from_a_conflict() -> None:
    sql = (QUERIES / "duplicate-samples.sql").read_text()
    assert [[row[1], row[3], row[4], row[5]] for row in ask(BATCH, sql)] == [
        ["late", "same", "2", "1"],
        ["edge", "conflicting", "2", "2"],
        ["speed", "conflicting", "2", "2"],
    ]


@pytest.mark.parametrize("name", sorted(path.stem for path in QUERIES.glob("*.sql")))
def test_what_a_query_chooses_does_not_depend_on_the_order_of_rows(name: str) -> None:
    """Of several samples with one timestamp and one arrival, none arrived last."""
    sql = (QUERIES / f"{name}.sql").read_text()
    assert ask(BATCH, sql) == ask(BATCH[1:] + BATCH[:1], sql) == ask(BATCH[::-1], sql)
