"""S3 prefixes with expressions, as a delivery stream's Prefix and ErrorOutputPrefix hold them.

Source: Amazon Data Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects". Times are
UTC; of Java's DateTimeFormatter the letters below are known and any other letter is an error, never a guess.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import groupby

from localcloud.firehose.errors import PrefixError

MAX_EVALUATED = 512
"""Characters that an evaluated prefix may have (same page, semantic rules)."""

_EXPRESSION = re.compile(r"!\{(?P<namespace>[A-Za-z]+):(?P<value>[^{}]*)\}")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Kind(Enum):
    """What a part of a prefix is."""

    TEXT = "text"
    TIMESTAMP = "timestamp"
    RANDOM = "firehose:random-string"
    ERROR_TYPE = "firehose:error-output-type"
    LAMBDA_KEY = "partitionKeyFromLambda"


@dataclass(frozen=True)
class Part:
    """A literal text, or an expression with its value (a time pattern, a key's name)."""

    kind: Kind
    value: str


def random_string() -> str:
    """Eleven characters, as `!{firehose:random-string}` gives them."""
    return str(uuid.uuid4())[:11]


@dataclass(frozen=True)
class Prefix:
    """A parsed prefix."""

    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, text: str) -> Prefix:
        """Read a prefix.

        Raises:
            PrefixError: `!{` without a known expression behind it, or a time pattern that is not understood.
        """
        parts: list[Part] = []
        position = 0
        for match in _EXPRESSION.finditer(text):
            parts += _literal(text[position : match.start()])
            parts.append(_expression(match["namespace"], match["value"]))
            position = match.end()
        parts += _literal(text[position:])
        return cls(tuple(parts))

    def has(self, kind: Kind) -> bool:
        """Whether an expression of this kind occurs."""
        return any(part.kind is kind for part in self.parts)

    @property
    def has_expressions(self) -> bool:
        """Whether anything but literal text occurs."""
        return any(part.kind is not Kind.TEXT for part in self.parts)

    @property
    def lambda_keys(self) -> tuple[str, ...]:
        """Partition keys that the transform function must give, in order of first use."""
        return tuple(dict.fromkeys(part.value for part in self.parts if part.kind is Kind.LAMBDA_KEY))

    def evaluate(
        self,
        arrival: datetime,
        keys: Mapping[str, str] | None = None,
        error_type: str | None = None,
        random: Callable[[], str] = random_string,
    ) -> str:
        """The prefix of one object.

        Args:
            arrival: Approximate arrival of the oldest record in the object, in UTC.
            keys: Partition keys of the records in the object.
            error_type: What `!{firehose:error-output-type}` stands for.
            random: Gives the text of each `!{firehose:random-string}`.

        Raises:
            PrefixError: A key is missing, or the result is longer than MAX_EVALUATED characters.
        """
        evaluated = "".join(_evaluate(part, arrival, keys or {}, error_type, random) for part in self.parts)
        if len(evaluated) > MAX_EVALUATED:
            raise PrefixError(
                f"an evaluated prefix must have at most {MAX_EVALUATED} characters, got {len(evaluated)}"
            )
        return evaluated


def object_prefix(prefix: Prefix, dynamic: bool) -> Prefix:
    """The prefix of delivered objects.

    Without any time or partition expression, `yyyy/MM/dd/HH/` is appended.
    """
    if dynamic or prefix.has(Kind.TIMESTAMP):
        return prefix
    return Prefix((*prefix.parts, Part(Kind.TIMESTAMP, "yyyy/MM/dd/HH/")))


def error_prefix(prefix: Prefix, error_output_prefix: Prefix | None) -> Prefix:
    """The prefix of error objects: by default the data prefix, the error type and the hour."""
    if error_output_prefix is None or not error_output_prefix.parts:
        base: tuple[Part, ...] = prefix.parts
    elif error_output_prefix.has_expressions:
        return error_output_prefix
    else:
        base = error_output_prefix.parts
    return Prefix((*base, Part(Kind.ERROR_TYPE, ""), Part(Kind.TEXT, "/"), Part(Kind.TIMESTAMP, "yyyy/MM/dd/HH/")))


def _literal(text: str) -> list[Part]:
    if "!{" in text:
        raise PrefixError(f"'!{{' must begin an expression !{{namespace:value}}, got {text[text.index('!{') :]!r}")
    return [Part(Kind.TEXT, text)] if text else []


