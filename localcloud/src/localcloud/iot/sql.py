"""The part of AWS IoT SQL, version 2016-03-23, that passes messages on as they came, and substitution templates.

What it does not know is refused when the rule is created. Of statements it knows the bare ``SELECT *``, which is the
one that gives every payload, byte for byte, whatever it is, and ``SELECT *`` with constant texts beside it
(``'krakow' AS factory``), which takes JSON objects only. Pure: text and messages in, values out.

Sources, all AWS IoT Core developer guide: "AWS IoT SQL reference" with its pages on the SELECT and FROM clauses and
on functions, and "Substitution templates".
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from localcloud import time_pattern

VERSION: Final = "2016-03-23"


class SqlError(ValueError):
    """A statement or an expression that is not supported; the message says what and where."""


class EvaluationError(RuntimeError):
    """A template that has no text for a message."""


@dataclass(frozen=True)
class Message:
    """A published message as a rule sees it.

    Attributes:
        topic: without the prefix of Basic Ingest, which no function of the SQL gives.
        client_id: the publisher's client ID, ``None`` when it did not come by MQTT.
        now_ms: the rules engine's time in epoch milliseconds.
        trace_id: the ID that ties it to logs.
        prefix: what stood before the topic where it is said on which topic the message came.
    """

    topic: str
    payload: bytes
    client_id: str | None
    now_ms: int
    trace_id: str
    prefix: str = ""

    @property
    def received_on(self) -> str:
        """The topic that an error document names."""
        return self.prefix + self.topic


Expression = Callable[[Message], str | int]

_CONSTANT: Final = r"(?:'(?:[^']|'')*')\s+AS\s+[A-Za-z_]\w*"
_STATEMENT: Final = re.compile(
    rf"\s*SELECT\s+\*((?:\s*,\s*{_CONSTANT})*)\s+FROM\s+(?:'([^']+)'|\"([^\"]+)\")\s*", re.IGNORECASE
)
_NAMED: Final = re.compile(r"'((?:[^']|'')*)'\s+AS\s+([A-Za-z_]\w*)", re.IGNORECASE)
_TOKEN: Final = re.compile(r"""\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|\d+|[A-Za-z_]\w*|[(),]|\S)""")


@dataclass(frozen=True)
class Statement:
    """``SELECT *``, or ``SELECT *, 'text' AS name``, from a topic filter.

    Attributes:
        constants: names and texts that the result has beside what the message has.
    """

    topic_filter: str
    constants: tuple[tuple[str, str], ...] = ()

    def select(self, payload: bytes) -> bytes:
        """What the statement makes of a payload.

        Raises:
            EvaluationError: it has to add to a payload that is no JSON object, which an empty one is taken for.
        """
        if not self.constants:
            return payload
        try:
            document = json.loads(payload) if payload else {}
        except ValueError as error:
            raise EvaluationError("SELECT *, ... needs a payload in JSON") from error
        if not isinstance(document, dict):
            raise EvaluationError("SELECT *, ... needs a payload that is a JSON object")
        return json.dumps({**document, **dict(self.constants)}, separators=(",", ":")).encode()


def parse_statement(sql: str) -> Statement:
    """A rule's statement.

    Raises:
        SqlError: it is another one than those that are known here, or it names two constants alike.
    """
    match = _STATEMENT.fullmatch(sql)
    if match is None:
        rule = "the statement must be SELECT * FROM 'topic filter' here, behind the * only constants, 'text' AS name"
        raise SqlError(f"{sql!r}: {rule}")
    constants = tuple((name, text.replace("''", "'")) for text, name in _NAMED.findall(match[1]))
    if len({name for name, _ in constants}) < len(constants):
        raise SqlError(f"{sql!r}: each constant must have a name of its own")
    return Statement(str(match[2] or match[3]), constants)


@dataclass(frozen=True)
class Template:
    """A text with ``${expression}`` parts."""

    _parts: tuple[str | Expression, ...]

    def render(self, message: Message) -> str:
        """The text for a message.

        Raises:
            EvaluationError: an expression is undefined.
        """
        return "".join(part if isinstance(part, str) else str(part(message)) for part in self._parts)


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
        parts += [text[position:start], _parse(text[start + 2 : end])]
        position = end + 1
    return Template((*parts, text[position:]))


def _parse(source: str) -> Expression:
    tokens = iter([*(match[1] for match in _TOKEN.finditer(source)), ""])
    try:
        expression = _call(next(tokens), tokens)
    except SqlError as error:
        raise SqlError(f"{source!r}: {error}") from error
    if rest := next(tokens):
        raise SqlError(f"{source!r}: {rest!r} is not supported here")
    return expression


def _call(name: str, tokens: Iterator[str]) -> Expression:
    """The call of a function whose name has been read: its arguments are constants and calls."""
    if name.lower() not in _FUNCTIONS or next(tokens) != "(":
        raise SqlError(f"{name!r} is not supported: a call of {', '.join(_FUNCTIONS)} is expected")
    arguments: list[str | int | Expression] = []
    piece = next(tokens)
    while piece != ")":
        if piece[:1] in ("'", '"') and len(piece) > 1:
            arguments.append(piece[1:-1].replace(piece[0] * 2, piece[0]))
        else:
            arguments.append(int(piece) if piece.isdigit() else _call(piece, tokens))
        piece = next(tokens)
        if piece == ",":
            piece = next(tokens)
        elif piece != ")":
            raise SqlError(f"{name}(): ',' or ')' is expected, got {piece!r}")
    return _FUNCTIONS[name.lower()](arguments)


def _topic(arguments: list[Any]) -> Expression:
    match arguments:
        case []:
            return lambda message: message.topic
        case [int(segment)] if segment >= 1:
            pass
        case _:
            raise SqlError(f"topic() takes nothing, or the number of a segment from 1 on, got {arguments!r}")

    def part(message: Message) -> str:
        parts = message.topic.split("/")
        if segment > len(parts):
            raise EvaluationError(f"topic({segment}) is undefined for a topic of {len(parts)} segments")
        return parts[segment - 1]

    return part


def _parse_time(arguments: list[Any]) -> Expression:
    match arguments:
        case [str(pattern), moment] if callable(moment):
            pass
        case _:
            raise SqlError("parse_time() takes a pattern in quotes and a time here")
    try:
        layout = time_pattern.parse(pattern)
    except ValueError as error:
        raise SqlError(f"parse_time(): {error}") from error

    def formatted(message: Message) -> str:
        at = moment(message)
        if not isinstance(at, int):
            raise EvaluationError("parse_time() needs epoch milliseconds")
        return layout(datetime.fromtimestamp(at // 1000, UTC).replace(microsecond=at % 1000 * 1000))

    return formatted


def _no_arguments(name: str, value: Expression) -> Callable[[list[Any]], Expression]:
    def make(arguments: list[Any]) -> Expression:
        if arguments:
            raise SqlError(f"{name}() takes no arguments")
        return value

    return make


_FUNCTIONS: Final[Mapping[str, Callable[[list[Any]], Expression]]] = {
    "topic": _topic,
    "parse_time": _parse_time,
    "timestamp": _no_arguments("timestamp", lambda message: message.now_ms),
    "newuuid": _no_arguments("newuuid", lambda _: str(uuid.uuid4())),
}
