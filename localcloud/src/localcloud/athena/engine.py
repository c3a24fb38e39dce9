"""Runs a query in Athena's SQL over a catalog and an object store.

The way of a query: its text is checked and parsed (``surface``), views are replaced by their queries
(``views``), its columns are resolved against Glue's tables (``names``) and typed by Trino's rules
(``binder``), it is rewritten for DuckDB (``rewriter``), the partitions that its WHERE clauses leave are found
(``scans``) and read (``reading``), and DuckDB runs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from localcloud.athena import local_functions
from localcloud.athena.binder import bind, check_clauses
from localcloud.athena.catalog import Catalog, ObjectStore
from localcloud.athena.errors import QueryError, position_of
from localcloud.athena.names import Tables, is_unnamed, mark_unnamed, qualified
from localcloud.athena.rewriter import rewrite
from localcloud.athena.scans import Scan, find_scans
from localcloud.athena.surface import parse
from localcloud.athena.types import Type, to_text
from localcloud.athena.views import put_in_views

_INTERRUPT_SECONDS = 0.05


@dataclass(frozen=True)
class Column:
    """A column of a result."""

    name: str
    type: Type


@dataclass(frozen=True)
class Answer:
    """The result of a query: values as Athena writes them, ``None`` for NULL, and what it bills for reading."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | None]]
    bytes_scanned: int


class ScanLimitError(QueryError):
    """The query reads more than its workgroup allows."""

    def __init__(self, scanned: int, limit: int) -> None:
        self.scanned = scanned
        super().__init__("EXCEEDED_SCAN_LIMIT", f"Bytes scanned limit was exceeded: {scanned} of {limit}")


class QueryCancelledError(QueryError):
    """The query was stopped while it ran."""

    def __init__(self) -> None:
        super().__init__("USER_CANCELED", "Query was cancelled by user")


@dataclass
class Query:
    """One run of a query, which another thread may cancel.

    Attributes:
        database: the database of table names that bring none.
        parameters: values for its question marks, each as a SQL literal.
        scan_limit: bytes that it may read at most.
        now: the moment that ``current_timestamp`` means throughout the query.
    """

    sql: str
    database: str = "default"
    parameters: Sequence[str] = ()
    scan_limit: int | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _connection: Any = field(default=None, repr=False)
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)

    def cancel(self) -> None:
        """Stop the run; it ends with ``QueryCancelledError`` soon after."""
        self._cancelled.set()
        threading.Thread(target=self._interrupt, name="athena-cancel", daemon=True).start()

    def _interrupt(self) -> None:
        # DuckDB forgets an interruption that comes just before it begins to work.
        while not self._over.wait(_INTERRUPT_SECONDS):
            with self._lock:
                if self._connection is not None:
                    self._connection.interrupt()

    def run(self, catalog: Catalog, store: ObjectStore) -> Answer:
        """Run the query.

        Raises:
            QueryError: it failed, reads more than it may or was cancelled, as ``StateChangeReason`` would say.
        """
        try:
            self._go_on()
            return self._answer(catalog, store)
        finally:
            self._over.set()

    def _answer(self, catalog: Catalog, store: ObjectStore) -> Answer:
        tree = parse(self.sql)
        check_clauses(tree)
        tree = _with_parameters(tree, self.parameters)
        tree = _at_moment(tree, self.now)
        tables = Tables(catalog, self.database)
        mark_unnamed(tree)
        put_in_views(tree, tables, lambda view: _at_moment(view, self.now))
        tree = qualified(tree, tables)
        types = bind(tree, tables.columns)
        names = [_output_name(at, item) for at, item in enumerate(tree.selects)]
        rewrite(tree)
        columns = [Column(*pair) for pair in zip(names, types, strict=True)]
        return self._run(tree, columns, tables, store)

    def _run(self, tree: exp.Query, columns: list[Column], tables: Tables, store: ObjectStore) -> Answer:
        connection = duckdb.connect(":memory:", config={"threads": 2})
        try:
            with self._lock:
                self._connection = connection
            for statement in ("SET TimeZone = 'UTC'", "SET default_null_order = 'nulls_last'"):
                connection.execute(statement)
            connection.execute("SET enable_external_access = false")
            local_functions.install(connection)
            scanned = self._load(connection, find_scans(tree, tables.find), store)
            self._go_on()
            found = connection.sql(tree.sql(dialect="duckdb", identify=True)).to_arrow_table()
            return Answer(columns, _rows(found, columns), scanned)
        except duckdb.InterruptException as error:
            raise QueryCancelledError from error
        except duckdb.Error as error:
            raise _failure(error) from error
        finally:
            with self._lock:
                self._connection = None
            connection.close()

    def _load(self, connection: Any, scans: Sequence[Scan], store: ObjectStore) -> int:
        """Read what the scans need, each into a relation of its own; the bytes that were scanned."""
        scanned = 0

        def go_on(more: int) -> None:
            self._go_on()
            if self.scan_limit is not None and scanned + more > self.scan_limit:
                raise ScanLimitError(scanned + more, self.scan_limit)

        for scan in scans:
            relation, size = scan.read(connection, store, go_on)
            connection.register(scan.relation, relation)
            scanned += size
        return scanned

    def _go_on(self) -> None:
        if self._cancelled.is_set():
            raise QueryCancelledError


