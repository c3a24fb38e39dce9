"""The part of AWS IoT SQL, version 2016-03-23, that rules on JSON payloads commonly use.

It is strict: what it does not know is refused when the rule is created, and what the documents leave open
fails the message loudly instead of being guessed. Pure: text and messages in, values out.

Sources, all AWS IoT Core developer guide: "AWS IoT SQL reference" with its pages on the SELECT, FROM and
WHERE clauses, on functions and on data types, and "Substitution templates".
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from localcloud import time_pattern

VERSION: Final = "2016-03-23"


class SqlError(ValueError):
    """A statement or an expression that is not supported; the message says what and where."""


class EvaluationError(RuntimeError):
    """A statement that cannot be evaluated on a message. AWS loses such a message."""


class Undefined:
    """IoT SQL's value of what is not there."""

    def __repr__(self) -> str:
        return "Undefined"


UNDEFINED: Final = Undefined()


@dataclass(frozen=True)
class Message:
    """A published message as a rule sees it.

    Attributes:
        topic: where it was published.
        payload: its bytes.
        client_id: the publisher's client ID, ``None`` when it did not come by MQTT.
        now_ms: the rules engine's time in epoch milliseconds.
        trace_id: the ID that ties it to logs.
    """

    topic: str
    payload: bytes
    client_id: str | None
    now_ms: int
    trace_id: str

    @cached_property
    def json(self) -> Any:
        """The payload as JSON.

        Raises:
            EvaluationError: it is not JSON.
        """
        try:
            return json.loads(self.payload, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise EvaluationError("the payload is not JSON") from error


Expression = Callable[[Message], Any]


@dataclass(frozen=True)
class Statement:
    """A parsed SELECT statement.

    Attributes:
        topic_filter: the FROM clause's topic filter; ``None`` without one (Basic Ingest only).
    """

    topic_filter: str | None
    _items: tuple[tuple[str, Expression] | None, ...]

    def evaluate(self, message: Message) -> bytes:
        """What the rule's actions get; of a bare ``SELECT *`` the payload as it came, whatever it is.

        Raises:
            EvaluationError: the statement needs JSON and the payload is none.
        """
        if self._items == (None,):
            return message.payload
        result: dict[str, Any] = {}
        for item in self._items:
            if item is None:
                result.update(_all_keys(message))
            elif (value := item[1](message)) is not UNDEFINED:
                result[item[0]] = value
        return json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Template:
    """A text with ``${expression}`` parts."""

    _parts: tuple[str | Expression, ...]

    def render(self, message: Message) -> str:
        """The text for a message.

        Raises:
            EvaluationError: an expression is undefined, or not a text, a number or a boolean.
        """
        return "".join(part if isinstance(part, str) else _as_text(part(message)) for part in self._parts)


@lru_cache(maxsize=256)
def parse_statement(sql: str) -> Statement:
    """Parse ``SELECT items [FROM 'filter']``.

    Raises:
        SqlError: the statement is not supported.
    """
    return _Parser(sql).statement()


@lru_cache(maxsize=256)
def parse_template(text: str) -> Template:
    """Parse a substitution template.

    Raises:
        SqlError: an expression is not supported, or a ``${`` has no end.
    """
    parts: list[str | Expression] = []
    position = 0
    while (start := text.find("${", position)) >= 0:
        end = text.find("}", start)
        if end < 0:
            raise SqlError(f"template {text!r}: '${{' at {start} has no end")
        parts += [text[position:start], _Parser(text[start + 2 : end]).whole_expression()]
        position = end + 1
    return Template((*parts, text[position:]))


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _all_keys(message: Message) -> dict[str, Any]:
    if not message.payload:
        return {}
    if not isinstance(message.json, dict):
        raise EvaluationError("SELECT * beside other items needs a JSON object as payload")
    return message.json


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise EvaluationError(f"a substitution template gives {type(value).__name__}, not a text")


_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<operator>[(),.*-])
    )""",
    re.VERBOSE,
)
_KEYWORDS: Final = frozenset({"SELECT", "FROM", "WHERE", "AS", "AND", "OR", "NOT", "TRUE", "FALSE", "NULL"})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int

    def is_word(self, word: str) -> bool:
        return self.kind == "name" and self.text.upper() == word


class _Parser:
    """Recursive descent over one statement or expression."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = self._tokenize()
        self._next = 0

    def statement(self) -> Statement:
        self._expect_word("SELECT")
        items = [self._item()]
        while self._take_operator(","):
            items.append(self._item())
        topic_filter = None
        if self._take_word("FROM"):
            topic_filter = self._text("a topic filter in quotes")
        self._expect_end()
        return Statement(topic_filter, tuple(items))

    def whole_expression(self) -> Expression:
        expression = self._value()
        self._expect_end()
        return expression

    def _item(self) -> tuple[str, Expression] | None:
        if self._take_operator("*"):
            return None
        first = self._peek()
        expression = self._value()
        if self._take_word("AS"):
            return self._name("an alias"), expression
        if not isinstance(expression, _Key):
            raise self._error(first, "an item that is no key of the payload needs an alias")
        return expression.path[-1], expression

    def _value(self) -> Expression:
        negative = self._take_operator("-")
        token = self._take()
        if token.kind == "number":
            number: int | float = float(token.text) if "." in token.text else int(token.text)
            return _Constant(-number if negative else number)
        if negative:
            raise self._error(token, "'-' is supported before a number only")
        if token.kind == "text":
            return _Constant(_unquote(token.text))
        if token.kind != "name" or token.text.upper() in _KEYWORDS:
            raise self._error(token, "a value is expected")
        if self._take_operator("("):
            return self._call(token)
        path = [token.text]
        while self._take_operator("."):
            path.append(self._name("a key"))
        return _Key(tuple(path))

    def _call(self, function: _Token) -> Expression:
        arguments: list[Expression] = []
        if not self._take_operator(")"):
            arguments.append(self._value())
            while self._take_operator(","):
                arguments.append(self._value())
            self._expect_operator(")")
        make = _FUNCTIONS.get(function.text.lower())
        if make is None:
            raise self._error(function, f"the function {function.text}() is not supported")
        try:
            return make(arguments)
        except SqlError as error:
            raise self._error(function, str(error)) from error

    def _tokenize(self) -> list[_Token]:
        tokens, position, end = [], 0, len(self._source.rstrip())
        while position < end:
            match = _TOKEN.match(self._source, position)
            if match is None:
                raise SqlError(f"{self._source!r}: cannot be read from position {position}")
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match[kind], match.start(kind)))
            position = match.end()
        return [*tokens, _Token("end", "the end", end)]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek()
        self._next += token.kind != "end"
        return token

    def _take_word(self, word: str) -> bool:
        found = self._peek().is_word(word)
        self._next += found
        return found

    def _take_operator(self, text: str) -> bool:
        found = self._peek().kind == "operator" and self._peek().text == text
        self._next += found
        return found

    def _expect_word(self, word: str) -> None:
        if not self._take_word(word):
            raise self._error(self._peek(), f"{word} is expected")

    def _expect_operator(self, text: str) -> None:
        if not self._take_operator(text):
            raise self._error(self._peek(), f"'{text}' is expected")

    def _expect_end(self) -> None:
        if self._peek().kind != "end":
            raise self._error(self._peek(), "this is not supported here")

    def _text(self, what: str) -> str:
        token = self._take()
        if token.kind != "text":
            raise self._error(token, f"{what} is expected")
        return _unquote(token.text)

    def _name(self, what: str) -> str:
        token = self._take()
        if token.kind != "name" or token.text.upper() in _KEYWORDS:
            raise self._error(token, f"{what} is expected")
        return token.text

    def _error(self, token: _Token, why: str) -> SqlError:
        return SqlError(f"{self._source!r}: at {token.text!r}, position {token.at}: {why}")


