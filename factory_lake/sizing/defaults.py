"""Defaults of the modules' settings, read from the types of their variables."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from factory_lake.module_interface import REPOSITORY, read_interface

# Settings by name, as they nest: a value is settings again, a string, a number or None.
Settings = dict[str, Any]

_CALL = re.compile(r"(map|set|list|object|optional)\((.*)\)", re.DOTALL)


# Parsing a module takes a tenth of a second, and every lane asks.
@cache
def defaults_of(module: str, variable: str, repository: Path = REPOSITORY) -> Settings:
    """The defaults of a variable's settings; of a map, those of each of its values.

    Returns:
        Values by name, as they nest in the type; None where nothing is the default.

    Raises:
        KeyError: When there is no such variable, or it has no settings.
    """
    interface = read_interface(repository / "modules" / module)
    types = {each.name: each.type for each in interface.inputs}
    found = _defaults(types[variable])
    if not isinstance(found, dict):
        raise KeyError(f"modules/{module}: {variable} has no settings")
    return found


def _defaults(text: str) -> Settings | str | float | None:
    """What a type says of defaults: settings for an object, a value for an optional, else None."""
    call = _CALL.fullmatch(text.strip())
    if call is None:
        return None
    kind, inside = call[1], call[2]
    if kind == "object":
        pairs = (part.split("=", 1) for part in _parts(inside.strip()[1:-1]))
        return {name.strip(): _defaults(each) for name, each in pairs}
    if kind != "optional":
        return _defaults(inside)
    kind_of_value, *default = _parts(inside)
    if not default:
        return None
    if default[0] == "{}":
        return _defaults(kind_of_value)
    value: str | float = json.loads(default[0])
    return value


def _parts(text: str) -> Iterator[str]:
    """The parts of a list, at the commas that are in no bracket and no quotes."""
    depth, quoted, start = 0, False, 0
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "([{":
            depth += 1
        elif not quoted and character in ")]}":
            depth -= 1
        elif character == "," and depth == 0 and not quoted:
            yield text[start:position].strip()
            start = position + 1
    if text[start:].strip():
        yield text[start:].strip()
