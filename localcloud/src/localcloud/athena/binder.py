"""Types of a query by Trino's rules, and the refusal of all that would mean something else locally.

The tree comes qualified: every column names its relation, stars are expanded. Each scope of it is typed from
the inside out, each expression with the type that Trino gives it. Trino coerces far less than the local engine does,
so what passes here is what Trino takes; and a construct that was never compared has no handler, so it does not pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from localcloud.athena.errors import QueryError, UnsupportedError
from localcloud.athena.functions import BY_NODE, Call
from localcloud.athena.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL_DAY,
    INTERVAL_MONTH,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARCHAR,
    Type,
    array,
    as_decimal,
    decimal,
    from_datatype,
    supertype,
)

Columns = Mapping[str, Type]

_TYPE = "athena_type"
_CALL = "athena_call"

_LITERALS = {
    "date": r"\d{4}-\d\d-\d\d",
    "timestamp": r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d(\.\d{1,3})?)?)?",
    "timestamp with time zone": r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d(\.\d{1,3})?)? UTC",
    "double": r"-?\d+(\.\d+)?([eE][-+]?\d+)?",
    "real": r"-?\d+(\.\d+)?([eE][-+]?\d+)?",
    "decimal": r"-?\d+(\.\d+)?",
    "boolean": r"true|false",
    "varchar": r"(?s:.*)",
}

_OF_BOTH = {"distinct", "order", "limit", "offset", "with_"}
# What a SELECT may be made of; anything else that it brings is refused by name.
_CLAUSES = {
    exp.Select: _OF_BOTH | {"expressions", "from_", "joins", "where", "group", "having"},
    exp.SetOperation: _OF_BOTH | {"this", "expression", "side", "by_name"},
    exp.Join: {"this", "side", "kind", "on", "using"},
    exp.Group: {"expressions"},
    exp.Distinct: {"expressions"},
    exp.Table: {"this", "db", "catalog", "alias"},
    exp.With: {"expressions"},
    exp.CTE: {"this", "alias"},
    exp.Subquery: {"this", "alias", "with_"},
    exp.Unnest: {"expressions", "alias"},
    exp.Window: {"this", "partition_by", "order", "spec", "over"},
    exp.Values: {"expressions", "alias"},
}


def bind(query: exp.Query, tables: Callable[[exp.Table], Columns]) -> list[Type]:
    """Type every expression of a qualified query, see ``type_of``, and return the types of the result's columns.

    Raises:
        QueryError: Athena would refuse it, or this engine does.
    """
    scopes: dict[int, _ScopeBinder] = {}
    last: list[Type] = []
    for scope in traverse_scope(query):
        binder = _ScopeBinder(scope, tables, scopes)
        scopes[id(scope.expression)] = binder
        last = binder.bind(outermost=scope.expression is query)
    return last


def type_of(node: exp.Expr) -> Type:
    """The type that ``bind`` found for ``node``."""
    found = node.meta.get(_TYPE)
    if not isinstance(found, Type):
        raise QueryError("GENERIC_INTERNAL_ERROR", f"{type(node).__name__} has no type", node)
    return found


def keep_type(node: exp.Expr, replacement: exp.Expr) -> None:
    """Give the type of ``node`` to what takes its place."""
    if _TYPE in node.meta:
        replacement.meta[_TYPE] = node.meta[_TYPE]


def call_of(node: exp.Expr) -> Call:
    """The call that ``bind`` found at ``node``, a function of the table."""
    return Call(BY_NODE[type(node)].names[0], node, node.meta[_CALL])


def check_clauses(query: exp.Query) -> None:
    """Look at what a query as it was parsed is made of, before anything of it is spelled out.

    Raises:
        UnsupportedError: it has a clause that is not known to mean the same here as on Athena.
    """
    for node in query.walk():
        for kind, allowed in _CLAUSES.items():
            if isinstance(node, kind):
                for clause, value in node.args.items():
                    if value and clause not in allowed:
                        raise UnsupportedError(
                            f"{clause.strip('_').upper()} in {type(node).__name__.upper()}",
                            "not known to mean the same here as on Athena",
                            node,
                        )
        if isinstance(node, exp.Join) and (node.side, node.kind) not in _JOINS:
            raise UnsupportedError(
                f"{node.side} {node.kind} JOIN".strip(), "use INNER, LEFT, RIGHT, FULL or CROSS", node
            )
        if isinstance(node, exp.SetOperation) and (node.args.get("side") or node.args.get("by_name")):
            raise UnsupportedError("this set operation", "use UNION, INTERSECT or EXCEPT", node)


_JOINS = {(side, kind) for side in ("", "LEFT", "RIGHT", "FULL") for kind in ("", "OUTER" if side else "INNER")} | {
    ("", "CROSS")
}


class _ScopeBinder:
    """Type one SELECT, one side of a set operation, one UNNEST or one VALUES."""

    def __init__(
        self, scope: Scope, tables: Callable[[exp.Table], Columns], bound: Mapping[int, _ScopeBinder]
    ) -> None:
        self._scope = scope
        self._tables = tables
        self._bound = bound
        self.columns: dict[str, Type] = {}
        self._known: dict[str, Columns] = {}

    def bind(self, *, outermost: bool) -> list[Type]:
        """Type the whole scope; return the types of what it puts out."""
        node = self._scope.expression
        if isinstance(node, exp.Select):
            types = self._select(node, outermost=outermost)
            names = node.named_selects
        elif isinstance(node, exp.SetOperation):
            types = self._set_operation(node)
            names = node.named_selects
        elif isinstance(node, exp.Unnest):
            types = [self._element(item) for item in node.expressions]
            names = [column.name for column in node.args["alias"].columns] if node.args.get("alias") else []
        elif isinstance(node, exp.Values):
            rows = [[self.type(item) for item in row.expressions] for row in node.expressions]
            types = [self._common(node, kinds, "VALUES") for kinds in zip(*rows, strict=True)]
            names = [column.name for column in node.args["alias"].columns] if node.args.get("alias") else []
        else:
            raise UnsupportedError(type(node).__name__.upper(), "not known to the local engine", node)
        if len(names) != len(types):
            raise UnsupportedError("columns without names", "name them: AS t (a, b)", node)
        self.columns = dict(zip(names, types, strict=True))
        return types

    # Queries

    def _select(self, node: exp.Select, *, outermost: bool) -> list[Type]:
        for join in node.args.get("joins") or ():
            if join.args.get("on") is not None:
                self._condition(join.args["on"], "JOIN ON")
        if node.args.get("where") is not None:
            self._condition(node.args["where"].this, "WHERE")
        if node.args.get("group") is not None:
            for item in node.args["group"].expressions:
                self._no_clock(item, "GROUP BY")
        types = [self.type(item) for item in node.expressions]
        for item, kind in zip(node.expressions, types, strict=True):
            if kind.zone is not None and (not outermost or node.args.get("distinct")):
                raise _wall_clock("this place", item)
        if node.args.get("having") is not None:
            self._condition(node.args["having"].this, "HAVING")
        outputs = dict(zip(node.named_selects, types, strict=True))
        self._order_and_limit(node, outputs)
        return types

    def _set_operation(self, node: exp.SetOperation) -> list[Type]:
        sides = [self._types_of_query(node.left), self._types_of_query(node.right)]
        if len(sides[0]) != len(sides[1]):
            raise QueryError("TYPE_MISMATCH", f"{type(node).__name__.upper()} query has different number of fields")
        types = [self._common(node, pair, type(node).__name__.upper()) for pair in zip(*sides, strict=True)]
        self._order_and_limit(node, dict(zip(node.named_selects, types, strict=True)))
        return types

    def _order_and_limit(self, node: exp.Query, outputs: Columns) -> None:
        order = node.args.get("order")
        for item in order.expressions if order is not None else ():
            if isinstance(item.this, exp.Column) and not item.this.table:
                if outputs.get(item.this.name, UNKNOWN).zone is not None:
                    raise _wall_clock("ORDER BY", item)
                _set(item.this, outputs.get(item.this.name, UNKNOWN))
            elif any(not column.table for column in item.this.find_all(exp.Column)):
                raise UnsupportedError(
                    "ORDER BY with an expression of an output's name", "repeat the output's expression", item
                )
            else:
                self._no_clock(item.this, "ORDER BY")
        for clause in ("limit", "offset"):
            found = node.args.get(clause)
            if found is not None and not isinstance(found.expression, exp.Literal):
                raise UnsupportedError(f"computed {clause.upper()}", "give a number", found)

    def _types_of_query(self, node: exp.Expr) -> list[Type]:
        inner = node.unnest() if isinstance(node, exp.Subquery) else node
        return list(self._bound[id(inner)].columns.values())

    def _condition(self, node: exp.Expr, place: str) -> None:
        kind = self.type(node)
        if kind not in (BOOLEAN, UNKNOWN):
            raise QueryError("TYPE_MISMATCH", f"{place} clause must evaluate to a boolean: actual type {kind}", node)

    def _no_clock(self, node: exp.Expr, place: str) -> Type:
        kind = self.type(node)
        if kind.zone is not None:
            raise _wall_clock(place, node)
        return kind

    # Expressions

    def type(self, node: exp.Expr) -> Type:
        """The type of an expression of this scope, kept with its node."""
        known = node.meta.get(_TYPE)
        if isinstance(known, Type):
            return known
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            kind = handler(self, node)
        elif type(node) in BY_NODE:
            kind = self._function(node)
        else:
            name = node.name if isinstance(node, exp.Anonymous) else type(node).__name__.upper()
            raise UnsupportedError(name, "not among what is known to mean the same here as on Athena", node)
        _set(node, kind)
        return kind

    def _function(self, node: exp.Expr) -> Type:
        function = BY_NODE[type(node)]
        name = function.names[0]
        types: dict[str, list[Type]] = {}
        for key in function.parameters:
            value = node.args.get(key)
            items = value if isinstance(value, list) else [value]
            types[key] = [
                kind
                for item in items
                if isinstance(item, exp.Expr)
                for kind in self._argument(item, aggregate=function.aggregate)
            ]
        types = {key: found for key, found in types.items() if found}
        call = Call(name, node, types)
        kind = function.check(call)
        node.meta[_CALL] = call.types
        if isinstance(node, exp.Bracket) and not node.args.get("safe"):
            raise UnsupportedError("a subscript, x[i]", "write element_at(x, i): NULL where there is none", node)
        if isinstance(node, exp.Pad) and node.args.get("fill_pattern") is None:
            raise QueryError("FUNCTION_NOT_FOUND", "lpad and rpad take three arguments", node)
        return kind

    def _argument(self, node: exp.Expr, *, aggregate: bool) -> Iterable[Type]:
        if isinstance(node, exp.Star):
            return ()
        if isinstance(node, exp.Distinct) and aggregate:
            if len(node.expressions) != 1:
                raise UnsupportedError("DISTINCT over several columns", "count the rows of a SELECT DISTINCT", node)
            return (self._no_clock(node.expressions[0], "DISTINCT"),)
        if isinstance(node, exp.Order) and aggregate:
            for item in node.expressions:
                self._no_clock(item.this, "ORDER BY")
            return (self.type(node.this),)
        return (self.type(node),)

    def column(self, node: exp.Expr) -> Type:
        """The type of a column, of this scope's relations or of an outer one's."""
        if not isinstance(node, exp.Column):
            raise TypeError(f"{type(node).__name__} is no column")
        if not node.table:
            # The qualifier leaves a name alone that is an output's as well; Trino means the relation's column.
            owners = [name for name in self._scope.selected_sources if node.name in self.source(name)]
            if len(owners) != 1:
                raise QueryError("COLUMN_NOT_FOUND", f"Column '{node.name}' cannot be resolved", node)
            node.set("table", exp.to_identifier(owners[0]))
        binder: _ScopeBinder | None = self
        scope: Scope | None = self._scope
        while scope is not None:
            if node.table in scope.sources:
                columns = (binder or _ScopeBinder(scope, self._tables, self._bound)).source(node.table)
                if node.name in columns:
                    return columns[node.name]
            scope, binder = scope.parent, None
        raise QueryError("COLUMN_NOT_FOUND", f"Column '{node.table}.{node.name}' cannot be resolved", node)

    def source(self, name: str) -> Columns:
        """Columns of one relation of this scope."""
        if name not in self._known:
            found = self._scope.sources[name]
            if isinstance(found, exp.Table):
                self._known[name] = self._tables(found)
            else:
                columns = self._bound[id(found.expression)].columns
                self._known[name] = _renamed(self._scope, name, columns)
        return self._known[name]

    def compare(self, node: exp.Expr, operator: str, kinds: Sequence[Type]) -> Type:
        """A comparison: of values that Trino compares, never of text with something else."""
        if any(kind.zone is not None for kind in kinds):
            raise _wall_clock("a comparison", node)
        if supertype(kinds) is None:
            shown = f" {operator} ".join(str(kind) for kind in kinds)
            advice = _comparison_advice(kinds)
            raise QueryError("TYPE_MISMATCH", f"Cannot apply operator: {shown}{advice}", node)
        return BOOLEAN

    def _common(self, node: exp.Expr, kinds: Sequence[Type], place: str) -> Type:
        if any(kind.zone is not None for kind in kinds):
            raise _wall_clock(place, node)
        found = supertype(kinds)
        if found is None:
            raise QueryError(
                "TYPE_MISMATCH", f"All {place} results must be the same type: {', '.join(map(str, kinds))}", node
            )
        return found

    def _element(self, node: exp.Expr) -> Type:
        kind = self.type(node)
        if kind.name == "map":
            raise UnsupportedError(
                "UNNEST of a map", "write UNNEST(map_keys(m)) AS t (k), then element_at(m, k)", node
            )
        if kind.name != "array":
            raise QueryError("TYPE_MISMATCH", f"Cannot unnest type: {kind}", node)
        return kind.element


def _set(node: exp.Expr, kind: Type) -> None:
    node.meta[_TYPE] = kind


def _renamed(scope: Scope, name: str, columns: Columns) -> Columns:
    """Columns of a derived relation under the names that its alias gives them here."""
    for reference in scope.expression.find_all(exp.Table, exp.Subquery, exp.Unnest, exp.Values):
        alias = reference.args.get("alias")
        if reference.alias_or_name != name or not isinstance(alias, exp.TableAlias):
            continue
        if len(alias.columns) == len(columns):
            return dict(zip((column.name for column in alias.columns), columns.values(), strict=True))
    return columns


def _wall_clock(place: str, node: exp.Expr) -> UnsupportedError:
    return UnsupportedError(
        f"a time in another zone in {place}", "CAST(... AS timestamp) makes it a plain wall-clock time", node
    )


def _comparison_advice(kinds: Sequence[Type]) -> str:
    others = [kind for kind in kinds if kind != VARCHAR]
    if len(others) == len(kinds) or not others:
        return ""
    example = {"date": "DATE '2026-03-09'", "timestamp": "TIMESTAMP '2026-03-09 00:00:00'"}.get(others[0].name, "3")
    return f" (compare {others[0]} with {others[0]}, such as {example}, not with text)"


# Handlers by class of node

_Handler = Callable[[_ScopeBinder, exp.Expr], Type]


def _literal(_: _ScopeBinder, node: exp.Expr) -> Type:
    text = str(node.this)
    if node.args["is_string"]:
        return VARCHAR
    if "e" in text.lower():
        return DOUBLE
    if "." in text:
        whole, fraction = text.split(".")
        return decimal(max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    if int(text) < 2**31:
        return INTEGER
    if int(text) < 2**63:
        return BIGINT
    raise QueryError("SYNTAX_ERROR", f"Invalid numeric literal: {text}", node)


def _logic(binder: _ScopeBinder, node: exp.Expr) -> Type:
    for operand in (node.this, node.args.get("expression")):
        if operand is not None and binder.type(operand) not in (BOOLEAN, UNKNOWN):
            raise QueryError(
                "TYPE_MISMATCH",
                f"Logical expression term must evaluate to a boolean: actual type {binder.type(operand)}",
                operand,
            )
    return BOOLEAN


_OPERATORS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}


def _comparison(binder: _ScopeBinder, node: exp.Expr) -> Type:
    return binder.compare(node, _OPERATORS[type(node)], [binder.type(node.this), binder.type(node.expression)])


def _between(binder: _ScopeBinder, node: exp.Expr) -> Type:
    return binder.compare(node, "BETWEEN", [binder.type(node.args[key]) for key in ("this", "low", "high")])


def _in(binder: _ScopeBinder, node: exp.Expr) -> Type:
    kinds = [binder.type(node.this), *(binder.type(item) for item in node.expressions)]
    query = node.args.get("query")
    if query is not None:
        columns = binder._types_of_query(query)
        if len(columns) != 1:
            raise QueryError("TYPE_MISMATCH", "IN takes a query with one column", node)
        kinds += columns
    if node.args.get("unnest") is not None or node.args.get("field") is not None:
        raise UnsupportedError("this form of IN", "use IN (a, b) or IN (SELECT ...)", node)
    return binder.compare(node, "IN", kinds)


def _is(binder: _ScopeBinder, node: exp.Expr) -> Type:
    if not isinstance(node.expression, exp.Null):
        raise UnsupportedError("IS with anything but NULL", "write x = true or x IS NULL", node)
    binder.type(node.this)
    return BOOLEAN


def _like(binder: _ScopeBinder, node: exp.Expr) -> Type:
    for operand in (node.this, node.expression):
        kind = binder.type(operand)
        if kind not in (VARCHAR, UNKNOWN):
            raise QueryError("TYPE_MISMATCH", f"LIKE takes varchar, not {kind}", operand)
    return BOOLEAN


def _escape(binder: _ScopeBinder, node: exp.Expr) -> Type:
    binder.type(node.expression)
    return binder.type(node.this)


def _exists(binder: _ScopeBinder, node: exp.Expr) -> Type:
    binder._types_of_query(node.this)
    return BOOLEAN


def _subquery(binder: _ScopeBinder, node: exp.Expr) -> Type:
    columns = binder._types_of_query(node)
    if len(columns) != 1:
        raise QueryError("TYPE_MISMATCH", "a scalar subquery has one column", node)
    return columns[0]


def _inner(binder: _ScopeBinder, node: exp.Expr) -> Type:
    return binder.type(node.this)


def _if(binder: _ScopeBinder, node: exp.Expr) -> Type:
    binder._condition(node.this, "IF")
    kinds = [binder.type(node.args[key]) for key in ("true", "false") if node.args.get(key) is not None]
    return binder._common(node, kinds, "IF")


def _case(binder: _ScopeBinder, node: exp.Expr) -> Type:
    results = []
    for branch in node.args["ifs"]:
        if node.this is not None:
            binder.compare(branch, "=", [binder.type(node.this), binder.type(branch.this)])
        else:
            binder._condition(branch.this, "CASE WHEN")
        results.append(binder.type(branch.args["true"]))
        _set(branch, results[-1])
    if node.args.get("default") is not None:
        results.append(binder.type(node.args["default"]))
    return binder._common(node, results, "CASE")


_ARITHMETIC: Mapping[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}


def _arithmetic(binder: _ScopeBinder, node: exp.Expr) -> Type:
    left, right = binder.type(node.this), binder.type(node.expression)
    moved = _moved(node, left, right)
    if moved is not None:
        return moved
    numbers = (left.is_numeric or left == UNKNOWN) and (right.is_numeric or right == UNKNOWN)
    if not numbers:
        raise QueryError("TYPE_MISMATCH", f"Cannot apply operator: {left} {_ARITHMETIC[type(node)]} {right}", node)
    kind = supertype([left, right]) or UNKNOWN
    if kind.name != "decimal":
        return kind
    if isinstance(node, (exp.Div, exp.Mod)):
        raise UnsupportedError(
            "division with a decimal", "make one side a double: write 1e3 instead of 1000.0, or CAST", node
        )
    (p1, s1), (p2, s2) = as_decimal(left), as_decimal(right)
    if isinstance(node, exp.Mul):
        return decimal(p1 + p2, s1 + s2)
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)


def _moved(node: exp.Expr, left: Type, right: Type) -> Type | None:
    """The type of a date or a timestamp that an interval moves; ``None`` when it is none of these."""
    intervals = (INTERVAL_DAY, INTERVAL_MONTH)
    if isinstance(node, exp.Add) and left in intervals:
        left, right = right, left
    if isinstance(node, exp.Sub) and left.is_temporal and right.is_temporal:
        raise UnsupportedError(
            "a difference of dates or timestamps", "write date_diff('millisecond', earlier, later)", node
        )
    if right not in intervals or not isinstance(node, (exp.Add, exp.Sub)) or not left.is_temporal:
        return None
    if left == DATE and right == INTERVAL_DAY:
        for interval in node.find_all(exp.Interval):
            if interval.text("unit").upper() != "DAY":
                raise QueryError("TYPE_MISMATCH", "Cannot add hour, minutes or seconds to a date", node)
    return left


def _negative(binder: _ScopeBinder, node: exp.Expr) -> Type:
    kind = binder.type(node.this)
    if not kind.is_numeric:
        raise QueryError("TYPE_MISMATCH", f"Cannot negate {kind}", node)
    return kind


def _concatenation(binder: _ScopeBinder, node: exp.Expr) -> Type:
    for operand in (node.this, node.expression):
        kind = binder.type(operand)
        if kind not in (VARCHAR, UNKNOWN):
            raise QueryError(
                "FUNCTION_NOT_FOUND",
                f"Unexpected parameters ({kind}) for function concat. CAST it AS varchar",
                operand,
            )
    return VARCHAR


def _interval(_: _ScopeBinder, node: exp.Expr) -> Type:
    unit = node.text("unit").upper()
    return INTERVAL_MONTH if unit in ("MONTH", "YEAR") else INTERVAL_DAY


def _array(binder: _ScopeBinder, node: exp.Expr) -> Type:
    return array(binder._common(node, [binder.type(item) for item in node.expressions], "ARRAY"))


def _extract(binder: _ScopeBinder, node: exp.Expr) -> Type:
    fields = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND")
    if node.this.name.upper() not in fields:
        raise UnsupportedError(f"EXTRACT({node.this.name.upper()} ...)", f"use one of {', '.join(fields)}", node)
    kind = binder.type(node.expression)
    if not kind.is_temporal and kind.zone is None:
        raise QueryError("TYPE_MISMATCH", f"Cannot extract from {kind}", node)
    return BIGINT


def _at_time_zone(binder: _ScopeBinder, node: exp.Expr) -> Type:
    kind = binder.type(node.this)
    zone = node.args["zone"]
    if not isinstance(zone, exp.Literal) or not zone.args["is_string"]:
        raise UnsupportedError("AT TIME ZONE with a computed zone", "name the zone in a literal", node)
    if kind == TIMESTAMP and str(zone.this) != "UTC":
        raise UnsupportedError(
            "AT TIME ZONE on a timestamp without a zone",
            f"timestamps here are UTC: write ts AT TIME ZONE 'UTC' AT TIME ZONE '{zone.this}'",
            node,
        )
    if kind not in (TIMESTAMP, TIMESTAMP_TZ):
        raise UnsupportedError(f"AT TIME ZONE on {kind}", "use it on a timestamp, once", node)
    return TIMESTAMP_TZ if str(zone.this) == "UTC" else Type(TIMESTAMP_TZ.name, zone=str(zone.this))


def _filtered(binder: _ScopeBinder, node: exp.Expr) -> Type:
    binder._condition(node.expression.this, "FILTER")
    return binder.type(node.this)


def _window(binder: _ScopeBinder, node: exp.Expr) -> Type:
    if isinstance(node.this, exp.Filter):
        raise QueryError("NOT_SUPPORTED", "FILTER is not yet supported for window functions", node)
    for item in node.args.get("partition_by") or ():
        binder._no_clock(item, "PARTITION BY")
    order = node.args.get("order")
    for item in order.expressions if order is not None else ():
        binder._no_clock(item.this, "ORDER BY")
    return binder.type(node.this)


def _cast(binder: _ScopeBinder, node: exp.Expr) -> Type:
    source = binder.type(node.this)
    target = _cast_target(node)
    if source == VARCHAR and target != VARCHAR:
        _check_cast_of_text(node, target)
    elif source.zone is not None:
        if target not in (TIMESTAMP, DATE):
            raise _wall_clock(f"a cast to {target}", node)
    elif target == VARCHAR and source.name in ("double", "real", "timestamp", "timestamp with time zone"):
        advice = "CAST it AS decimal(18, 3) first" if source.is_numeric else "use date_format()"
        raise UnsupportedError(f"CAST of {source} AS varchar", f"its spelling differs: {advice}", node)
    elif not _castable(source, target):
        raise QueryError("TYPE_MISMATCH", f"Cannot cast {source} to {target}", node)
    return target


def _cast_target(node: exp.Expr) -> Type:
    to = node.args["to"]
    text = str(node.this.this) if isinstance(node.this, exp.Literal) else ""
    sizes = [int(size.name) for size in to.expressions if isinstance(size, exp.DataTypeParam)]
    if to.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ) and sizes and text:
        # The parser gives a literal the precision that it is written in.
        fraction = re.search(r"\.(\d+)", text)
        if len(fraction[1] if fraction else "") == sizes[0] <= 3:
            return TIMESTAMP if to.this == exp.DType.TIMESTAMP else TIMESTAMP_TZ
    if to.this == exp.DType.DECIMAL and not sizes:
        raise UnsupportedError("DECIMAL without its digits", "write CAST(x AS decimal(18, 3))", node)
    if to.this == exp.DType.VARCHAR and sizes:
        raise UnsupportedError(f"CAST AS varchar({sizes[0]})", "write substr(x, 1, n)", node)
    return from_datatype(to)


def _castable(source: Type, target: Type) -> bool:
    if source in (UNKNOWN, target):
        return True
    if target == VARCHAR:
        return source.is_integer or source.name in ("boolean", "date", "decimal")
    if source.is_numeric or source == BOOLEAN:
        return target.is_numeric or target == BOOLEAN
    return source.is_temporal and target.is_temporal


def _check_cast_of_text(node: exp.Expr, target: Type) -> None:
    """Let through integers, literals in the canonical spelling, and what regexp_like has looked at."""
    if target.is_integer:
        return
    if target.name not in _LITERALS:
        raise QueryError("TYPE_MISMATCH", f"Cannot cast varchar to {target}", node)
    if isinstance(node.this, exp.Literal):
        if re.fullmatch(_LITERALS[target.name], str(node.this.this)):
            return
    elif any(_tests(condition, node.this) for condition in _guards(node)):
        return
    name = "try_cast" if isinstance(node, exp.TryCast) else "CAST"
    raise UnsupportedError(
        f"{name} of text AS {target}",
        "the engines read odd spellings differently: test the text first, "
        f"CASE WHEN regexp_like(x, '^...$') THEN {name}(x AS {target}) END",
        node,
    )


def _guards(node: exp.Expr) -> Iterable[exp.Expr]:
    """Conditions that hold wherever ``node`` is evaluated."""
    child, parent = node, node.parent
    while parent is not None:
        if isinstance(parent, exp.If) and child.arg_key == "true":
            yield parent.this
        elif isinstance(parent, exp.Filter) and child.arg_key == "this":
            yield parent.expression.this
        elif isinstance(parent, exp.Select):
            where = parent.args.get("where")
            if where is not None and (child is not where or isinstance(node, exp.TryCast)):
                yield where.this
            return
        child, parent = parent, parent.parent


def _tests(condition: exp.Expr, text: exp.Expr) -> bool:
    return any(
        isinstance(part, exp.RegexpLike) and part.this == text
        for part in (condition.flatten() if isinstance(condition, exp.And) else [condition])
    )


_HANDLERS: Mapping[type[exp.Expr], _Handler] = {
    exp.Column: _ScopeBinder.column,
    exp.Literal: _literal,
    exp.Boolean: lambda *_: BOOLEAN,
    exp.Null: lambda *_: UNKNOWN,
    exp.Paren: _inner,
    exp.Alias: _inner,
    exp.IgnoreNulls: _inner,
    exp.RespectNulls: _inner,
    **dict.fromkeys((exp.And, exp.Or, exp.Not), _logic),
    **dict.fromkeys(_OPERATORS, _comparison),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Exists: _exists,
    exp.Subquery: _subquery,
    exp.If: _if,
    exp.Case: _case,
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    exp.Neg: _negative,
    exp.DPipe: _concatenation,
    exp.Interval: _interval,
    exp.Array: _array,
    exp.Extract: _extract,
    exp.AtTimeZone: _at_time_zone,
    exp.Filter: _filtered,
    exp.Window: _window,
    exp.Cast: _cast,
    exp.TryCast: _cast,
}