def _unquote(literal: str) -> str:
    quote = literal[0]
    return literal[1:-1].replace(quote * 2, quote)


@dataclass(frozen=True)
class _Constant:
    """An expression that is the same for every message, so that functions can check it beforehand."""

    value: Any

    def __call__(self, _: Message) -> Any:
        return self.value


@dataclass(frozen=True)
class _Key:
    """The value at a path of keys in the payload."""

    path: tuple[str, ...]

    def __call__(self, message: Message) -> Any:
        found: Any = message.json
        for name in self.path:
            if not isinstance(found, dict) or name not in found:
                return UNDEFINED
            found = found[name]
        return found


def _topic(arguments: Sequence[Expression]) -> Expression:
    if not arguments:
        return lambda message: message.topic
    (segment,) = _constants("topic", arguments, 1)
    if not isinstance(segment, int) or segment < 1:
        raise SqlError(f"topic() counts segments from 1, got {segment!r}")

    def part(message: Message) -> Any:
        parts = message.topic.split("/")
        return parts[segment - 1] if segment <= len(parts) else UNDEFINED

    return part


def _parse_time(arguments: Sequence[Expression]) -> Expression:
    if len(arguments) not in {2, 3}:
        raise SqlError(f"parse_time() takes a pattern, a time and perhaps a zone, got {len(arguments)}")
    pattern, *zone = _constants("parse_time", [arguments[0], *arguments[2:]], len(arguments) - 1)
    try:
        layout = time_pattern.parse(str(pattern))
    except ValueError as error:
        raise SqlError(f"parse_time(): {error}") from error
    try:
        tz = ZoneInfo(str(zone[0])) if zone else UTC
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SqlError(f"parse_time() knows no zone {zone[0]!r}") from error
    moment = arguments[1]

    def formatted(message: Message) -> str:
        at = moment(message)
        if isinstance(at, bool) or not isinstance(at, int):
            raise EvaluationError("parse_time() needs epoch milliseconds")
        return layout(datetime.fromtimestamp(at // 1000, tz).replace(microsecond=at % 1000 * 1000))

    return formatted


def _constants(function: str, arguments: Sequence[Expression], count: int) -> list[Any]:
    if len(arguments) != count or not all(isinstance(argument, _Constant) for argument in arguments):
        raise SqlError(f"{function}() takes constants here")
    return [argument.value for argument in arguments if isinstance(argument, _Constant)]


def _no_arguments(name: str, value: Expression) -> Callable[[Sequence[Expression]], Expression]:
    def make(arguments: Sequence[Expression]) -> Expression:
        if arguments:
            raise SqlError(f"{name}() takes no arguments")
        return value

    return make


_FUNCTIONS: Final[Mapping[str, Callable[[Sequence[Expression]], Expression]]] = {
    "topic": _topic,
    "parse_time": _parse_time,
    "timestamp": _no_arguments("timestamp", lambda message: message.now_ms),
    "clientid": _no_arguments("clientid", lambda message: message.client_id or "n/a"),
    "newuuid": _no_arguments("newuuid", lambda _: str(uuid.uuid4())),
    "traceid": _no_arguments("traceid", lambda message: message.trace_id),
}
