"""Runs the named queries, views and dashboards on two releases of Trino, and compares with the same expected results.

The older release has the tests' rows as tables of its own, and views as subqueries, which is what Trino makes of them.
The newer one reads the lake's very files, with partition projection, and views as the lake has them. Views without
repeats must have a row a message. Conditions on partitions, or on the date alone, must reach the scan of each table,
below what groups or joins its rows. What was in force, and what cameras saw, must be what the local engine says of the
data that are compared with an oracle.

Run by hand when a query was changed: ``python -m tests.terraform.queries.on_trino [BUILD_FOLDER]``. It needs Maven,
which fetches Trino (about 170 and 500 MB), a JDK 17 for the older release and one of 25 (``JAVA_HOME``) for the newer.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from localcloud.testing.trino import ask_trino
from localcloud.testing.trino.files import ask_trino_of_files
from tests.support.trino import create_table
from tests.terraform.queries.conftest import BUCKETS
from tests.terraform.queries.expected import EXPECTED, resolved
from tests.terraform.queries.rows import (
    DAY,
    LINE_PATTERN,
    PRESENCES,
    QUERIES,
    SAMPLES,
    TABLES,
    UPDATES,
    in_force_sql,
    line_objects,
    moments_sql,
    objects,
    schema_of,
    tables,
    view_sql,
    views,
)
from tests.terraform.queries.test_dashboards import all_queries, filled
from tests.terraform.queries.test_in_force import HISTORY
from tests.terraform.queries.test_moments import plant_of

Objects = Mapping[tuple[str, str], bytes]
Rows = list[list[str | None]]

_OLDER, _NEWER = "435", "483"
_BY_PARTITION = f"factory = 'krakow' AND year = 2026 AND {DAY} >= DATE '2026-03-01'"
_LAST_DAY = "2026-03-09"
_BY_DATE = f"date BETWEEN DATE '2026-03-01' AND DATE '{_LAST_DAY}'"
#: Of each view how often it scans a table, and a condition on partitions.
_PLANS = {
    **{f"{table}_distinct": (1, _BY_PARTITION) for table in TABLES},
    "moments": (4, "factory = 'krakow' AND year = 2026 AND month = 3 AND day = 9"),
}
_TYPES = {"boolean": "boolean", "double": "double", "timestamp": "timestamp(3)", "int": "integer", "bigint": "bigint"}


@dataclass(frozen=True)
class Question:
    """A query, and what tells whether an answer is wrong: how, in words, or nothing."""

    name: str
    sql: str
    wrong: Callable[[Rows], object]


def main() -> None:
    """Prints what differs; exits with 1 when anything does."""
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/trino").resolve()
    now = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    lakes: dict[str, Objects] = {
        "": objects(now, BUCKETS),
        "history_": line_objects(now, BUCKETS, HISTORY),
        "plant_": plant_of(1).lake.objects,
    }
    questions = list(_questions(now, lakes))
    failed = []
    for release, ask in ((_OLDER, _ask_older), (_NEWER, _ask_newer)):
        answers = ask([question.sql for question in questions], lakes, build)
        failed += [f"{release}: {one}" for one in _wrong(questions, answers)]
    verdict = "\n".join(failed) or (
        f"Trino {_OLDER} and {_NEWER} answer all {len(EXPECTED)} named queries and {len(TABLES) + 2} views as "
        f"expected, and {len(all_queries())} queries of dashboards without an error."
    )
    sys.stdout.write(f"{verdict}\n")
    sys.exit(bool(failed))


def _questions(now: datetime, lakes: Mapping[str, Objects]) -> Iterator[Question]:
    for name, rows in EXPECTED.items():
        yield Question(name, (QUERIES / f"{name}.sql").read_text(), _unlike(resolved(rows, now)))
    for name, sql in all_queries():
        yield Question(f"dashboard, {name}", filled(sql, now), lambda _: None)
    for table in TABLES:
        count = f"SELECT count(*) FROM {table}_distinct"  # noqa: S608 - our own names
        yield Question(count, count, _unlike([[str(len(_messages(table, now)))]]))
    for view, (scans, by_partition) in _PLANS.items():
        for condition in (by_partition, _BY_DATE):
            sql = f"EXPLAIN SELECT * FROM {view} WHERE {condition}"  # noqa: S608 - our own names
            bound = _LAST_DAY if condition == _BY_DATE else ""
            yield Question(sql, sql, partial(_unpruned, scans, bound))
    for prefix, view in (("history_", "configuration_in_force"), ("plant_", "moments")):
        sql = f"SELECT * FROM {view}"  # noqa: S608 - our own names
        lake = MemoryStorage(
            tables={("lake", table["Name"]): table for table in (*tables(BUCKETS), *views("lake"))},
            objects=dict(lakes[prefix]),
        )
        local = Query(sql, database="lake", now=now).run(lake, lake).rows
        yield Question(view, f"SELECT * FROM {prefix}{view}", _unlike([list(row) for row in local], is_sorted=False))  # noqa: S608


def _wrong(questions: Sequence[Question], answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for question, answer in zip(questions, answers, strict=True):
        if "error" in answer:
            yield f"{question.name}: {answer['error']}"
        elif wrong := question.wrong([[_plain(value) for value in row] for row in answer["rows"]]):
            yield f"{question.name}: {wrong}"


def _unlike(expected: Rows, *, is_sorted: bool = True) -> Callable[[Rows], object]:
    def wrong(found: Rows) -> object:
        if found == expected or (not is_sorted and sorted(map(repr, found)) == sorted(map(repr, expected))):
            return None
        differing = sorted({repr(row) for row in found} ^ {repr(row) for row in expected})
        return f"{len(differing)} rows differ, such as {differing[:1] or 'in their order'}"

    return wrong


def _unpruned(scans: int, bound: str, rows: Rows) -> str | None:
    """The plan, unless the condition is on each scan, with the partitions' columns, and of one scan nowhere above."""
    plan = str(rows[0][0])
    found = re.split(r"(?=Scan(?:Filter)?(?:Project)?\[)", plan)[1:]
    above = scans == 1 and re.search(r"Filter(Project)?\[", plan.partition("Aggregate")[0])
    if len(found) == scans and not above and all(_names_its_days(scan) and bound in scan for scan in found):
        return None
    return plan


