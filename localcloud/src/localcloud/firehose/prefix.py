"""S3 prefixes with expressions, as a delivery stream's Prefix and ErrorOutputPrefix hold them.

Source: Amazon Data Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects". Times are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from localcloud import time_pattern
from localcloud.firehose.errors import PrefixError

MAX_EVALUATED = 512
"""Characters that an evaluated prefix may have (same page, semantic rules)."""

_LAMBDA_KEY = "partitionKeyFromLambda"
_EXPRESSION = re.compile(r"!\{(?P<namespace>[A-Za-z]+):(?P<value>[^{}]*)\}")


ERROR_TYPE = "!{firehose:error-output-type}"
_HOUR = "!{timestamp:yyyy/MM/dd/HH/}"


@dataclass(frozen=True)
class Prefix:
    """A prefix whose expressions are all known.

    Raises:
        PrefixError: `!{` without a known expression behind it, or a time pattern that is not understood.
    """

    text: str = ""

    def __post_init__(self) -> None:
        for match in _EXPRESSION.finditer(self.text):
            _check(match[0], match["namespace"], match["value"])
        rest = _EXPRESSION.sub(" ", self.text)
        if "!{" in rest:
            rule = "'!{' must begin an expression !{namespace:value}"
            raise PrefixError(f"{rule}, got {rest[rest.index('!{') :]!r}")

    @property
    def has_expressions(self) -> bool:
        """Whether anything but literal text occurs."""
        return "!{" in self.text

    @property
    def lambda_keys(self) -> tuple[str, ...]:
        """Partition keys that the transform function must give, in order of first use."""
        found = _EXPRESSION.finditer(self.text)
        return tuple(dict.fromkeys(match["value"] for match in found if match["namespace"] == _LAMBDA_KEY))

    def evaluate(self, arrival: datetime, keys: Mapping[str, str] | None = None, error_type: str | None = None) -> str:
        """The prefix of one object.

        Args:
            arrival: Approximate arrival of the oldest record in the object, in UTC.
            keys: Partition keys of the records in the object.
            error_type: What `!{firehose:error-output-type}` stands for.

        Raises:
            PrefixError: A key is missing, or the result is longer than MAX_EVALUATED characters.
        """

        def value(expression: re.Match[str]) -> str:
            if expression["namespace"] == "timestamp":
                return time_pattern.parse(expression["value"])(arrival)
            found = (keys or {}).get(expression["value"]) if expression["namespace"] == _LAMBDA_KEY else error_type
            if found is None:
                raise PrefixError(f"{expression[0]} has no value here")
            return found

        evaluated = _EXPRESSION.sub(value, self.text)
        if len(evaluated) > MAX_EVALUATED:
            rule = f"an evaluated prefix must have at most {MAX_EVALUATED} characters"
            raise PrefixError(f"{rule}, got {len(evaluated)}")
        return evaluated


def object_prefix(prefix: Prefix, dynamic: bool) -> Prefix:
    """The prefix of delivered objects.

    Without any time or partition expression, `yyyy/MM/dd/HH/` is appended.
    """
    return prefix if dynamic or "!{timestamp:" in prefix.text else Prefix(prefix.text + _HOUR)


def error_prefix(prefix: Prefix, error_output_prefix: Prefix | None) -> Prefix:
    """The prefix of error objects: by default the data prefix, the error type and the hour."""
    given = error_output_prefix or Prefix()
    if given.has_expressions:
        return given
    return Prefix(f"{given.text or prefix.text}{ERROR_TYPE}/{_HOUR}")


def _check(expression: str, namespace: str, value: str) -> None:
    if namespace == "timestamp":
        try:
            time_pattern.parse(value)
        except ValueError as error:
            raise PrefixError(f"{expression}: {error}") from error
    elif expression != ERROR_TYPE and not (namespace == _LAMBDA_KEY and value):
        raise PrefixError(f"{expression} is no expression of an S3 prefix, or none that the local Firehose knows")
