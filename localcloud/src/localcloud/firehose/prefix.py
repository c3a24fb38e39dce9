"""S3 prefixes with expressions, as a delivery stream's Prefix and ErrorOutputPrefix hold them.

Source: Amazon Data Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects". Times are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from localcloud import time_pattern
from localcloud.firehose.errors import PrefixError

MAX_EVALUATED = 512
"""Characters that an evaluated prefix may have (same page, semantic rules)."""

_EXPRESSION = re.compile(r"!\{(?P<namespace>[A-Za-z]+):(?P<value>[^{}]*)\}")


class Kind(Enum):
    """What a part of a prefix is."""

    TEXT = "text"
    TIMESTAMP = "timestamp"
    ERROR_TYPE = "firehose:error-output-type"
    LAMBDA_KEY = "partitionKeyFromLambda"


@dataclass(frozen=True)
class Part:
    """A literal text, or an expression with its value (a time pattern, a key's name)."""

    kind: Kind
    value: str


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

    def evaluate(self, arrival: datetime, keys: Mapping[str, str] | None = None, error_type: str | None = None) -> str:
        """The prefix of one object.

        Args:
            arrival: Approximate arrival of the oldest record in the object, in UTC.
            keys: Partition keys of the records in the object.
            error_type: What `!{firehose:error-output-type}` stands for.

        Raises:
            PrefixError: A key is missing, or the result is longer than MAX_EVALUATED characters.
        """
        evaluated = "".join(_evaluate(part, arrival, keys or {}, error_type) for part in self.parts)
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
        try:
            time_pattern.parse(value)
        except ValueError as error:
            raise PrefixError(f"{shown}: {error}") from error
        return Part(Kind.TIMESTAMP, value)
    if namespace == "firehose" and value == "error-output-type":
        return Part(Kind.ERROR_TYPE, "")
    if namespace == "partitionKeyFromLambda" and value:
        return Part(Kind.LAMBDA_KEY, value)
    raise PrefixError(f"{shown} is no expression of an S3 prefix, or none that the local Firehose knows")


def _evaluate(part: Part, arrival: datetime, keys: Mapping[str, str], error_type: str | None) -> str:
    if part.kind is Kind.TIMESTAMP:
        return time_pattern.parse(part.value)(arrival)
    if part.kind is Kind.ERROR_TYPE:
        if error_type is None:
            raise PrefixError("!{firehose:error-output-type} has no value outside an ErrorOutputPrefix")
        return error_type
    if part.kind is Kind.LAMBDA_KEY:
        if part.value not in keys:
            raise PrefixError(f"!{{partitionKeyFromLambda:{part.value}}}: the key is missing")
        return keys[part.value]
    return part.value
