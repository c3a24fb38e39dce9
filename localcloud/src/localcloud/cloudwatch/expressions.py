"""Metric math: the operators and functions that alarms and dashboards commonly use.

CloudWatch user guide, "Using math expressions with CloudWatch metrics", from which the treatment of missing
values is taken, operator by operator. What is not here, or not documented, is refused when an expression is
read: `parse` raises, and neither an alarm nor a query is made of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Series = list[float | None]
"""A time series: a value for each slot, None where it has none."""


@dataclass(frozen=True)
class Array:
    """An array of time series."""

    members: Sequence[Series]


Value = float | Series | Array


_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^<>()\[\],]))"
)
_ALIASES: Final = {"&&": "AND", "||": "OR"}


class ExpressionError(ValueError):
    """An expression that is wrong, or that the local cloud does not evaluate."""


@dataclass(frozen=True)
class Scope:
    """What an expression may refer to.

    Attributes:
        metrics: the time series of the request's metrics by ID, in their order.
        expressions: the results of its other expressions by ID.
        periods: seconds of each metric's period by ID.
        slots: start of each slot in epoch seconds.
        period: seconds of a slot.
    """

    metrics: Mapping[str, Series]
    expressions: Mapping[str, Value] = field(default_factory=dict)
    periods: Mapping[str, int] = field(default_factory=dict)
    slots: Sequence[int] = ()
    period: int = 60


Node = Callable[[Scope], Value]


@dataclass(frozen=True)
class Expression:
    """An expression that was read.

    Attributes:
        text: as it was given.
        names: the IDs that it refers to.
        evaluate: its value.
    """

    text: str
    names: frozenset[str]
    evaluate: Node


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ExpressionError: its syntax is wrong, or the local cloud lacks something of it.
    """
    parser = _Parser(list(_tokens(text)))
    node = parser.whole()
    return Expression(text, frozenset(parser.names), node)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ExpressionError(f"{text!r} cannot be read from {text[at:].strip()!r} on")
        kind = str(found.lastgroup)
        token = found[kind]
        yield (("sign", _ALIASES[token]) if token in _ALIASES else ("sign" if token in {"AND", "OR"} else kind, token))
        at = found.end()


