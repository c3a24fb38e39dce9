"""Runs the named queries on Trino itself, over the tests' rows, and compares with the same expected results.

The views without repeats are asked as subqueries, which is what Trino makes of a view: each must have a row a
message, and a condition on partitions must reach the scan of its table, below what groups the rows.

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

from localcloud.testing.trino import ask_trino
from tests.terraform.queries.expected import EXPECTED, resolved
from tests.terraform.queries.rows import (
    FOOTAGE,
    LINE_PATTERN,
    QUERIES,
    SAMPLES,
    TABLES,
    UPDATES,
    at,
    schema_of,
    view_sql,
)

_TYPES = {"boolean": "boolean", "double": "double", "timestamp": "timestamp(3)", "int": "integer", "bigint": "bigint"}


def main() -> None:
    """Prints what differs; exits with 1 when anything does."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/trino").resolve()
    now = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    names = sorted(EXPECTED)
    texts = [(QUERIES / f"{name}.sql").read_text() for name in names]
    views = [sql for table in TABLES for sql in (_count(table), _plan(table))]
    tables = [_measurements(now), _configuration(now), _clips(now)]
    answers = ask_trino([*tables, *texts, *views], build)
    failed = [answer["error"] for answer in answers if "error" in answer]
    for name, answer in zip(names, answers[len(tables) : -len(views)], strict=True):
        rows: Any = answer.get("rows", [])
        if [[_plain(value) for value in row] for row in rows] != resolved(EXPECTED[name], now):
            failed.append(f"{name}: {rows}")
    of_views = [_only_value(answer) for answer in answers[-len(views) :]]
    for table, count, plan in zip(TABLES, of_views[::2], of_views[1::2], strict=True):
        if count != str(len(_messages(table, now))):
            failed.append(f"{table}_distinct: {count} rows instead of {len(_messages(table, now))}")
        (scan,) = re.findall(r"ScanFilter\[.*filterPredicate = (.*)\]", plan) or [""]
        above = re.search(r"Filter(Project)?\[", plan.partition("Aggregate")[0])
        if above or not all(f'"{name}"' in scan for name in ("factory", "year", "month", "day")):
            failed.append(f"{table}_distinct: the condition does not reach the scan:\n{plan}")
    verdict = "\n".join(map(str, failed)) or (
        f"Trino answers all {len(names)} named queries and {len(TABLES)} views as expected."
    )
    sys.stdout.write(f"{verdict}\n")
    sys.exit(bool(failed))


def _only_value(answer: dict[str, Any]) -> str:
    return str(answer.get("rows", [[""]])[0][0])


def _count(table: str) -> str:
    return f"SELECT count(*) FROM ({view_sql(table)}) AS v"  # noqa: S608 - the view's own query


def _plan(table: str) -> str:
    day = "date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01'))"
    return (
        f"EXPLAIN SELECT * FROM ({view_sql(table)}) AS v "  # noqa: S608 - the view's own query
        f"WHERE factory = 'krakow' AND year = 2026 AND {day} >= DATE '2026-03-01'"
    )


def _messages(table: str, now: datetime) -> set[Any]:
    """What tells the messages of a table apart."""
    if table == "configuration":
        return {update.line(now) for update in UPDATES}
    return {replace(sample, received="") for sample in SAMPLES}


def _plain(value: str | None) -> str | None:
    return value and re.sub(r"(\d\d:\d\d:\d\d)$", r"\1.000", value)


def _measurements(now: datetime) -> str:
    rows = [{**sample.row(now), **_partition(sample.factory, at(now, sample.ts))} for sample in SAMPLES]
    return _create("measurements", rows)


def _configuration(now: datetime) -> str:
    rows = []
    for update in UPDATES:
        # Java's pattern and Python's agree on these lines.
        found = re.fullmatch(LINE_PATTERN, update.line(now).rstrip("\n"))
        columns = dict(zip(("line", "received_at_ms", "gateway"), found.groups() if found else (), strict=True))
        rows.append({**columns, **_partition(update.factory, at(now, update.received))})
    return _create("configuration", rows)


def _clips(now: datetime) -> str:
    rows = []
    for footage in FOOTAGE:
        row = json.loads(footage.row(now)[1])
        columns = {column["name"]: row.get(column["name"]) for column in schema_of("clips")["columns"]}
        rows.append({**columns, **_partition(footage.factory, at(now, footage.started))})
    return _create("clips", rows)


def _partition(factory: str, moment: datetime) -> dict[str, Any]:
    return {"factory": factory, "year": moment.year, "month": moment.month, "day": moment.day}


def _create(table: str, rows: Sequence[dict[str, Any]]) -> str:
    """A statement that makes a table of these rows."""
    schema = schema_of(table)
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
