"""Settings as JSON documents: merge patches, and what differs between two documents."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from factory_lake.reconcile.lossless_json import Number, Object

Kind = Literal["added", "removed", "changed"]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True)
class Difference:
    """One place at which two documents differ.

    Attributes:
        path: Where, as `json_extract_scalar` takes it: `$.limits.high`, `$["a b"]`, `$.steps[2]`.
        old: The value before, as JSON; None where the place is new.
        new: The value after, as JSON; None where the place is gone.
    """

    path: str
    old: str | None
    new: str | None

    @property
    def kind(self) -> Kind:
        """Whether the place is new, gone or has another value."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "changed"


def merge(target: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7396): keys with null go, objects are merged, and all else is replaced."""
    if not isinstance(patch, Object):
        return patch
    merged = dict(target.members) if isinstance(target, Object) else {}
    for key, value in patch.members:
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return Object(tuple(merged.items()))


def differences(old: Any, new: Any, path: str = "$") -> Iterator[Difference]:
    """What differs between two documents, keys in the old one's order and new keys behind them.

    The order of keys is no difference. Numbers are compared as they are spelled: 1.50 differs from 1.5.
    """
    if isinstance(old, Object) and isinstance(new, Object):
        befores, afters = dict(old.members), dict(new.members)
        for key in [*befores, *(key for key in afters if key not in befores)]:
            yield from _at(f"{path}{_step(key)}", befores.get(key, _ABSENT), afters.get(key, _ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        for at in range(max(len(old), len(new))):
            yield from _at(
                f"{path}[{at}]", old[at] if at < len(old) else _ABSENT, new[at] if at < len(new) else _ABSENT
            )
    elif not _is_same(old, new):
        yield Difference(path, text(old), text(new))


def text(value: Any) -> str:
    """A value as JSON, numbers as they were spelled."""
    if isinstance(value, Object):
        return "{" + ",".join(f"{text(key)}:{text(member)}" for key, member in value.members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text, value)) + "]"
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


_ABSENT = object()


def _at(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old is _ABSENT:
        yield Difference(path, None, text(new))
    elif new is _ABSENT:
        yield Difference(path, text(old), None)
    else:
        yield from differences(old, new, path)


def _is_same(old: Any, new: Any) -> bool:
    # In Python, True equals 1; a Number equals nothing but a Number.
    return type(old) is type(new) and bool(old == new)


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f"[{json.dumps(key, ensure_ascii=False)}]"
