"""The tables that a query reads: which partitions its conditions leave, and the rows of those.

A condition leaves out partitions when it is in the WHERE clause, or in an inner join's ON, of the SELECT that names
the table, and speaks of nothing but the table's partition columns. So does one of a SELECT around that one, such as
the query over a view, where the inner SELECT hands on these columns, or expressions of them (which a grouped SELECT
groups by), and partitions each of its windows by them; set operations hand on what each of their SELECTs does. What
is true of a column is true of those that a join compares with it by equality, on either side of an inner join and on
the right side of a left one. Trino moves such conditions inwards (``PredicatePushDown``); here they stay where they
are, and partitions that they rule out are not read. Athena also carries conditions into WITH queries; the rows are the
same, but there it may read less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from localcloud.athena.catalog import ObjectStore, StoredObject, Table, split_url
from localcloud.athena.projection import projection_of
from localcloud.athena.reading import arrow_type, reader_of


@dataclass(frozen=True)
class Scan:
    """One table in one FROM clause.

    Attributes:
        relation: what the local engine calls its rows.
        alias: what the query calls the table there.
        columns: the table's own columns that the query needs.
        conditions: what its partitions have to satisfy, rewritten for the local engine.
    """

    relation: str
    table: Table
    alias: str
    columns: frozenset[str]
    conditions: tuple[exp.Expr, ...]

    def read(self, connection: Any, store: ObjectStore, go_on: Callable[[int], None]) -> tuple[Any, int]:
        """The rows of the partitions that the conditions leave, as an Arrow table, and the bytes scanned.

        The DuckDB connection evaluates the conditions. ``go_on`` is called with the bytes scanned so far.
        """
        wanted = {name: kind for name, kind in self.table.columns.items() if name in self.columns}
        read = reader_of(self.table)
        partitions = self._remaining(connection, self._partitions(store))
        nothing = {
            name: pa.nulls(0, arrow_type(kind, f"table {self.table.full_name}, column {name}"))
            for name, kind in wanted.items()
        }
        pieces: list[Any] = [self._piece(nothing, 0, [None] * len(self.table.partition_columns))]
        scanned = 0
        for partition in partitions:
            if self.table.partition_columns:
                store.authorize_list(partition.bucket, partition.folder)
            for item in partition.objects:
                url = f"s3://{partition.bucket}/{item.key}"
                rows = read(url, store.get(partition.bucket, item.key), wanted)
                scanned += rows.bytes_scanned
                go_on(scanned)
                pieces.append(self._piece(rows.columns, rows.count, partition.values))
        return pa.concat_tables(pieces), scanned

    def _piece(self, columns: Mapping[str, Any], count: int, values: Sequence[Any]) -> Any:
        constants = {
            name: pa.repeat(pa.scalar(value, arrow_type(kind, name)), count)
            for (name, kind), value in zip(self.table.partition_columns.items(), values, strict=True)
        }
        # A relation needs a column even where the query needs none but counts rows.
        return pa.table({_ROW: pa.nulls(count, pa.bool_()), **columns, **constants})

    # Partitions

    def _partitions(self, store: ObjectStore) -> list[_Partition]:
        projection = projection_of(self.table)
        if projection is None:
            bucket, key = split_url(self.table.location, f"table {self.table.full_name}: location")
            partition = _Partition(bucket, key if key.endswith("/") or not key else f"{key}/", (), [])
            for item in store.list(bucket, partition.folder):
                partition.add(item)
            store.authorize_list(bucket, partition.folder)
            return [partition]
        folders: dict[str, _Partition] = {}
        for item in store.list(projection.bucket, projection.prefix):
            found = projection.partition_of(item.key)
            if found is not None:
                folder, values = found
                folders.setdefault(folder, _Partition(projection.bucket, folder, values, [])).add(item)
        return list(folders.values())

    def _remaining(self, connection: Any, partitions: list[_Partition]) -> list[_Partition]:
        """The partitions that the conditions leave; the local engine itself evaluates them."""
        if not self.conditions or not partitions:
            return partitions
        columns = {
            name: pa.array([partition.values[at] for partition in partitions], arrow_type(kind, name))
            for at, (name, kind) in enumerate(self.table.partition_columns.items())
        }
        connection.register(_PARTITIONS, pa.table({_ROW: pa.array(range(len(partitions))), **columns}))
        query = (
            exp.select(exp.column(_ROW))
            .from_(exp.alias_(exp.to_table(_PARTITIONS), self.alias, table=True))
            .where(*(condition.copy() for condition in self.conditions))
        )
        found = connection.execute(query.sql(dialect="duckdb", identify=True)).fetchall()
        connection.unregister(_PARTITIONS)
        return [partitions[at] for (at,) in sorted(found)]


_ROW = "athena_row"
_OF_MANY_ROWS = (exp.AggFunc, exp.Window, exp.Query)
_PARTITIONS = "athena_partitions"


@dataclass(frozen=True)
class _Partition:
    bucket: str
    folder: str
    values: tuple[Any, ...]
    objects: list[StoredObject]

    def add(self, item: StoredObject) -> None:
        """Take an object in, unless Athena ignores it: empty ones, and hidden files and folders."""
        parts = item.key[len(self.folder) :].split("/")
        if item.size and not any(part.startswith(("_", ".")) for part in parts):
            self.objects.append(item)


def find_scans(query: exp.Query, table_of: Callable[[exp.Table], Table]) -> list[Scan]:
    """The scans of a rewritten query; its tables are replaced by the scans' relations."""
    scans: list[Scan] = []
    for scope in traverse_scope(query):
        if not isinstance(scope.expression, exp.Select):
            continue
        for alias, source in scope.selected_sources.items():
            node = source[1]
            if not isinstance(node, exp.Table):
                continue
            table = table_of(node)
            scan = Scan(
                relation=f"athena_scan_{len(scans)}",
                table=table,
                alias=alias,
                columns=frozenset(column.name for column in scope.source_columns(alias)) & set(table.columns),
                conditions=tuple(
                    condition
                    for condition in _conditions(scope, alias)
                    if {column.name for column in condition.find_all(exp.Column)} <= set(table.partition_columns)
                ),
            )
            scans.append(scan)
            node.replace(exp.alias_(exp.to_table(scan.relation), alias, table=True))
    return scans