def _names_its_days(scan: str) -> bool:
    """Whether a scan's filter, or what it knows of its partitions, has the columns of a day."""
    predicate = scan.partition("\n")[0].partition("filterPredicate")[2]
    return all(
        re.search(rf'"{name}(_\d+)?"', predicate) or re.search(rf"{name}:int\w*:PARTITION_KEY\s+:: \[", scan)
        for name in ("year", "month", "day")
    )


def _messages(table: str, now: datetime) -> set[Any]:
    """What tells the messages of a table apart."""
    if table == "configuration":
        return {update.line(now) for update in UPDATES}
    if table == "connections":
        return set(PRESENCES)
    return {replace(sample, received="") for sample in SAMPLES}


def _plain(value: str | None) -> str | None:
    """A value as Athena writes it."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(\.\d+)?", value or "")
    if found is None:
        return value
    return f"{found[1]} {found[2]}{found[3] or ':00'}{(found[4] or '.')[:4]:0<4}"


def _views_of(prefix: str) -> dict[str, str]:
    """The lake's views, each behind those that it names."""
    named = {f"{prefix}{table}_distinct": view_sql(table, prefix) for table in TABLES}
    return named | {f"{prefix}configuration_in_force": in_force_sql(prefix), f"{prefix}moments": moments_sql(prefix)}


# The older release


def _ask_older(asked: Sequence[str], lakes: Mapping[str, Objects], build: Path) -> list[dict[str, Any]]:
    made = [
        _with_rows(f"{prefix}{table}", schema_of(table), rows)
        for prefix, stored in lakes.items()
        for table in BUCKETS
        if (rows := list(_rows(table, stored)))
    ]
    known = {name: sql for prefix in lakes for name, sql in _views_of(prefix).items()}
    answers: list[dict[str, Any]] = ask_trino([*made, *(_with_views(sql, known) for sql in asked)], build / _OLDER)
    if errors := [answer["error"] for answer in answers[: len(made)] if "error" in answer]:
        raise SystemExit(f"no table: {errors[0]}")
    return answers[len(made) :]


