"""Runs the named queries on Trino itself, over the tests' rows, and compares with the same expected results.

The views are asked as subqueries, which is what Trino makes of a view. Those without repeats must have a row a
message, and a condition on partitions, or on the date alone, must reach the scan of the table, below what groups the
rows. What was in force must be what the local engine says of the history that is compared with an oracle.

Run by hand when a query was changed; it needs a JDK 17 and Maven, which fetches Trino (about 170 MB):
``python -m tests.terraform.queries.on_trino [BUILD_FOLDER]``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from localcloud.testing.trino import ask_trino
from tests.terraform.queries.conftest import BUCKETS
from tests.terraform.queries.expected import EXPECTED, resolved
from tests.terraform.queries.rows import (
    CANARY_SAMPLES,
    CANARY_UPDATES,
    DAY,
    FOOTAGE,
    LINE_PATTERN,
    PRESENCES,
    QUERIES,
    SAMPLES,
    TABLES,
    UPDATES,
    Update,
    at,
    in_force_sql,
    line_objects,
    schema_of,
    tables,
    view_sql,
    views,
)
from tests.terraform.queries.test_dashboards import all_queries, filled
from tests.terraform.queries.test_in_force import HISTORY

_BY_PARTITION = f"factory = 'krakow' AND year = 2026 AND {DAY} >= DATE '2026-03-01'"
_BY_DATE = "date BETWEEN DATE '2026-03-01' AND DATE '2026-03-09'"
_TYPES = {"boolean": "boolean", "double": "double", "timestamp": "timestamp(3)", "int": "integer", "bigint": "bigint"}


def main() -> None:
    """Prints what differs; exits with 1 when anything does."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/trino").resolve()
    now = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    names = sorted(EXPECTED)
    texts = [(QUERIES / f"{name}.sql").read_text() for name in names]
    views = [sql for table in TABLES for sql in (_count(table), _plan(table, _BY_PARTITION), _plan(table, _BY_DATE))]
    of_dashboards = [_with_views(filled(sql, now)) for _, sql in all_queries()]
    history = _lines("history", now, HISTORY)
    in_force = f"SELECT * FROM ({in_force_sql('history')}) AS v"  # noqa: S608 - the view's own query
    tables_made = [
        _measurements(now),
        _lines("configuration", now, (*UPDATES, *CANARY_UPDATES)),
        _connections(now),
        _clips(now),
    ]
    every = ask_trino([*tables_made, *texts, *views, *of_dashboards, history, in_force], build)
    answers, of_history = every[: len(tables_made) + len(texts) + len(views)], every[-1]
    failed = [str(answer["error"]) for answer in every if "error" in answer]
    for name, answer in zip(names, answers[len(tables_made) : -len(views)], strict=True):
        rows: Any = answer.get("rows", [])
        if [[_plain(value) for value in row] for row in rows] != resolved(EXPECTED[name], now):
            failed.append(f"{name}: {rows}")
    of_views = [_only_value(answer) for answer in answers[-len(views) :]]
    for table, count, *plans in zip(TABLES, of_views[::3], of_views[1::3], of_views[2::3], strict=True):
        if count != str(len(_messages(table, now))):
            failed.append(f"{table}_distinct: {count} rows instead of {len(_messages(table, now))}")
        failed += [
            f"{table}_distinct: the condition does not reach the scan:\n{plan}" for plan in plans if not _prunes(plan)
        ]
    failed += _differing(of_history, now)
    verdict = "\n".join(map(str, failed)) or (
        f"Trino answers all {len(names)} named queries and {len(TABLES) + 1} views as expected, "
        f"and {len(of_dashboards)} queries of dashboards without an error."
    )
    sys.stdout.write(f"{verdict}\n")
    sys.exit(bool(failed))


def _with_views(sql: str) -> str:
    """A query over views, which Trino's runner of tests cannot make."""
    named = {f"{table}_distinct": view_sql(table) for table in TABLES} | {"configuration_in_force": in_force_sql()}
    return f"WITH {', '.join(f'{name} AS ({query})' for name, query in named.items())} {sql}"


def _prunes(plan: str) -> bool:
    """Whether the condition is on the scan, with the partitions' columns, and nowhere above it."""
    (scan,) = re.findall(r"ScanFilter\w*\[.*filterPredicate = (.*)\]", plan) or [""]
    above = re.search(r"Filter(Project)?\[", plan.partition("Aggregate")[0])
    return not above and all(f'"{name}"' in scan for name in ("year", "month", "day"))


