"""Turns a typed query into one that means on the local engine what the original means on Athena."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from localcloud.athena.binder import call_of, keep_type, type_of
from localcloud.athena.functions import BY_NODE, local_call, local_cast, number
from localcloud.athena.types import BIGINT, DATE, TIMESTAMP_TZ, UNKNOWN


def rewrite(query: exp.Query) -> None:
    """Rewrite a query in place; ``bind`` has typed it before."""
    # Children first: what stands above them is built from what they have become.
    for node in reversed(list(query.walk(bfs=True))):
        parent, key, index = node.parent, node.arg_key, node.index
        replacement = _rewritten(node)
        if replacement is node or parent is None or key is None:
            continue
        keep_type(node, replacement)
        parent.set(key, replacement, index)


def _rewritten(node: exp.Expr) -> exp.Expr:
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(node)
    if isinstance(node, exp.Bracket) or type(node) in BY_NODE:
        return _function(node)
    return node


def _function(node: exp.Expr) -> exp.Expr:
    function = BY_NODE[type(node)]
    call = call_of(node)
    local = function.local(call) if function.local is not None else node
    in_frame = isinstance(node.parent, (exp.Filter, exp.Window, exp.IgnoreNulls)) and node.arg_key == "this"
    return local_cast(local, type_of(node)) if function.cast and not in_frame else local


def _framed(node: exp.Expr) -> exp.Expr:
    """FILTER and OVER belong to the call itself, so that a cast of its result goes around both."""
    inner = node.this
    while isinstance(inner, (exp.Filter, exp.IgnoreNulls)):
        inner = inner.this
    outer = isinstance(node.parent, (exp.Filter, exp.Window, exp.IgnoreNulls)) and node.arg_key == "this"
    function = BY_NODE.get(type(inner))
    if function is None or not function.cast or outer:
        return node
    return local_cast(node, type_of(node))


def _division(node: exp.Expr) -> exp.Expr:
    """Between integers the fraction is dropped; the local engine's operator keeps it."""
    if type_of(node).is_integer:
        return local_call("divide", node.this, node.expression)
    return exp.Div(this=node.this, expression=node.expression)


def _sum_or_difference(node: exp.Expr) -> exp.Expr:
    """A date moved by an interval stays a date."""
    return local_cast(exp.Paren(this=node), DATE) if type_of(node) == DATE else node


def _at_time_zone(node: exp.Expr) -> exp.Expr:
    source, target = type_of(node.this), type_of(node)
    return node.this if source == target == TIMESTAMP_TZ else node


def _cast(node: exp.Expr) -> exp.Expr:
    source, target = type_of(node.this), type_of(node)
    operand = node.this
    if target.is_integer and source.name in ("double", "real", "decimal"):
        # The local engine rounds halves to even, Trino away from zero.
        operand = local_call("round", operand)
    if target.is_integer and source.name == "varchar":
        bits = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}[target.name]
        strict = exp.Boolean(this=not isinstance(node, exp.TryCast))
        operand = local_call("athena_parse_integer", operand, local_cast(number(bits), BIGINT), strict)
    made = local_cast(operand, target)
    return exp.TryCast(this=operand, to=made.args["to"]) if isinstance(node, exp.TryCast) else made


def _array(node: exp.Expr) -> exp.Expr:
    """An array's elements have one type, and an empty one has it as well."""
    return node if type_of(node).element == UNKNOWN else local_cast(node, type_of(node))


_HANDLERS: Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Div: _division,
    exp.Add: _sum_or_difference,
    exp.Sub: _sum_or_difference,
    exp.AtTimeZone: _at_time_zone,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Array: _array,
    exp.Filter: _framed,
    exp.Window: _framed,
}
