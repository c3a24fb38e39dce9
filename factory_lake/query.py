"""Query the lake: a named query or your own SQL, through the Athena API, as a table or as CSV.

On AWS, with the caller's own credentials::

    terraform -chdir=environments/dev output -json > outputs.json
    python -m factory_lake.query --outputs outputs.json --query-name latest-value-per-tag

On the local cloud, add ``--local DIR``, the working folder of the running cloud. See ``docs/queries.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from factory_lake.outputs import lake_outputs

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef, StartQueryExecutionInputTypeDef

Value = bool | int | float | Decimal | date | datetime | str | None

_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 2.0
_NAMED_QUERIES_AT_ONCE = 50  # BatchGetNamedQuery takes no more


class QueryError(Exception):
    """Nothing can be answered: a wrong setting, an unknown query."""


class QueryFailedError(QueryError):
    """Athena ended a query without an answer.

    Attributes:
        query_id: ID of the execution.
        state: ``FAILED`` or ``CANCELLED``.
        reason: Athena's own words.
    """

    def __init__(self, query_id: str, state: str, reason: str) -> None:
        super().__init__(f"query {query_id} {state.lower()}: {reason}")
        self.query_id = query_id
        self.state = state
        self.reason = reason


@dataclass(frozen=True)
class Result:
    """An answer.

    Attributes:
        columns: names of the columns.
        types: their types, as Athena names them.
        rows: one tuple a row, each value as Python's own type: numbers, booleans, dates and timestamps
            (without a zone, as the lake has them: UTC); all else as Athena's text; None for NULL.
        seconds: from asking until the answer was there.
        bytes_scanned: what Athena bills by.
        query_id: ID of the execution.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    seconds: float
    bytes_scanned: int
    query_id: str


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

    Args:
        client: boto3's Athena client.
        sql: the query.
        workgroup: the workgroup to run it in.
        database: where table names without a database are looked up.
        parameters: a value for each ``?`` of the query, as a SQL literal: ``"'krakow'"``, ``"3"``.
        sleep: waits between two looks at the query's state.

    Raises:
        QueryFailedError: it failed or was cancelled.
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
        raise QueryFailedError(query_id, status["State"], status.get("StateChangeReason", "no reason given"))
    columns, types, rows = _fetched(client, query_id)
    return Result(
        columns=columns,
        types=types,
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
        QueryError: the workgroup has no query of that name, or several.
        QueryFailedError: it failed or was cancelled.
    """
    known = named_queries(client, workgroup)
    found = [query for query in known if query["Name"] == name]
    if len(found) != 1:
        names = ", ".join(sorted(query["Name"] for query in known)) or "none"
        raise QueryError(f"workgroup {workgroup} has {len(found)} queries named {name!r}; it has: {names}")
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


def _fetched(
    client: AthenaClient, query_id: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    """Names and types of the columns, and the rows."""
    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: list[tuple[Value, ...]] = []
    for number, page in enumerate(
        client.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
    ):
        info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        columns = tuple(column["Name"] for column in info)
        types = tuple(column["Type"] for column in info)
        # The first row of all is that of the column names.
        for row in page["ResultSet"]["Rows"][0 if number else 1 :]:
            texts = (cell.get("VarCharValue") for cell in row["Data"])
            rows.append(tuple(map(_value, texts, types)))
    return columns, types, tuple(rows)


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one query and prints its answer.

    Returns:
        The exit code: 0 with an answer, 1 without, 130 after Ctrl-C.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.parameter and given.sql is None:
        parser.error("--parameter goes with --sql")
    try:
        _run_command(given)
    except QueryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cancelled", file=sys.stderr)
        return 130
    return 0


def _run_command(given: argparse.Namespace) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    athena = _read_outputs(given.outputs)
    client = _client(given.local)
    try:
        if given.list:
            _print_names(named_queries(client, athena["workgroup"]))
            return
        if given.query_name is not None:
            result = run_named(client, given.query_name, athena["workgroup"])
        else:
            sql = sys.stdin.read() if given.sql == "-" else given.sql
            result = run(client, sql, athena["workgroup"], athena["database"], parameters=given.parameter)
    except (BotoCoreError, ClientError) as error:
        raise QueryError(str(error)) from error
    if given.csv:
        write_csv(result, sys.stdout)
    else:
        _print_table(result)


def _read_outputs(path: Path) -> Mapping[str, str]:
    """Workgroup and database, of what ``terraform output -json`` printed or of plain name to value."""
    try:
        athena = lake_outputs(json.loads(path.read_text(encoding="utf-8")))["athena"]
        return {"workgroup": str(athena["workgroup"]), "database": str(athena["database"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise QueryError(
            f"{path} must hold what `terraform output -json` prints, with the output athena: "
            f"{type(error).__name__}: {error}"
        ) from error


def _client(local: Path | None) -> AthenaClient:
    if local is None:
        import boto3

        return boto3.client("athena")
    # Only here: whoever queries AWS needs nothing of the local cloud.
    from localcloud import LocalCloud, StartError

    try:
        client: AthenaClient = LocalCloud.attach(local).client("athena")
    except StartError as error:
        raise QueryError(str(error)) from error
    return client


def write_csv(result: Result, target: TextIO) -> None:
    """Writes a result as CSV: a header, then the rows, NULL as an empty field."""
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(result.columns)
    writer.writerows([_text(value) for value in row] for row in result.rows)


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds")
    return str(value)


def _print_table(result: Result) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name, kind in zip(result.columns, result.types, strict=True):
        numeric = kind in ("tinyint", "smallint", "integer", "bigint", "float", "double", "decimal")
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in result.rows:
        table.add_row(*("NULL" if value is None else _text(value) for value in row))
    console = Console(markup=False, highlight=False)
    console.print(table)
    console.print(f"{len(result.rows)} rows, {result.bytes_scanned:,} bytes scanned, {result.seconds:.1f} s")


def _print_names(queries: Sequence[Mapping[str, str]]) -> None:
    for line in _described(queries):
        print(line)


def _described(queries: Sequence[Mapping[str, str]]) -> Iterator[str]:
    width = max((len(query["Name"]) for query in queries), default=0)
    for query in sorted(queries, key=lambda query: query["Name"]):
        yield f"{query['Name']:{width}}  {query.get('Description', '')}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m factory_lake.query", description="Query the lake through the Athena API."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--query-name", metavar="NAME", help="run one of the lake's named queries")
    what.add_argument("--sql", metavar="SQL", help="run this query; - reads it from standard input")
    what.add_argument("--list", action="store_true", help="list the lake's named queries")
    parser.add_argument(
        "--parameter",
        metavar="LITERAL",
        action="append",
        default=[],
        help="with --sql: the value of the next ? as a SQL literal, such as \"'krakow'\"; may be repeated",
    )
    parser.add_argument(
        "--outputs", type=Path, required=True, metavar="FILE", help="what `terraform output -json` printed"
    )
    parser.add_argument("--local", type=Path, metavar="DIR", help="working folder of a running local cloud")
    parser.add_argument("--csv", action="store_true", help="print CSV instead of a table")
    return parser


if __name__ == "__main__":
    sys.exit(main())
