"""In what two payloads differ, so that a document that was written anew is told from one that lost something."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from factory_lake.reconcile.lossless_json import Number

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)

WHITE_SPACE = "white space"
SPELLING_OF_NUMBERS = "spelling of numbers"
SPELLING_OF_TEXTS = "spelling of texts"
ORDER_OF_KEYS = "order of keys"
REPEATED_KEYS = "repeated keys"
VALUES = "values"


@dataclass(frozen=True)
class _Object:
    """The members of an object as they come, each key as often as it is there."""

    members: tuple[tuple[str, Any], ...]


def differences(sent: bytes, got: bytes) -> tuple[str, ...]:
    """What of a payload is not as it was sent, in words; nothing where every byte is.

    Of two JSON texts that mean the same, it names what the rewriting changed. `VALUES` means a loss: a member, an
    element or a value is another one. A repeated key that came once counts by its own name.
    """
    if sent == got:
        return ()
    texts = _text(sent), _text(got)
    if None in texts:
        return (VALUES,)
    before, after = (text for text in texts if text is not None)
    try:
        found = set(_compare(_parse(before), _parse(after)))
    except ValueError:
        return (VALUES,)
    tokens = _TOKEN.findall(before), _TOKEN.findall(after)
    if "".join(tokens[0]) == "".join(tokens[1]):
        found.add(WHITE_SPACE)
    elif not found:
        found.add(SPELLING_OF_TEXTS)
    return tuple(sorted(found))


def told(changed: tuple[str, ...]) -> str:
    """Differences as a phrase of a report."""
    return ("lost: " if VALUES in changed else "written anew: ") + ", ".join(changed)


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _parse(text: str) -> Any:
    return json.loads(
        text, parse_int=Number, parse_float=Number, object_pairs_hook=lambda pairs: _Object(tuple(pairs))
    )


def _compare(before: Any, after: Any) -> Iterator[str]:
    if type(before) is not type(after):
        yield VALUES
    elif isinstance(before, _Object):
        yield from _compare_members(before, after)
    elif isinstance(before, list):
        if len(before) != len(after):
            yield VALUES
        for one, other in zip(before, after, strict=False):
            yield from _compare(one, other)
    elif isinstance(before, Number):
        if before != after:
            yield SPELLING_OF_NUMBERS if Decimal(before.text) == Decimal(after.text) else VALUES
    elif before != after:
        yield VALUES


def _compare_members(before: _Object, after: _Object) -> Iterator[str]:
    keys, others = ([key for key, _ in one.members] for one in (before, after))
    if sorted(keys) != sorted(others):
        yield REPEATED_KEYS if set(keys) == set(others) else VALUES
        return
    if keys != others:
        yield ORDER_OF_KEYS
    # sorted() keeps the order of equal keys, so that the n-th of a repeated key meets the n-th.
    for (_, one), (_, other) in zip(_by_key(before), _by_key(after), strict=True):
        yield from _compare(one, other)


def _by_key(document: _Object) -> list[tuple[str, Any]]:
    return sorted(document.members, key=lambda member: member[0])