class _Parser:
    """Recursive descent, loosest operator first."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self.names: set[str] = set()

    def whole(self) -> Node:
        node = self._either()
        if self._at < len(self._tokens):
            raise ExpressionError(f"{self._tokens[self._at][1]!r} is not expected here")
        return node

    def _either(self) -> Node:
        return self._chain(self._both, {"OR": _logical(lambda a, b: a or b)})

    def _both(self) -> Node:
        return self._chain(self._compared, {"AND": _logical(lambda a, b: a and b)})

    def _compared(self) -> Node:
        return self._chain(self._sum, _COMPARISONS)

    def _sum(self) -> Node:
        return self._chain(self._product, _SUMS)

    def _product(self) -> Node:
        return self._chain(self._signed, _PRODUCTS)

    def _signed(self) -> Node:
        if self._accept("-"):
            operand = self._signed()
            return lambda scope: _each(operand(scope), lambda value: -value)
        return self._power()

    def _power(self) -> Node:
        base = self._atom()
        if not self._accept("^"):
            return base
        exponent = self._signed()
        return lambda scope: _pairwise(base(scope), exponent(scope), _power)

    def _chain(self, operand: Callable[[], Node], operators: Mapping[str, _Operator]) -> Node:
        node = operand()
        while (sign := self._peek()) in operators:
            self._at += 1
            node = _binary(node, operand(), operators[sign])
        return node

    def _atom(self) -> Node:
        kind, word = self._next()
        if kind == "number":
            number = float(word)
            return lambda _: number
        if word == "(":
            node = self._either()
            self._expect(")")
            return node
        if word == "[":
            nodes = self._list("]")
            return lambda scope: Array([one for node in nodes for one in _array(node(scope))])
        if kind == "name" and word[0].islower():
            self.names.add(word)
            return lambda scope: _resolve(scope, word)
        if kind == "name":
            return self._call(word)
        raise ExpressionError(f"{word!r} is not expected here")

    def _call(self, name: str) -> Node:
        self._expect("(")
        if name == "METRICS":
            return self._metrics()
        if name == "FILL":
            return self._fill()
        if name == "PERIOD":
            return self._period()
        arguments = self._list(")")
        function = _FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"the function {name} is not known here")
        if len(arguments) not in function.arities:
            raise ExpressionError(f"{name} takes {function.arities} arguments, got {len(arguments)}")
        return lambda scope: function.apply([argument(scope) for argument in arguments], scope)

    def _metrics(self) -> Node:
        part = ""
        if self._peek() != ")":
            kind, word = self._next()
            if kind != "text":
                raise ExpressionError("METRICS takes a text or nothing")
            part = word[1:-1]
        self._expect(")")
        return lambda scope: Array([one for name, one in scope.metrics.items() if part in name])

    def _fill(self) -> Node:
        filled = self._either()
        self._expect(",")
        if self._peek() == "REPEAT":
            self._at += 1
            self._expect(")")
            return lambda scope: _map(filled(scope), _repeat)
        if self._peek() == "LINEAR":
            raise ExpressionError("FILL with LINEAR is not known here")
        filler = self._either()
        self._expect(")")
        return lambda scope: _filled(filled(scope), filler(scope))

    def _period(self) -> Node:
        kind, word = self._next()
        if kind != "name" or not word[0].islower():
            raise ExpressionError("PERIOD takes the ID of a metric")
        self.names.add(word)
        self._expect(")")
        return lambda scope: float(_metric_period(scope, word))

    def _list(self, end: str) -> list[Node]:
        nodes: list[Node] = []
        if self._accept(end):
            return nodes
        while True:
            nodes.append(self._either())
            if self._accept(end):
                return nodes
            self._expect(",")

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise ExpressionError("the expression ends too soon")
        self._at += 1
        return self._tokens[self._at - 1]

    def _accept(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise ExpressionError(f"{sign!r} is expected before {self._peek() or 'the end'!r}")


@dataclass(frozen=True)
class _Operator:
    """What becomes of two values; None drops the data point."""

    apply: Callable[[float, float], float | None]


def _logical(function: Callable[[bool, bool], bool]) -> _Operator:
    return _Operator(lambda left, right: float(function(left != 0, right != 0)))


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None  # "the data point is dropped"


def _power(left: float, right: float) -> float | None:
    try:
        value = left**right
    except (ZeroDivisionError, OverflowError):
        return None
    return value if isinstance(value, float) else None


_SUMS: Final = {"+": _Operator(lambda a, b: a + b), "-": _Operator(lambda a, b: a - b)}
_PRODUCTS: Final = {"*": _Operator(lambda a, b: a * b), "/": _Operator(_divide)}
_COMPARISONS: Final = {
    "==": _Operator(lambda a, b: float(a == b)),
    "!=": _Operator(lambda a, b: float(a != b)),
    "<=": _Operator(lambda a, b: float(a <= b)),
    ">=": _Operator(lambda a, b: float(a >= b)),
    "<": _Operator(lambda a, b: float(a < b)),
    ">": _Operator(lambda a, b: float(a > b)),
}


def _binary(left: Node, right: Node, operator: _Operator) -> Node:
    return lambda scope: _pairwise(left(scope), right(scope), operator.apply)


def _pairwise(left: Value, right: Value, apply: Callable[[float, float], float | None]) -> Value:
    """Between numbers, and slot by slot between series: one that is missing beside the other counts as 0."""
    if isinstance(left, float) and isinstance(right, float):
        value = apply(left, right)
        if value is None:
            raise ExpressionError("a number is divided by zero")
        return value
    if isinstance(left, Array) and isinstance(right, Array):
        raise ExpressionError("an operator between two arrays of time series is not known here")
    if isinstance(left, Array):
        return Array([_series(_pairwise(one, right, apply)) for one in left.members])
    if isinstance(right, Array):
        return Array([_series(_pairwise(left, one, apply)) for one in right.members])
    if isinstance(right, float):
        return [None if one is None else apply(one, right) for one in _series(left)]
    if isinstance(left, float):
        return [None if one is None else apply(left, one) for one in _series(right)]
    return [
        None if a is None and b is None else apply(a or 0.0, b or 0.0)
        for a, b in zip(_series(left), _series(right), strict=True)
    ]


def _array(value: Value) -> Sequence[Series]:
    if isinstance(value, float):
        raise ExpressionError("a time series is expected, not a number")
    return value.members if isinstance(value, Array) else [value]


def _series(value: Value) -> Series:
    if isinstance(value, float | Array):
        raise ExpressionError("a single time series is expected")
    return value


def _map(value: Value, change: Callable[[Series], Series]) -> Value:
    if isinstance(value, Array):
        return Array([change(one) for one in value.members])
    return change(_series(value))


def _each(value: Value, change: Callable[[float], float | None]) -> Value:
    if isinstance(value, float):
        changed = change(value)
        if changed is None:
            raise ExpressionError(f"the function has no value at {value}")
        return changed
    return _map(value, lambda series: [None if one is None else change(one) for one in series])


def _resolve(scope: Scope, name: str) -> Value:
    if name in scope.metrics:
        return scope.metrics[name]
    if name in scope.expressions:
        return scope.expressions[name]
    raise ExpressionError(f"no metric or expression has the ID {name!r}")


def _metric_period(scope: Scope, name: str) -> int:
    if name not in scope.periods:
        raise ExpressionError(f"PERIOD takes the ID of a metric, got {name!r}")
    return scope.periods[name]


def _repeat(series: Series) -> Series:
    filled: Series = []
    for one in series:
        filled.append(one if one is not None or not filled else filled[-1])
    return filled


def _filled(value: Value, filler: Value) -> Value:
    if isinstance(filler, float):
        return _map(value, lambda series: [filler if one is None else one for one in series])
    other = _series(filler)
    return _map(value, lambda series: [b if a is None else a for a, b in zip(series, other, strict=True)])


@dataclass(frozen=True)
class _Function:
    arities: tuple[int, ...]
    apply: Callable[[list[Value], Scope], Value]


def _known(series: Series) -> list[float]:
    return [one for one in series if one is not None]


def _statistic(of: Callable[[list[float]], float], *, zero_for_missing: bool = False) -> _Function:
    """Of one time series a number; of an array, slot by slot, a time series."""

    def apply(arguments: list[Value], _: Scope) -> Value:
        (value,) = arguments
        if not isinstance(value, Array):
            values = _known(_series(value))
            if not values:
                raise ExpressionError("a time series without data points has no such number")
            return of(values)
        slots = zip(*value.members, strict=True)
        if zero_for_missing:
            return [of([one or 0.0 for one in slot]) if _known(list(slot)) else None for slot in slots]
        return [of(_known(list(slot))) if _known(list(slot)) else None for slot in slots]

    return _Function((1,), apply)


def _pointwise(change: Callable[[float], float | None]) -> _Function:
    return _Function((1,), lambda arguments, _: _each(arguments[0], change))


def _if(arguments: list[Value], _: Scope) -> Value:
    condition, then, *rest = arguments
    other = rest[0] if rest else None
    if isinstance(condition, float):
        chosen = then if condition else other
        empty: Series = [None for _ in _series(then)]
        return empty if chosen is None else _series(chosen)
    return [
        None if one is None else _branch(then, at, 0.0) if one else _branch(other, at, None)
        for at, one in enumerate(_series(condition))
    ]


def _branch(value: Value | None, at: int, missing: float | None) -> float | None:
    """A branch's value in a slot. A missing one is 0 where the condition is true, dropped where it is not."""
    if value is None or isinstance(value, float):
        return value
    found = _series(value)[at]
    return missing if found is None else found


