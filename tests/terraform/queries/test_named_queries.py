"""Every named query over fixture rows, by the local engine, at a fixed moment."""

from __future__ import annotations

import json
import re

import pytest

from localcloud.athena.engine import Query
from localcloud.athena.surface import parse
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.conftest import BUCKETS, NOW
from tests.terraform.queries.expected import EXPECTED, resolved
from tests.terraform.queries.rows import LINE_PATTERN, QUERIES, ROOT, tables, views

NAMES = sorted(path.stem for path in QUERIES.glob("*.sql"))


def _text(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text()


def test_every_query_has_an_expected_result() -> None:
    assert sorted(EXPECTED) == NAMES


def test_the_tables_of_these_tests_read_lines_as_the_catalog_does() -> None:
    tables_tf = (ROOT / "modules" / "glue_catalog" / "tables.tf").read_text()
    assert f'"input.regex" = {json.dumps(LINE_PATTERN)}' in tables_tf


@pytest.mark.parametrize("name", NAMES)
def test_answers_as_worked_out_by_hand(lake: MemoryStorage, name: str) -> None:
    answer = Query(_text(name), database="lake", now=NOW).run(lake, lake)
    assert list(map(list, answer.rows)) == resolved(EXPECTED[name], NOW)


@pytest.mark.parametrize("name", NAMES)
def test_runs_on_a_lake_without_data(name: str) -> None:
    empty = MemoryStorage(
        tables={("lake", table["Name"]): table for table in (*tables(BUCKETS), *views("lake"))},
        objects={(bucket, "athena-results/x.csv"): b"x" for bucket in BUCKETS.values()},
    )
    assert Query(_text(name), database="lake", now=NOW).run(empty, empty).rows == []


@pytest.mark.parametrize("name", NAMES)
def test_begins_with_what_it_answers_and_says_what_it_scans(name: str) -> None:
    first, *rest = _text(name).splitlines()
    assert first.startswith("-- ")
    assert any("-- Scans " in line for line in rest)
    parse(_text(name))


@pytest.mark.parametrize(
    ("name", "oldest"),
    [
        ("latest-value-per-tag", "2026-02-06"),
        ("tag-over-time", "2026-03-06"),
        ("samples-per-factory-and-day", "2026-02-06"),
        ("stale-or-bad-samples", "2026-03-06"),
        ("late-arrivals", "2026-01-28"),
        ("duplicate-samples", "2026-02-06"),
        ("connections-per-gateway", "2026-03-06"),
        ("flapping-gateways", "2026-03-06"),
        ("clips-of-a-moment", "2026-03-08"),
        ("clips-of-samples", "2026-03-08"),
    ],
)
def test_reads_only_the_days_that_it_asks_for(lake: MemoryStorage, name: str, oldest: str) -> None:
    """The oldest day with rows that lies within the query's days; late arrivals reach back over all rows."""
    Query(_text(name), database="lake", now=NOW).run(lake, lake)
    days = {key.split("year=")[1][:4] + key.split("month=")[1][:2] + key.split("day=")[1][:2] for _, key in lake.read}
    assert min(days) == oldest.replace("-", "")


@pytest.mark.parametrize("name", NAMES)
def test_reads_one_factory_when_one_is_named(lake: MemoryStorage, name: str) -> None:
    text = _text(name)
    assert text.count("factory LIKE '%'") == 1
    answer = Query(text.replace("factory LIKE '%'", "factory = 'lyon'"), database="lake", now=NOW).run(lake, lake)
    assert {re.sub("^(connections|index)/", "", key).split("/")[0] for _, key in lake.read} <= {"factory=lyon"}
    assert list(map(list, answer.rows)) == [row for row in resolved(EXPECTED[name], NOW) if "lyon" in row]
