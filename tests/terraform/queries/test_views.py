"""The views without repeats over the fixture rows, by the local engine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.conftest import NOW
from tests.terraform.queries.rows import CANARY_SAMPLES, CANARY_UPDATES, DAY, QUERIES, ROOT, SAMPLES, UPDATES

SCHEMA = json.loads((ROOT / "glue_schemas" / "measurements.json").read_text())
COLUMNS = [column["name"] for column in SCHEMA["columns"]]
ARRIVAL = "received_at"


def _rows(lake: MemoryStorage, sql: str) -> list[list[str | None]]:
    return [list(row) for row in Query(sql, database="lake", now=NOW).run(lake, lake).rows]


def _count(lake: MemoryStorage, table: str) -> int:
    (found,) = _rows(lake, f"SELECT count(*) FROM {table}")  # noqa: S608 - names of this file
    return int(found[0] or 0)


def _distinct_samples() -> set[tuple[Any, ...]]:
    """The rows without repeats: of those equal in all but the arrival, the one that arrived first."""
    first: dict[tuple[Any, ...], Any] = {}
    for sample in SAMPLES:
        row = sample.row(NOW)
        identity = (sample.factory, *(value for name, value in row.items() if name != ARRIVAL))
        first[identity] = min(row[ARRIVAL], first.get(identity, row[ARRIVAL]))
    return {(*identity, arrival) for identity, arrival in first.items()}


def test_each_sample_is_there_once_as_it_first_arrived(lake: MemoryStorage) -> None:
    names = ["factory", *(name for name in COLUMNS if name != ARRIVAL), ARRIVAL]
    found = _rows(lake, f"SELECT {', '.join(names)} FROM measurements_distinct")  # noqa: S608 - the schema's
    expected = [[_text(value) for value in row] for row in _distinct_samples()]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert len(found) < _count(lake, "measurements")


def _text(value: Any) -> str | None:
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    if isinstance(value, bool) or value is None:
        return value if value is None else str(value).lower()
    return "9.007199254740992E15" if value == 2**53 else str(value)


def test_two_readings_at_one_moment_are_both_there(lake: MemoryStorage) -> None:
    assert _rows(
        lake,
        "SELECT value, received_at FROM measurements_distinct "
        "WHERE tag_name = 'running' AND day = 9 ORDER BY received_at",
    ) == [["0.0", "2026-03-09 08:00:01.000"], ["1.0", "2026-03-09 08:00:05.000"]]


def test_the_duplicates_query_finds_what_the_view_leaves_out(lake: MemoryStorage) -> None:
    duplicates = (QUERIES / "duplicate-samples.sql").read_text().partition("ORDER BY factory, ts")[0]
    ((repeats,),) = _rows(lake, f"SELECT sum(copies - messages) FROM ({duplicates})")  # noqa: S608 - the file
    of_gateways = _count(lake, "measurements") - len(CANARY_SAMPLES)
    assert int(repeats or 0) == of_gateways - _count(lake, "measurements_distinct") > 0


@pytest.mark.parametrize("view", ["measurements_distinct", "configuration_distinct", "configuration_in_force"])
def test_what_the_canary_left_is_not_shown(lake: MemoryStorage, view: str) -> None:
    assert not [row for row in _rows(lake, f"SELECT * FROM {view}") if "canary" in str(row)]  # noqa: S608 - the views
    table = view.split("_")[0]
    assert [row for row in _rows(lake, f"SELECT * FROM {table}") if "canary" in str(row)]  # noqa: S608 - its table


def test_the_duplicates_query_takes_for_one_message_what_the_view_does() -> None:
    """It names the columns of the schema file; a new one has to be added."""
    tree = sqlglot.parse_one((QUERIES / "duplicate-samples.sql").read_text(), read="athena")
    (inner,) = (select for select in tree.find_all(exp.Select) if select is not tree)
    keys = [key["name"] for key in SCHEMA["partition_keys"]]
    assert {column.name for column in inner.args["group"].expressions} == {*COLUMNS, *keys} - {ARRIVAL}


def test_a_line_of_configuration_is_there_once(lake: MemoryStorage) -> None:
    found = _rows(lake, "SELECT line FROM configuration_distinct")
    lines = [update.line(NOW).rstrip("\n") for update in UPDATES]
    assert sorted(line for (line,) in found if line) == sorted(set(lines))
    assert len(set(lines)) < len(lines) == _count(lake, "configuration") - len(CANARY_UPDATES)


@pytest.mark.parametrize("table", ["measurements", "configuration", "connections"])
@pytest.mark.parametrize(
    "where",
    [
        "factory = 'lyon'",
        "year = 2026 AND month = 3 AND day = 9",
        "CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) "
        "AS date) >= CAST(date_add('day', -3, current_date) AS date)",
    ],
)
def test_it_reads_the_partitions_that_its_table_would(lake: MemoryStorage, table: str, where: str) -> None:
    def read(relation: str) -> set[str]:
        lake.read.clear()
        _rows(lake, f"SELECT count(*) FROM {relation} WHERE {where}")  # noqa: S608 - the conditions above
        return _keys(lake.read)

    everything = {key for _, key in lake.objects}
    assert read(f"{table}_distinct") == read(table) < everything


@pytest.mark.parametrize("table", ["measurements", "configuration"])
@pytest.mark.parametrize(
    ("where", "days"),
    [
        ("date = DATE '2026-03-09'", "= DATE '2026-03-09'"),
        ("date >= CAST(date_add('day', -3, current_date) AS date)", ">= DATE '2026-03-06'"),
        ("date BETWEEN DATE '2026-02-27' AND DATE '2026-03-06'", "BETWEEN DATE '2026-02-27' AND DATE '2026-03-06'"),
        ("CAST(date AS timestamp) >= TIMESTAMP '2026-03-08 00:00:00'", ">= DATE '2026-03-08'"),
    ],
)
def test_a_condition_on_the_date_alone_reads_only_its_days(
    lake: MemoryStorage, table: str, where: str, days: str
) -> None:
    """The keys that are read, the bytes that are scanned and the rows are those of a condition on the partitions."""

    def asked(condition: str) -> tuple[set[str], int, int]:
        lake.read.clear()
        sql = f"SELECT * FROM {table}_distinct WHERE {condition}"  # noqa: S608 - the conditions above
        answer = Query(sql, database="lake", now=NOW).run(lake, lake)
        return _keys(lake.read), answer.bytes_scanned, len(answer.rows)

    everything = asked("true")
    by_date = asked(where)
    assert by_date == asked(f"{DAY} {days}")
    assert by_date[0] < everything[0]
    assert 0 < by_date[1] < everything[1]


def test_the_date_is_the_last_column_and_that_of_the_partition(lake: MemoryStorage) -> None:
    answer = Query("SELECT * FROM measurements_distinct", database="lake", now=NOW).run(lake, lake)
    names = [column.name for column in answer.columns]
    assert names == [*COLUMNS, "factory", "year", "month", "day", "date"]
    at = names.index("ts")
    assert {str(row[-1]) for row in answer.rows} == {str(row[at])[:10] for row in answer.rows}


def _keys(read: Iterable[tuple[str, str]]) -> set[str]:
    return {key for _, key in read}