def _conditions(scope: Scope, alias: str, known: frozenset[str] = frozenset()) -> Iterator[exp.Expr]:
    """What is true of every row of one relation that can matter to the query's answer.

    Args:
        scope: the SELECT with the relation.
        alias: the relation.
        known: the relations whose conditions are asked for already.
    """
    select = scope.expression
    if not isinstance(select, exp.Select):
        return
    if alias not in _nullable(select):
        yield from _own(select, alias)
        yield from _from_outside(scope, select, alias)
    yield from _by_equality(scope, select, alias, known | {alias})


def _own(select: exp.Select, alias: str) -> Iterator[exp.Expr]:
    """The conditions of the SELECT itself on one relation."""
    clauses = [select.args["where"].this] if select.args.get("where") is not None else []
    joins = select.args.get("joins") or []
    if not any(join.side for join in joins):
        clauses += [join.args["on"] for join in joins if join.args.get("on") is not None]
    for clause in clauses:
        for condition in _conjuncts(clause):
            columns = list(condition.find_all(exp.Column))
            if not columns or condition.find(exp.Query) is not None:
                continue
            if all(column.table == alias for column in columns):
                yield condition


def _conjuncts(clause: exp.Expr) -> Sequence[exp.Expr]:
    return list(clause.flatten()) if isinstance(clause, exp.And) else [clause]


