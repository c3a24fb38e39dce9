"""Metric math over single time series: operators, IF and FILL.

CloudWatch user guide, "Using math expressions with CloudWatch metrics", from which the treatment of missing
values is taken, operator by operator. What is not here (arrays of time series, the other functions), or not
documented, is refused when an expression is read: `parse` raises, and neither an alarm nor a query is made of it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Series = list[float | None]
"""A time series: a value for each slot, None where it has none."""

Value = float | Series
Node = Callable[[Mapping[str, Series]], Value]
"""The value of an expression from the metrics that it refers to, by ID."""

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/<>(),]))"
)
_ALIASES: Final = {"&&": "AND", "||": "OR"}


class ExpressionError(ValueError):
    """An expression that is wrong, or that the local cloud does not evaluate."""


@dataclass(frozen=True)
class Expression:
    """An expression that was read: the IDs that it refers to, and its value."""

    names: frozenset[str]
    evaluate: Node


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ExpressionError: its syntax is wrong, or the local cloud lacks something of it.
    """
    parser = _Parser(list(_tokens(text)))
    node = parser.whole()
    return Expression(frozenset(parser.names), node)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise ExpressionError(f"{text!r} cannot be read from {text[at:].strip()!r} on")
        kind = str(found.lastgroup)
        token = _ALIASES.get(found[kind], found[kind])
        yield "sign" if token in {"AND", "OR"} else kind, token
        at = found.end()


class _Parser:
    """Recursive descent, loosest operator first."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self.names: set[str] = set()

    def whole(self) -> Node:
        node = self._operation()
        if self._at < len(self._tokens):
            raise ExpressionError(f"{self._tokens[self._at][1]!r} is not expected here")
        return node

    def _operation(self, level: int = 0) -> Node:
        if level == len(_OPERATORS):
            return self._signed()
        node = self._operation(level + 1)
        while (sign := self._peek()) in _OPERATORS[level]:
            self._at += 1
            node = _binary(node, self._operation(level + 1), _OPERATORS[level][sign])
        return node

    def _signed(self) -> Node:
        if self._accept("-"):
            operand = self._signed()
            return lambda known: _pairwise(0.0, operand(known), operator.sub)
        return self._atom()

    def _atom(self) -> Node:
        kind, word = self._next()
        if kind == "number":
            number = float(word)
            return lambda _: number
        if word == "(":
            node = self._operation()
            self._expect(")")
            return node
        if kind == "name" and word[0].islower():
            self.names.add(word)
            return lambda known: known[word]
        if kind == "name":
            return self._call(word)
        raise ExpressionError(f"{word!r} is not expected here")

    def _call(self, name: str) -> Node:
        if name not in _FUNCTIONS:
            raise ExpressionError(f"the function {name} is not known here")
        arities, function = _FUNCTIONS[name]
        self._expect("(")
        arguments = [self._operation()]
        while self._accept(","):
            arguments.append(self._operation())
        self._expect(")")
        if len(arguments) not in arities:
            raise ExpressionError(f"{name} takes {arities} arguments, got {len(arguments)}")
        return lambda known: function([argument(known) for argument in arguments])

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


_Operator = Callable[[float, float], float | None]
"""What becomes of two values; None drops the data point."""


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None  # "the data point is dropped"


_OPERATORS: Final[Sequence[Mapping[str, _Operator]]] = (
    {"OR": lambda a, b: bool(a or b)},
    {"AND": lambda a, b: bool(a and b)},
    {"==": operator.eq, "!=": operator.ne, "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divide},
)
"""Operators by their sign, the loosest first."""


def _binary(left: Node, right: Node, apply: _Operator) -> Node:
    return lambda known: _pairwise(left(known), right(known), apply)


def _pairwise(left: Value, right: Value, apply: _Operator) -> Value:
    """Between numbers, and slot by slot between series: one that is missing beside the other counts as 0."""

    def applied(one: float, other: float) -> float | None:
        value = apply(one, other)
        return None if value is None else float(value)

    if isinstance(left, float) and isinstance(right, float):
        value = applied(left, right)
        if value is None:
            raise ExpressionError("a number is divided by zero")
        return value
    if isinstance(left, float):
        return [None if one is None else applied(left, one) for one in _series(right)]
    if isinstance(right, float):
        return [None if one is None else applied(one, right) for one in left]
    return [None if a is None and b is None else applied(a or 0.0, b or 0.0) for a, b in zip(left, right, strict=True)]


def _series(value: Value) -> Series:
    if isinstance(value, float):
        raise ExpressionError("a time series is expected, not a number")
    return value


def _fill(arguments: list[Value]) -> Value:
    series, filler = _series(arguments[0]), arguments[1]
    fillers = [filler] * len(series) if isinstance(filler, float) else filler
    return [b if a is None else a for a, b in zip(series, fillers, strict=True)]


def _if(arguments: list[Value]) -> Value:
    condition, then, *rest = arguments
    other = rest[0] if rest else None
    if isinstance(condition, float):
        chosen = then if condition else other
        empty: Series = [None for _ in _series(then)]
        return empty if chosen is None else _series(chosen)
    return [
        None if one is None else _branch(then, at, 0.0) if one else _branch(other, at, None)
        for at, one in enumerate(condition)
    ]


def _branch(value: Value | None, at: int, missing: float | None) -> float | None:
    """A branch's value in a slot. A missing one is 0 where the condition is true, dropped where it is not."""
    if value is None or isinstance(value, float):
        return value
    return missing if value[at] is None else value[at]


_FUNCTIONS: Final[Mapping[str, tuple[tuple[int, ...], Callable[[list[Value]], Value]]]] = {
    "FILL": ((2,), _fill),
    "IF": ((2, 3), _if),
}
"""Functions by name: how many arguments they take, and their value."""
