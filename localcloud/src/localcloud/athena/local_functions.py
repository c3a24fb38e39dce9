"""The functions of Athena that the local engine lacks, or has with another meaning, in Python."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.athena.java_regex import compile_java

_INTEGER = re.compile(r"[+-]?\d{1,30}")
_REFERENCE = re.compile(r"\\(.)|\$(\d+)|(\$)", re.DOTALL)


class _Number(str):
    """A JSON number in the spelling that it came in."""

    __slots__ = ()


def regexp_like(text: str, pattern: str) -> bool:
    """Whether ``pattern`` is found anywhere in ``text``."""
    return compile_java(pattern).search(text) is not None


def regexp_extract(text: str, pattern: str, group: int) -> str | None:
    """What ``group`` of the first hit matched; ``None`` without a hit or if the group took no part."""
    compiled = compile_java(pattern)
    if not 0 <= group <= compiled.groups:
        raise ValueError(f"Pattern has {compiled.groups} groups. Cannot access group {group}")
    found = compiled.search(text)
    return None if found is None else found.group(group)


def regexp_replace(text: str, pattern: str, replacement: str) -> str:
    """``text`` with every hit replaced; ``$1`` in the replacement is what group 1 matched."""
    compiled = compile_java(pattern)

    def fill(found: re.Match[str]) -> str:
        def reference(mark: re.Match[str]) -> str:
            if mark[1] is not None:
                return mark[1]
            if mark[3] is not None or int(mark[2]) > compiled.groups:
                raise ValueError(f"the replacement {replacement!r} names no group of {pattern!r}")
            return found.group(int(mark[2])) or ""

        return _REFERENCE.sub(reference, replacement)

    return compiled.sub(fill, text)


def parse_integer(text: str, bits: int, strict: bool) -> int | None:
    """The integer of ``bits`` bits that ``text`` spells, as Java's ``Long.parseLong`` reads it: a sign and digits.

    A text that spells none is an error if ``strict``, as in CAST, else ``None``, as in try_cast.
    """
    limit = 1 << (bits - 1)
    if _INTEGER.fullmatch(text) and -limit <= int(text) < limit:
        return int(text)
    if strict:
        raise ValueError(f"Cannot cast {text!r} to an integer of {bits} bits")
    return None


def json_extract_scalar(text: str, path: str) -> str | None:
    """The scalar at ``path`` as text; ``None`` for an object, an array, JSON's null, no hit and bad JSON.

    Numbers keep their spelling. The path's steps, ``.key`` or ``#index``, are joined by NUL.
    """
    try:
        found: Any = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    for step in path.split("\x00") if path else ():
        if step[0] == "." and isinstance(found, dict):
            found = found.get(step[1:])
        elif step[0] == "#" and isinstance(found, list) and int(step[1:]) < len(found):
            found = found[int(step[1:])]
        else:
            return None
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str) else None


_FUNCTIONS: Mapping[str, tuple[Callable[..., Any], list[str], str]] = {
    "athena_regexp_like": (regexp_like, ["VARCHAR", "VARCHAR"], "BOOLEAN"),
    "athena_regexp_extract": (regexp_extract, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "athena_regexp_replace": (regexp_replace, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    "athena_parse_integer": (parse_integer, ["VARCHAR", "BIGINT", "BOOLEAN"], "BIGINT"),
    "athena_json_extract_scalar": (json_extract_scalar, ["VARCHAR", "VARCHAR"], "VARCHAR"),
}


def install(connection: Any) -> None:
    """Make the functions known to a DuckDB connection; a NULL among the arguments gives NULL."""
    for name, (function, parameters, result) in _FUNCTIONS.items():
        # DuckDB's own treatment of NULL forbids a function to answer with one.
        connection.create_function(name, _null_on_null(function), parameters, result, null_handling="special")


def _null_on_null(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)  # DuckDB counts the parameters of the signature
    def call(*arguments: Any) -> Any:
        return None if any(argument is None for argument in arguments) else function(*arguments)

    return call


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