def _expression(namespace: str, value: str) -> Part:
    shown = f"!{{{namespace}:{value}}}"
    if namespace == "timestamp":
        list(_time_tokens(value))
        return Part(Kind.TIMESTAMP, value)
    if namespace == "firehose" and value in ("random-string", "error-output-type"):
        return Part(Kind.RANDOM if value == "random-string" else Kind.ERROR_TYPE, "")
    if namespace == "partitionKeyFromLambda" and value:
        return Part(Kind.LAMBDA_KEY, value)
    if namespace == "partitionKeyFromQuery":
        raise PrefixError(f"{shown}: the local Firehose takes partition keys from the transform function only")
    raise PrefixError(f"{shown} is not an expression of an S3 prefix")


def _evaluate(
    part: Part, arrival: datetime, keys: Mapping[str, str], error_type: str | None, random: Callable[[], str]
) -> str:
    if part.kind is Kind.TIMESTAMP:
        return format_time(part.value, arrival)
    if part.kind is Kind.RANDOM:
        return random()
    if part.kind is Kind.ERROR_TYPE:
        if error_type is None:
            raise PrefixError("!{firehose:error-output-type} has no value outside an ErrorOutputPrefix")
        return error_type
    if part.kind is Kind.LAMBDA_KEY:
        if part.value not in keys:
            raise PrefixError(f"!{{partitionKeyFromLambda:{part.value}}}: the key is missing")
        return keys[part.value]
    return part.value


def format_time(pattern: str, time: datetime) -> str:
    """Format a time by a pattern of Java's DateTimeFormatter.

    Raises:
        PrefixError: The pattern has a letter or bracket that is not known here.
    """
    return "".join(token if letter is None else _field(letter, token, time) for letter, token in _time_tokens(pattern))


def _time_tokens(pattern: str) -> list[tuple[str | None, str]]:
    """Cut a pattern into (letter, run of it) and (None, literal text)."""
    tokens: list[tuple[str | None, str]] = []
    quoted = pattern.split("'")
    if len(quoted) % 2 == 0:
        raise PrefixError(f"time pattern {pattern!r} has an unclosed quote")
    for index, piece in enumerate(quoted):
        if index % 2:
            tokens.append((None, piece or "'"))
            continue
        if index and not piece and index < len(quoted) - 1:
            tokens.append((None, "'"))  # 'it''s': the doubled quote inside a quoted text
            continue
        for letter, run in groupby(piece):
            token = "".join(run)
            if not letter.isalpha() and letter not in "[]{}#":
                tokens.append((None, token))
            elif letter in _FIELDS and len(token) in _FIELDS[letter]:
                tokens.append((letter, token))
            else:
                raise PrefixError(f"time pattern {pattern!r}: {token!r} is not known here")
    return tokens


_FIELDS: Mapping[str, range] = {
    "y": range(1, 5),
    "u": range(1, 5),
    "M": range(1, 5),
    "d": range(1, 3),
    "D": range(1, 4),
    "H": range(1, 3),
    "h": range(1, 3),
    "m": range(1, 3),
    "s": range(1, 3),
    "S": range(1, 10),
    "a": range(1, 2),
    "E": range(1, 5),
}
"""Letters of DateTimeFormatter that are known here, and how often each may be repeated."""


def _field(letter: str, token: str, time: datetime) -> str:
    count = len(token)
    if letter in "yu" and count == 2:
        return f"{time.year % 100:02d}"
    if letter == "M" and count >= 3:
        name = _MONTHS[time.month - 1]
        return name[:3] if count == 3 else name
    if letter == "E":
        name = _DAYS[time.weekday()]
        return name if count == 4 else name[:3]
    if letter == "S":
        return f"{time.microsecond * 1000:09d}"[:count]
    if letter == "a":
        return "AM" if time.hour < 12 else "PM"
    number = {
        "y": time.year,
        "u": time.year,
        "M": time.month,
        "d": time.day,
        "D": time.timetuple().tm_yday,
        "H": time.hour,
        "h": (time.hour - 1) % 12 + 1,
        "m": time.minute,
        "s": time.second,
    }[letter]
    return str(number).zfill(count)