def _with_parameters(tree: exp.Query, parameters: Sequence[str]) -> exp.Query:
    marks = list(tree.find_all(exp.Placeholder))
    marks.sort(key=lambda mark: position_of(mark) or (0, 0))
    if len(marks) != len(parameters):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}",
        )
    for mark, text in zip(marks, parameters, strict=True):
        try:
            value = sqlglot.parse_one(text, read="athena")
        except SqlglotError as error:
            raise QueryError("INVALID_PARAMETER_USAGE", f"execution parameter {text!r} is no SQL value") from error
        if isinstance(value, exp.Query) or list(value.find_all(exp.Column, exp.Command)):
            raise QueryError("INVALID_PARAMETER_USAGE", f"execution parameter {text!r} is no SQL value")
        mark.replace(value)
    return tree


def _at_moment(tree: exp.Query, now: datetime) -> exp.Query:
    """Put the query's own moment where it asks for the time, as Trino does before it plans."""
    utc = now.astimezone(UTC)
    stamp = utc.strftime("%Y-%m-%d %H:%M:%S.") + f"{utc.microsecond // 1000:03d}"
    values: Mapping[type[exp.Expr], Callable[[], exp.Expr]] = {
        exp.CurrentDate: lambda: _literal(stamp[:10], "DATE"),
        exp.CurrentTimestamp: lambda: _literal(f"{stamp} UTC", "TIMESTAMPTZ"),
        exp.Localtimestamp: lambda: _literal(stamp, "TIMESTAMP"),
    }
    for node in list(tree.find_all(*values)):
        node.replace(values[type(node)]())
    for node in list(tree.find_all(exp.Date)):
        node.replace(exp.Cast(this=node.this, to=exp.DataType.build("DATE")))
    return tree


def _literal(text: str, kind: str) -> exp.Expr:
    return exp.Cast(this=exp.Literal.string(text), to=exp.DataType.build(kind))


def _output_name(at: int, item: exp.Expr) -> str:
    # What has no name gets one of Athena's kind, which no one can spell by accident.
    return f"_col{at}" if is_unnamed(item) else item.alias_or_name


def _rows(found: Any, columns: Sequence[Column]) -> list[list[str | None]]:
    texts = [[to_text(value, column.type) for value in _values(found.column(at))] for at, column in enumerate(columns)]
    return [list(row) for row in zip(*texts, strict=True)]


def _values(column: Any) -> list[Any]:
    """Python values of an Arrow column; timestamps, also inside arrays, as microseconds since 1970."""

    def plain(kind: Any) -> Any:
        if pa.types.is_timestamp(kind):
            return pa.int64()
        return pa.list_(plain(kind.value_type)) if pa.types.is_list(kind) else kind

    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit != "us":
        column = column.cast(pa.timestamp("us", kind.tz))
    values: list[Any] = column.cast(plain(column.type)).to_pylist()
    return values


def _failure(error: Any) -> QueryError:
    """What DuckDB refused, under the name that Athena has for it."""
    text = str(error).splitlines()[0]
    kind, _, detail = text.partition(": ")
    if "Division by zero" in text:
        return QueryError("DIVISION_BY_ZERO", "Division by zero")
    if "Cannot cast" in str(error):
        return QueryError("INVALID_CAST_ARGUMENT", str(error).rpartition("ValueError: ")[2].strip())
    if kind == "Conversion Error":
        return QueryError("INVALID_CAST_ARGUMENT", detail)
    if kind == "Out of Range Error":
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", detail)
    if kind == "Invalid Input Error":
        return QueryError("INVALID_FUNCTION_ARGUMENT", detail or str(error))
    return QueryError("SYNTAX_ERROR", detail or text)
