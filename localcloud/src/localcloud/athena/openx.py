"""Lines of JSON as Athena's OpenX JSON SerDe reads them.

The SerDe has several implementations (its own, which Athena's guide names, and that of Trino, whose README in
``lib/trino-hive-formats`` lists where the two part). What all of them read alike is read so; a value that they read
differently is refused, so that no table depends on which of them Athena has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from localcloud.athena.errors import QueryError
from localcloud.athena.types import Type

SERDE = "org.openx.data.jsonserde.JsonSerDe"

_SETTINGS = {"serialization.format", "ignore.malformed.json", "case.insensitive"}
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,18})")
_BITS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")

LineReader = Callable[[str, str], Mapping[str, Any]]
"""Reads a line (its place for messages, its text) into the values of the columns that it has."""


def line_reader(settings: Mapping[str, str], columns: Mapping[str, Type], place: str) -> LineReader:
    """What reads the lines of a table whose SerDe has these parameters.

    Raises:
        QueryError: They change more than the local engine knows.
    """
    if other := settings.keys() - _SETTINGS:
        raise QueryError("NOT_SUPPORTED_LOCALLY", f"{place}: OpenX JSON SerDe with {', '.join(sorted(other))}")
    if settings.get("case.insensitive", "true").lower() != "true":
        raise QueryError("NOT_SUPPORTED_LOCALLY", f"{place}: OpenX JSON SerDe without case.insensitive")
    skips_malformed = settings.get("ignore.malformed.json", "false").lower() == "true"
    decode = json.JSONDecoder(object_pairs_hook=_lowered, parse_int=_Digits, parse_float=_Digits).raw_decode

    def read(where: str, line: str) -> Mapping[str, Any]:
        text = line.strip()
        if not text.startswith(("{", "[")):
            return {}
        try:
            found, _ = decode(text)  # what follows the first document is ignored
        except (ValueError, RecursionError) as error:
            if skips_malformed:
                return {}
            raise QueryError("HIVE_BAD_DATA", f"{where}: the row is not a valid JSON object") from error
        if not isinstance(found, dict):
            raise QueryError("NOT_SUPPORTED_LOCALLY", f"{where}: the local engine reads no array as a row")
        return {
            name: _value(found[name], kind, f"{where}, column {name}")
            for name, kind in columns.items()
            if found.get(name) is not None
        }

    return read


class _Digits(str):
    """A number as it is spelled."""

    __slots__ = ()


def _lowered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key.lower(): value for key, value in pairs}


def _value(value: Any, kind: Type, place: str) -> Any:
    """Convert a JSON value to one of a column's type."""
    read = _READERS.get(kind.name)
    if read is None:
        raise QueryError("NOT_SUPPORTED_LOCALLY", f"{place}: the local engine reads no {kind} from JSON")
    try:
        return read(value, kind)
    except ValueError as error:
        raise QueryError(
            "NOT_SUPPORTED_LOCALLY", f"{place}: readers of the SerDe do not agree on {error} as a {kind}"
        ) from error


def _boolean(value: Any, _kind: Type) -> bool:
    if isinstance(value, bool):
        return value
    if type(value) is str and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(_shown(value))


def _integer(value: Any, kind: Type) -> int:
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise ValueError(_shown(value))
    bound = 1 << (_BITS[kind.name] - 1)
    if not -bound <= int(value) < bound:
        raise ValueError(_shown(value))
    return int(value)


def _double(value: Any, _kind: Type) -> float:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ValueError(_shown(value))
    return float(value)


def _text(value: Any, _kind: Type) -> str:
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return str(value).lower()
    raise ValueError(_shown(value))


def _date(value: Any, _kind: Type) -> date:
    if type(value) is not str or len(value) != len("2026-03-09"):
        raise ValueError(_shown(value))
    return date.fromisoformat(value)


def _timestamp(value: Any, _kind: Type) -> datetime:
    found = _TIMESTAMP.fullmatch(value) if type(value) is str else None
    if found is None:
        raise ValueError(_shown(value))
    return datetime.fromisoformat(f"{found[1]} {found[2]}.{(found[3] or '').ljust(6, '0')[:6]}")


def _shown(value: Any) -> str:
    return repr(str(value) if isinstance(value, str) else value)


_READERS: Mapping[str, Callable[[Any, Type], Any]] = {
    "boolean": _boolean,
    **dict.fromkeys(_BITS, _integer),
    "double": _double,
    "real": _double,
    "varchar": _text,
    "date": _date,
    "timestamp": _timestamp,
}
