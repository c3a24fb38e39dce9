"""The inputs of `modules/lake`, down to the last attribute, read from its variables."""

from __future__ import annotations

from collections.abc import Iterator

from factory_lake.module_interface import read_interface
from harness.lake.terraform import REPOSITORY

_PAIRS = {"(": ")", "{": "}", "[": "]"}


def inputs_of_the_lake() -> tuple[str, ...]:
    """Paths of all values that a caller can set, for example `factories[*].lanes[*].stream.shards`.

    A list or set is one value, a map of objects has the key `*`.
    """
    interface = read_interface(REPOSITORY / "modules" / "lake")
    return tuple(path for each in interface.inputs for path in leaves(each.type, each.name))


def leaves(text: str, path: str) -> Iterator[str]:
    """Paths of the values that a type holds.

    Args:
        text: A type as HCL, on one line.
        path: Where the value of this type stands.
    """
    constructor, _, inside = text.strip().partition("(")
    arguments = _split(inside.removesuffix(")"))
    if constructor == "optional":
        yield from leaves(arguments[0], path)
    elif constructor == "map" and "object(" in inside:
        yield from leaves(arguments[0], f"{path}[*]")
    elif constructor == "object":
        for field in _split(arguments[0].strip().removeprefix("{").removesuffix("}")):
            name, _, kind = field.partition("=")
            yield from leaves(kind, f"{path}.{name.strip()}")
    else:
        yield path


def _split(text: str) -> list[str]:
    """Divide at the commas that no bracket encloses."""
    parts, depth = [""], 0
    for character in text:
        if character in _PAIRS:
            depth += 1
        elif character in _PAIRS.values():
            depth -= 1
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part for part in parts if part.strip()]