def _by_equality(scope: Scope, select: exp.Select, alias: str, known: frozenset[str]) -> Iterator[exp.Expr]:
    """The conditions on relations that this one is joined with, in words of its columns that are equal to theirs."""
    joins = select.args.get("joins") or []
    if any(join.side not in ("", "LEFT") for join in joins):
        return
    equal: dict[str, dict[str, exp.Column]] = {}
    for join in joins:
        # A left join keeps the rows of its left side that have no equal.
        if join.args.get("on") is None or (join.side and join.this.alias_or_name != alias):
            continue
        for condition in _conjuncts(join.args["on"]):
            left, right = condition.args.get("this"), condition.args.get("expression")
            if isinstance(condition, exp.EQ) and isinstance(left, exp.Column) and isinstance(right, exp.Column):
                for own, other in ((left, right), (right, left)):
                    if own.table == alias != other.table:
                        equal.setdefault(other.table, {})[other.name] = own
    for relation, columns in equal.items():
        for condition in _conditions(scope, relation, known) if relation not in known else ():
            if all(column.name in columns for column in condition.find_all(exp.Column)):
                yield _moved(condition, columns)


def _from_outside(scope: Scope, select: exp.Select, alias: str) -> Iterator[exp.Expr]:
    """The conditions of the SELECT around a subquery, in the words of a relation inside it."""
    whole = scope
    while not _is_cut(whole) and whole.parent is not None and isinstance(whole.parent.expression, exp.SetOperation):
        whole = whole.parent
    outer, query = whole.parent, whole.expression
    if outer is None or not isinstance(query, exp.Query) or not whole.is_derived_table or _is_cut(whole):
        return
    inside = _handed_on(select, alias, query.named_selects)
    for name, (_, source) in outer.selected_sources.items():
        if source is whole:
            for condition in _conditions(outer, name):
                if all(column.name in inside for column in condition.find_all(exp.Column)):
                    yield _moved(condition, inside)


def _is_cut(scope: Scope) -> bool:
    return bool(scope.expression.args.get("limit") or scope.expression.args.get("offset"))


def _moved(condition: exp.Expr, words: Mapping[str, exp.Expr]) -> exp.Expr:
    """The condition with other words for its columns."""
    return condition.transform(lambda node: words[node.name].copy() if isinstance(node, exp.Column) else node)


def _handed_on(select: exp.Select, alias: str, names: Sequence[str]) -> dict[str, exp.Expr]:
    """What a SELECT makes of single rows of a relation alone, by the result's names: columns, and expressions of them.

    Leaving out rows by such a value leaves out whole groups, as it is the same for all rows of a group then, but not
    always whole partitions of a window.
    """
    windows = [found for found in select.find_all(exp.Window) if found.find_ancestor(exp.Select) is select]
    handed_on = {}
    for name, item in zip(names, select.expressions, strict=True):
        value = item.unalias()
        columns = list(value.find_all(exp.Column))
        if not columns or any(column.table != alias for column in columns) or value.find(*_OF_MANY_ROWS):
            continue
        if all(_is_constant_within(value, columns, window) for window in windows):
            handed_on[name] = value
    return handed_on


def _is_constant_within(value: exp.Expr, columns: Sequence[exp.Column], window: exp.Window) -> bool:
    """Whether a value is the same for all rows of each of a window's partitions."""
    by = window.args.get("partition_by") or ()
    return value in by or all(column in by for column in columns)


def _nullable(select: exp.Select) -> set[str]:
    """The relations whose rows an outer join may replace by NULLs: leaving rows out changes the answer."""
    source = select.args.get("from_")
    before = [source.this.alias_or_name] if source is not None else []
    nullable: set[str] = set()
    for join in select.args.get("joins") or ():
        if join.side in ("LEFT", "FULL"):
            nullable.add(join.this.alias_or_name)
        if join.side in ("RIGHT", "FULL"):
            nullable.update(before)
        before.append(join.this.alias_or_name)
    return nullable