def _with_views(sql: str, known: Mapping[str, str]) -> str:
    """A query with the views that it needs, which Trino's runner of tests cannot make."""
    needed: dict[str, str] = {}
    for name, query in reversed(list(known.items())):
        if any(re.search(rf"\b{name}\b", text) for text in (sql, *needed.values())):
            needed[name] = query
    if not needed:
        return sql
    explain, query = ("EXPLAIN ", sql[8:]) if sql.startswith("EXPLAIN ") else ("", sql)
    return f"{explain}WITH {', '.join(f'{name} AS ({text})' for name, text in reversed(list(needed.items())))} {query}"


def _rows(table: str, stored: Objects) -> Iterator[dict[str, Any]]:
    """The rows of a table's objects."""
    schema = schema_of(table)
    for (bucket, key), body in stored.items():
        prefix = f"{schema.get('prefix', '')}factory="
        if bucket != BUCKETS[table] or not key.startswith(prefix):
            continue
        partition = dict(part.split("=") for part in key.split("/") if "=" in part)
        if "camera" in partition:
            continue
        for row in _FORMATS[schema["format"]](body):
            columns = {column["name"]: row.get(column["name"]) for column in schema["columns"]}
            yield columns | {name: value if name == "factory" else int(value) for name, value in partition.items()}


def _of_lines(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.decode().split("\n")[:-1]:
        # Java's pattern and Python's agree on these lines.
        found = re.fullmatch(LINE_PATTERN, line)
        yield dict(zip(("line", "received_at_ms", "gateway"), found.groups() if found else (), strict=True))


_FORMATS: Mapping[str, Callable[[bytes], Any]] = {
    "parquet": lambda body: pq.read_table(io.BytesIO(body)).to_pylist(),
    "json": lambda body: map(json.loads, body.decode().splitlines()),
    "line": _of_lines,
}


def _with_rows(table: str, schema: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """A statement that makes a table of these rows."""
    columns = schema["columns"] + schema["partition_keys"]
    kinds = {column["name"]: _TYPES.get(column["type"], "varchar") for column in columns}
    values = ", ".join("({})".format(", ".join(_literal(row[name], kinds[name]) for name in kinds)) for row in rows)
    return f"CREATE TABLE {table} AS SELECT * FROM (VALUES {values}) AS v ({', '.join(kinds)})"  # noqa: S608 - our own rows


def _literal(value: Any, kind: str) -> str:
    if isinstance(value, datetime):
        text = f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
    elif isinstance(value, str):
        text = "'{}'".format(value.replace("'", "''"))
    else:
        text = "NULL" if value is None else str(value)
    return f"CAST({text} AS {kind})"


# The newer release


def _ask_newer(asked: Sequence[str], lakes: Mapping[str, Objects], build: Path) -> list[dict[str, Any]]:
    folder = build / "lake"
    shutil.rmtree(folder, ignore_errors=True)
    made = ["CREATE SCHEMA lake.lake"]
    for prefix, stored in lakes.items():
        for (bucket, key), body in stored.items():
            file = folder / f"{prefix}lake" / bucket / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        for table, bucket in BUCKETS.items():
            schema = schema_of(table)
            place = f"{prefix}lake/{bucket}/{schema.get('prefix', '')}".rstrip("/")
            (folder / place).mkdir(parents=True, exist_ok=True)
            made.append(create_table(f"{prefix}{table}", place, schema))
        made += [f"CREATE VIEW {name} AS {sql}" for name, sql in _views_of(prefix).items()]
    answers = ask_trino_of_files([*made, *asked], folder, _NEWER, build)
    if errors := [answer["error"] for answer in answers[: len(made)] if "error" in answer]:
        raise SystemExit(f"no table or view: {errors[0]}")
    return answers[len(made) :]


if __name__ == "__main__":
    main()