def _differing(answer: dict[str, Any], now: datetime) -> list[str]:
    """What the view of what was in force has on one engine only, over the history."""
    lake = MemoryStorage(
        tables={("lake", table["Name"]): table for table in (*tables(BUCKETS), *views("lake"))},
        objects=line_objects(now, BUCKETS, HISTORY),
    )
    local = Query("SELECT * FROM configuration_in_force", database="lake", now=now).run(lake, lake).rows
    found: Any = answer.get("rows", [[answer.get("error")]])
    both = {repr([*map(_plain, row)]) for row in found} ^ {repr([*row]) for row in local}
    return [f"configuration_in_force: {len(both)} rows differ, such as {row}" for row in sorted(both)[:1]]


def _only_value(answer: dict[str, Any]) -> str:
    return str(answer.get("rows", [[""]])[0][0])


def _count(table: str) -> str:
    return f"SELECT count(*) FROM ({view_sql(table)}) AS v"  # noqa: S608 - the view's own query


def _plan(table: str, condition: str) -> str:
    return f"EXPLAIN SELECT * FROM ({view_sql(table)}) AS v WHERE {condition}"  # noqa: S608 - the view's own query


def _messages(table: str, now: datetime) -> set[Any]:
    """What tells the messages of a table apart."""
    if table == "configuration":
        return {update.line(now) for update in UPDATES}
    if table == "connections":
        return set(PRESENCES)
    return {replace(sample, received="") for sample in SAMPLES}


def _plain(value: str | None) -> str | None:
    return value and re.sub(r"(\d\d:\d\d:\d\d)$", r"\1.000", value)


def _measurements(now: datetime) -> str:
    samples = (*SAMPLES, *CANARY_SAMPLES)
    rows = [{**sample.row(now), **_partition(sample.factory, at(now, sample.ts))} for sample in samples]
    return _create("measurements", rows)


def _lines(table: str, now: datetime, updates: Sequence[Update]) -> str:
    rows = []
    for update in updates:
        # Java's pattern and Python's agree on these lines.
        found = re.fullmatch(LINE_PATTERN, update.line(now).rstrip("\n"))
        columns = dict(zip(("line", "received_at_ms", "gateway"), found.groups() if found else (), strict=True))
        rows.append({**columns, **_partition(update.factory, at(now, update.received))})
    return _create(table, rows, "configuration")


def _connections(now: datetime) -> str:
    rows = [{**one.row(now), **_partition(one.factory, at(now, one.ts))} for one in PRESENCES]
    return _create("connections", rows)


def _clips(now: datetime) -> str:
    rows = []
    for footage in FOOTAGE:
        row = json.loads(footage.row(now)[1])
        columns = {column["name"]: row.get(column["name"]) for column in schema_of("clips")["columns"]}
        rows.append({**columns, **_partition(footage.factory, at(now, footage.started))})
    return _create("clips", rows)


def _partition(factory: str, moment: datetime) -> dict[str, Any]:
    return {"factory": factory, "year": moment.year, "month": moment.month, "day": moment.day}


def _create(table: str, rows: Sequence[dict[str, Any]], like: str = "") -> str:
    """A statement that makes a table of these rows, with the columns of the lake's table of that name or another."""
    schema = schema_of(like or table)
    kinds = {column["name"]: _TYPES.get(column["type"], "varchar") for column in schema["columns"]}
    kinds.update((key["name"], _TYPES.get(key["type"], "varchar")) for key in schema["partition_keys"])
    values = ", ".join("({})".format(", ".join(_literal(row[name], kinds[name]) for name in rows[0])) for row in rows)
    return f"CREATE TABLE {table} AS SELECT * FROM (VALUES {values}) AS v ({', '.join(rows[0])})"  # noqa: S608 - our own rows


def _literal(value: Any, kind: str) -> str:
    if isinstance(value, datetime):
        text = f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
    elif isinstance(value, str):
        text = "'{}'".format(value.replace("'", "''"))
    else:
        text = "NULL" if value is None else str(value)
    return f"CAST({text} AS {kind})"


if __name__ == "__main__":
    main()
