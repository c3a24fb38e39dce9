"""Query the lake: a named query or your own SQL, through the Athena API.

`factory-lake query latest-value-per-tag` is the command; see `docs/queries.md`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory_lake.boundary import DONE
from factory_lake.clients import Clients
from factory_lake.errors import FactoryLakeError, OptionError
from factory_lake.lake import open_lake, output_at
from factory_lake.options import FormatOption, LakeOption
from factory_lake.output import Table, emit

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef, StartQueryExecutionInputTypeDef

Value = bool | int | float | Decimal | date | datetime | str | None

_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 2.0
_NAMED_QUERIES_AT_ONCE = 50  # BatchGetNamedQuery takes no more


class QueryError(FactoryLakeError):
    """Athena has no such query, or no answer."""


@dataclass(frozen=True)
class Result:
    """An answer."""

    columns: tuple[str, ...]
    # One tuple a row, each value as Python's own type: numbers, booleans, dates and timestamps (without a zone, as the
    # lake has them: UTC); all else as Athena's text; None for NULL.
    rows: tuple[tuple[Value, ...], ...]
    seconds: float  # from asking until the answer was there
    bytes_scanned: int  # what Athena bills by
    query_id: str

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """The rows by the names of their columns."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def run(
    client: AthenaClient,
    sql: str,
    workgroup: str,
    database: str,
    *,
    parameters: Sequence[str] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Runs SQL and waits for its answer.

    A wait that is interrupted, by Ctrl-C for instance, cancels the query, so that it scans no further.

    `parameters` has a SQL literal for each ``?`` of the query: ``"'krakow'"``, ``"3"``.

    Raises:
        QueryError: it failed or was cancelled.
    """
    request: StartQueryExecutionInputTypeDef = {
        "QueryString": sql,
        "WorkGroup": workgroup,
        "QueryExecutionContext": {"Database": database},
    }
    if parameters:
        request["ExecutionParameters"] = parameters
    began = time.monotonic()
    query_id = client.start_query_execution(**request)["QueryExecutionId"]
    try:
        execution = _finished(client, query_id, sleep)
    except BaseException:
        client.stop_query_execution(QueryExecutionId=query_id)
        raise
    status = execution["Status"]
    if status["State"] != "SUCCEEDED":
        reason = status.get("StateChangeReason", "no reason given")
        raise QueryError(f"query {query_id}", f"{status['State'].lower()}: {reason}")
    columns, rows = _fetched(client, query_id)
    return Result(
        columns=columns,
        rows=rows,
        seconds=time.monotonic() - began,
        bytes_scanned=execution["Statistics"].get("DataScannedInBytes", 0),
        query_id=query_id,
    )


def run_named(
    client: AthenaClient, name: str, workgroup: str, *, sleep: Callable[[float], None] = time.sleep
) -> Result:
    """Runs a named query of a workgroup, in the database that it names.

    Raises:
        QueryError: the workgroup has no query of that name, or several; or the query failed or was cancelled.
    """
    known = named_queries(client, workgroup)
    found = [query for query in known if query["Name"] == name]
    if len(found) != 1:
        names = ", ".join(sorted(query["Name"] for query in known)) or "none"
        raise QueryError(f"workgroup {workgroup}", f"has {len(found)} queries named {name!r}; it has: {names}")
    return run(client, found[0]["QueryString"], workgroup, found[0]["Database"], sleep=sleep)


def named_queries(client: AthenaClient, workgroup: str) -> list[dict[str, str]]:
    """The named queries of a workgroup, in the shape of GetNamedQuery."""
    pages = client.get_paginator("list_named_queries").paginate(WorkGroup=workgroup)
    ids = [query_id for page in pages for query_id in page["NamedQueryIds"]]
    found: list[Any] = []
    for start in range(0, len(ids), _NAMED_QUERIES_AT_ONCE):
        batch = client.batch_get_named_query(NamedQueryIds=ids[start : start + _NAMED_QUERIES_AT_ONCE])
        found += batch["NamedQueries"]
    return found


def _finished(client: AthenaClient, query_id: str, sleep: Callable[[float], None]) -> QueryExecutionTypeDef:
    """The execution, once it has ended."""
    pause = _FIRST_POLL_SECONDS
    while True:
        execution = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution
        sleep(pause)
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)


def _fetched(client: AthenaClient, query_id: str) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    """Names of the columns, and the rows."""
    columns: tuple[str, ...] = ()
    rows: list[tuple[Value, ...]] = []
    for number, page in enumerate(client.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)):
        info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        columns = tuple(column["Name"] for column in info)
        types = [column["Type"] for column in info]
        # The first row of all is that of the column names.
        for row in page["ResultSet"]["Rows"][0 if number else 1 :]:
            texts = (cell.get("VarCharValue") for cell in row["Data"])
            rows.append(tuple(map(_value, texts, types)))
    return columns, tuple(rows)


def _value(text: str | None, kind: str) -> Value:
    if text is None:
        return None
    readers: Mapping[str, Callable[[str], Value]] = {
        **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), int),
        **dict.fromkeys(("float", "real", "double"), float),
        "boolean": lambda word: word == "true",
        "decimal": Decimal,
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
    }
    return readers.get(kind, str)(text)


# The command


app = typer.Typer(add_completion=False)


@app.command()
def query(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of the lake's named queries.", show_default=False)
    ] = None,
    *,
    sql: Annotated[
        str | None, typer.Option("--sql", metavar="SQL", help="Run this query; - reads it from standard input.")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="LITERAL",
            help="With --sql: the next ?'s value, a SQL literal such as \"'krakow'\"; may be repeated.",
        ),
    ] = None,
    names: Annotated[bool, typer.Option("--list", help="List the lake's named queries.")] = False,
    lake: LakeOption = None,
    form: FormatOption = "table",
) -> int:
    """Query the lake through Athena: a named query, or SQL of your own.

    Ctrl-C cancels the query, so that it scans no further.
    """
    if [name is not None, sql is not None, names].count(True) != 1:
        raise OptionError("query", "must have one of NAME, --sql and --list")
    if parameters and sql is None:
        raise OptionError("--parameter", "goes with --sql")
    opened = open_lake(lake)
    workgroup = str(output_at(opened.outputs, "athena", "workgroup"))
    client: AthenaClient = Clients(opened).client("athena")
    if names:
        known = sorted(named_queries(client, workgroup), key=lambda one: one["Name"])
        rows = [(one["Name"], one.get("Description", "")) for one in known]
        emit(form, Table(("name", "description"), rows, frozenset({"description"})))
        return DONE
    if sql is None:
        result = run_named(client, str(name), workgroup)
    else:
        text = sys.stdin.read() if sql == "-" else sql
        database = str(output_at(opened.outputs, "athena", "database"))
        result = run(client, text, workgroup, database, parameters=parameters or ())
    summary = f"{len(result.rows)} rows, {result.bytes_scanned:,} bytes scanned, {result.seconds:.1f} s"
    emit(form, Table(result.columns, result.rows), notes=[summary])
    return DONE
