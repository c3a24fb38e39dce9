"""What the names of a query mean: its tables, in Glue, and the relation of each column."""

from __future__ import annotations

import re
from typing import Any, Self

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from localcloud.athena.binder import Columns
from localcloud.athena.catalog import Catalog, Table, View
from localcloud.athena.errors import QueryError

_UNRESOLVED = re.compile(r"Column '(?P<name>[^']+)' could not be resolved.*Line: (?P<line>\d+), Col: (?P<end>\d+)")


class Tables:
    """The Glue tables and views that a query names, each read once; names without a database are of ``database``."""

    def __init__(self, catalog: Catalog, database: str) -> None:
        self.database = database
        self._catalog = catalog
        self._read: dict[tuple[str, str], Table | View] = {}

    def within(self, database: str) -> Self:
        """The same tables, where names that bring no database are those of another one."""
        other = type(self)(self._catalog, database)
        other._read = self._read
        return other

    def view(self, node: exp.Table) -> View | None:
        """The view that a node names, or ``None`` when it names a table.

        Raises:
            QueryError: there is neither, or the caller may not see it.
        """
        found = self._found(node)
        return found if isinstance(found, View) else None

    def find(self, node: exp.Table) -> Table:
        """The table that a node names; views have been replaced by their queries.

        Raises:
            QueryError: there is none, or the caller may not see it.
        """
        found = self._found(node)
        if isinstance(found, View):
            raise QueryError("GENERIC_INTERNAL_ERROR", f"{found.full_name} is a view", node)
        return found

    def columns(self, node: exp.Table) -> Columns:
        """Columns of the table that a node names, those of its partitions last."""
        table = self.find(node)
        return {**table.columns, **table.partition_columns}

    def _found(self, node: exp.Table) -> Table | View:
        database, name = (node.db or self.database).lower(), node.name.lower()
        if node.catalog and node.catalog.lower() != "awsdatacatalog":
            raise QueryError("CATALOG_NOT_FOUND", f"Catalog '{node.catalog}' does not exist", node)
        if (database, name) not in self._read:
            table = self._catalog.table(database, name)
            if table is None:
                raise QueryError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist", node)
            kind = View if table.get("TableType") == "VIRTUAL_VIEW" else Table
            self._read[database, name] = kind.from_glue(database, table)
        return self._read[database, name]


def tables_of(tree: exp.Query) -> list[exp.Table]:
    """The nodes of a query that name something in the catalog, not one of the query's own relations."""
    found = {
        id(source): source
        for scope in traverse_scope(tree)
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
    }
    return list(found.values())


def mark_unnamed(tree: exp.Query) -> None:
    """Note which columns of a query have no name, before the qualifier makes one up."""
    for item in tree.selects:
        item.meta["unnamed"] = not isinstance(item, (exp.Alias, exp.Column, exp.Star))


def is_unnamed(item: exp.Expr) -> bool:
    """Whether a column of a query had no name of its own."""
    inner = item.this if isinstance(item, exp.Alias) else item
    return bool(inner.meta.get("unnamed"))


def qualified(tree: exp.Query, tables: Tables) -> exp.Query:
    """Every column with its relation, every star spelled out.

    Raises:
        QueryError: a table or a column is not there.
    """
    schema: dict[str, Any] = {}
    for node in tables_of(tree):
        columns = dict.fromkeys(tables.columns(node), "UNKNOWN")
        schema.setdefault((node.db or tables.database).lower(), {})[node.name.lower()] = columns
        node.set("catalog", None)
    try:
        found = qualify(
            tree, schema=schema, db=tables.database, dialect="athena", expand_alias_refs=False, quote_identifiers=False
        )
    except SqlglotError as error:
        raise _unresolved(str(error)) from error
    if not isinstance(found, exp.Query):
        raise QueryError("GENERIC_INTERNAL_ERROR", f"{type(found).__name__} is no query")
    return found


def _unresolved(message: str) -> QueryError:
    """The qualifier's complaint about a column, as Athena words it."""
    found = _UNRESOLVED.search(message)
    if found is None:
        return QueryError("COLUMN_NOT_FOUND", message)
    # The place is that of the name's last character.
    place = (int(found["line"]), int(found["end"]) - len(found["name"]) + 1)
    return QueryError("COLUMN_NOT_FOUND", f"Column '{found['name']}' cannot be resolved", place)