def _changes(scope: Scope, series: Series, *, per_second: bool) -> Series:
    changes: Series = []
    last: tuple[int, float] | None = None
    for at, one in zip(scope.slots, series, strict=True):
        if one is None or last is None:
            changes.append(None)
        else:
            changes.append((one - last[1]) / ((at - last[0]) if per_second else 1))
        if one is not None:
            last = (at, one)
    return changes


_FUNCTIONS: Final[Mapping[str, _Function]] = {
    "ABS": _pointwise(abs),
    "AVG": _statistic(lambda values: sum(values) / len(values), zero_for_missing=True),
    "CEIL": _pointwise(lambda value: float(math.ceil(value))),
    "DATAPOINT_COUNT": _statistic(lambda values: float(len(values))),
    "DIFF": _Function(
        (1,), lambda arguments, scope: _map(arguments[0], lambda one: _changes(scope, one, per_second=False))
    ),
    "FLOOR": _pointwise(lambda value: float(math.floor(value))),
    "IF": _Function((2, 3), _if),
    "MAX": _statistic(max),
    "METRIC_COUNT": _Function((1,), lambda arguments, _: float(len(_array(arguments[0])))),
    "MIN": _statistic(min),
    "RATE": _Function(
        (1,), lambda arguments, scope: _map(arguments[0], lambda one: _changes(scope, one, per_second=True))
    ),
    "SUM": _statistic(sum),
    "TIME_SERIES": _Function((1,), lambda arguments, scope: _constant(arguments[0], scope)),
}


def _constant(value: Value, scope: Scope) -> Series:
    return [_number(value) for _ in scope.slots]


def _number(value: Value) -> float:
    if not isinstance(value, float):
        raise ExpressionError("a number is expected, not a time series")
    return value
