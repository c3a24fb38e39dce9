"""JSON as it is spelled: numbers keep their digits, objects their order, and what JSON forbids is refused."""

import json
import re
from dataclasses import dataclass
from typing import Any

DEEPEST = 100
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotTakenError(Exception):
    """A message that the lake must reject."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        super().__init__(rule)


@dataclass(frozen=True)
class Number:
    """A JSON number by its spelling; `1.50` is not `1.5`."""

    text: str

    @property
    def is_integer(self) -> bool:
        """Whether it is spelled without fraction and exponent."""
        return self.text.lstrip("-").isdigit()


@dataclass(frozen=True)
class Object:
    """A JSON object: its members in their order, no key twice."""

    members: tuple[tuple[str, Any], ...]

    def get(self, key: str) -> Any:
        """The value of a key; None when it is absent."""
        return next((value for name, value in self.members if name == key), None)

    def __contains__(self, key: str) -> bool:
        return any(name == key for name, _ in self.members)


def parse(text: str) -> Any:
    """Read JSON.

    Returns:
        None, booleans, texts, lists, `Number` and `Object`.

    Raises:
        NotTakenError: When it is not JSON, has a key twice or NaN in it, or is nested too deep.
    """
    if _depth(text) > DEEPEST:
        raise NotTakenError("nested too deep")
    try:
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=_refuse, object_pairs_hook=_object
        )
    except (ValueError, RecursionError) as error:
        raise NotTakenError("not JSON") from error


def check_unicode(text: str) -> None:
    """Refuse a text that has half of a surrogate pair in it.

    Raises:
        NotTakenError: When it has.
    """
    if _SURROGATE.search(text):
        raise NotTakenError("lone surrogate")


def canonical(value: Any) -> str:
    """One spelling of a parsed value: the same for equal ones, different for different ones."""
    if isinstance(value, Object):
        return "{" + ",".join(f"{json.dumps(key)}:{canonical(member)}" for key, member in value.members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(member) for member in value) + "]"
    return value.text if isinstance(value, Number) else json.dumps(value)


def _object(pairs: list[tuple[str, Any]]) -> Object:
    if len({key for key, _ in pairs}) < len(pairs):
        raise NotTakenError("a key twice in one object")
    return Object(tuple(pairs))


def _refuse(_: str) -> None:
    raise NotTakenError("not JSON")


def _depth(text: str) -> int:
    """How deep brackets are nested outside strings, whatever else the text is."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0  # it cannot be too deep, and that is all that is asked
    deepest = depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
