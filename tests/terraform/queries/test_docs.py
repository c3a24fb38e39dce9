"""What docs/queries.md says of the queries holds, and its SQL, the README's and docs/configuration.md's runs."""

from __future__ import annotations

import re

import pytest

from localcloud.athena.engine import Query
from localcloud.athena.errors import QueryError
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.conftest import NOW
from tests.terraform.queries.rows import QUERIES, ROOT
from tests.terraform.queries.test_named_queries import NAMES

TEXT = (ROOT / "docs" / "queries.md").read_text()
PAGES = (TEXT, *((ROOT / name).read_text() for name in ("README.md", "docs/configuration.md")))
EXAMPLES = [sql for page in PAGES for sql in re.findall(r"```sql\n(.*?)```", page, re.DOTALL)]


def test_the_table_lists_every_query_with_the_days_that_it_reads() -> None:
    listed = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| (\d+|all) \|$", TEXT, re.MULTILINE))
    days = {}
    for name in NAMES:
        found = set(re.findall(r"date_add\('day', -(\d+), current_date\)", (QUERIES / f"{name}.sql").read_text()))
        assert len(found) <= 1
        days[name] = found.pop() if found else "all"
    assert listed == days


@pytest.mark.parametrize("sql", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs_and_finds_something(lake: MemoryStorage, sql: str) -> None:
    assert Query(sql, database="lake", now=NOW).run(lake, lake).rows


@pytest.mark.parametrize(("write", "instead_of"), re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", TEXT, re.MULTILINE))
def test_every_spelling_that_is_advised_is_taken(lake: MemoryStorage, write: str, instead_of: str) -> None:
    names = "n, a, b, x, y, s, value, list"
    kinds = "3, TIMESTAMP '2026-03-09 00:00:00', TIMESTAMP '2026-03-09 00:59:59', 1, 2, '1.5', 1.5e0, ARRAY[1]"
    relation = f"(VALUES ({kinds})) AS v ({names})"
    counted = "count" in write or "max_by" in write
    sql = f"SELECT {write} FROM {relation}" + (" GROUP BY n" if counted else "")  # noqa: S608 - from the page
    assert Query(sql).run(lake, lake).rows
    if "CAST(value" in instead_of or "try_cast" in instead_of or "[" in instead_of:
        with pytest.raises(QueryError, match="NOT_SUPPORTED_LOCALLY"):
            Query(f"SELECT {instead_of} FROM {relation}").run(lake, lake)  # noqa: S608 - from the page
