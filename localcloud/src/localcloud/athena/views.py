"""Views: each name of one in a query becomes the view's own query.

Athena does what Trino does (``StatementAnalyzer`` there): the stored query is analysed anew each time, with
the caller's permissions, and its columns must still be those that were stored with it.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from localcloud.athena.binder import bind, check_clauses
from localcloud.athena.catalog import View
from localcloud.athena.errors import AccessDeniedError, QueryError, UnsupportedError
from localcloud.athena.names import Tables, is_unnamed, mark_unnamed, qualified, tables_of
from localcloud.athena.surface import parse
from localcloud.athena.types import Type, supertype

Prepare = Callable[[exp.Query], exp.Query]
"""What is done to every query before its names are looked at."""


def put_in_views(tree: exp.Query, tables: Tables, prepare: Prepare) -> None:
    """Replace each view that a query names by a subquery, nested ones too, before columns are qualified.

    Raises:
        QueryError: a view cannot be analysed, or its columns are no longer those that were stored.
    """
    _put_in(tree, tables, prepare, ())


def _put_in(tree: exp.Query, tables: Tables, prepare: Prepare, above: tuple[View, ...]) -> None:
    for node in tables_of(tree):
        view = tables.view(node)
        if view is None:
            continue
        if view in above:
            raise QueryError("VIEW_IS_RECURSIVE", f"View '{view.full_name}' is recursive", node)
        query = _query_of(view, node, tables.within(view.schema), prepare, above)
        _drop_database(tree, node, view)
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name))
        node.replace(exp.Subquery(this=query, alias=alias))


def _drop_database(tree: exp.Query, node: exp.Table, view: View) -> None:
    """Let columns written as database.view.column name the subquery that stands for the view."""
    for column in tree.find_all(exp.Column):
        if (column.db.lower(), column.table.lower()) == (view.database, node.alias_or_name.lower()):
            column.set("db", None)
            column.set("catalog", None)


def _query_of(view: View, node: exp.Table, tables: Tables, prepare: Prepare, above: tuple[View, ...]) -> exp.Query:
    """The query of a view, which gives the columns that were stored with it."""
    try:
        query = parse(view.sql)
        check_clauses(query)
        query = prepare(query)
        mark_unnamed(query)
        _put_in(query, tables, prepare, (*above, view))
        for inner in tables_of(query):
            # A relation that the outer query names alike must not come in between.
            inner.set("db", exp.to_identifier(inner.db or tables.database))
        analysed = qualified(query.copy(), tables)
        types = bind(analysed, tables.columns)
    except AccessDeniedError:
        raise
    except QueryError as error:
        if error.code == "NOT_SUPPORTED_LOCALLY":
            detail = f"stored view '{view.full_name}': {error.detail}"
            raise QueryError(error.code, detail, node) from error
        detail = f"Failed analyzing stored view '{view.full_name}': {str(error).removeprefix(f'{error.code}: ')}"
        raise QueryError("INVALID_VIEW", detail, node) from error
    _check(view, node, analysed, types)
    return query


def _check(view: View, node: exp.Table, query: exp.Query, types: list[Type]) -> None:
    """Compare what the query gives with what was stored; the words are Athena's."""

    def stale(why: str) -> QueryError:
        detail = f"View '{view.full_name}' is stale or in invalid state: {why}"
        return QueryError("VIEW_IS_STALE", detail, node)

    if len(types) != len(view.columns):
        raise stale(
            f"stored view column count ({len(view.columns)}) does not match column count derived from the "
            f"view query analysis ({len(types)})"
        )
    stored = view.columns.items()
    for at, (item, kind, (name, declared)) in enumerate(zip(query.selects, types, stored, strict=True)):
        if is_unnamed(item):
            raise stale(f"a column of type {kind} projected from query view at position {at} has no name")
        of_query = f"column [{item.alias_or_name}] of type {kind} projected from query view at position {at}"
        in_definition = f"column [{name}] of type {declared} stored in view definition"
        if item.alias_or_name.lower() != name:
            raise stale(f"{of_query} has a different name from {in_definition}")
        if kind != declared and supertype([kind, declared]) == declared:
            raise UnsupportedError(f"{of_query}, coerced to {in_definition}", "store the type that it has", node)
        if kind != declared:
            raise stale(f"{of_query} cannot be coerced to {in_definition}")
