"""Partition projection: partitions that no one registers, computed from a table's properties.

Source: "Partition projection with Amazon Athena" and "Supported types for partition projection" in the Athena
user guide. Athena computes every partition of the projected ranges and reads its folder. Here the objects are
listed once by what all the folders have in common, and each key says which projected partition it lies in, if
any: the same rows from one listing, however many years the ranges span.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.athena.catalog import Table, split_url
from localcloud.athena.errors import QueryError
from localcloud.athena.types import Type

Parse = Callable[[str], Any]
"""Turns the text in a key into the partition's value; ``None`` when it is not a projected one."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Projection:
    """Where a table's projected partitions lie.

    Attributes:
        prefix: what the keys of all partitions begin with.
        pattern: matches a key that may lie in a partition, with a group for each partition column.
        columns: what turns the text of each column's group into its value.
    """

    bucket: str
    prefix: str
    pattern: re.Pattern[str]
    columns: Mapping[str, Parse]

    def partition_of(self, key: str) -> tuple[str, tuple[Any, ...]] | None:
        """The folder of ``key`` and its partition's values; ``None`` outside every projected one."""
        found = self.pattern.match(key)
        if found is None:
            return None
        values = tuple(parse(found[name]) for name, parse in self.columns.items())
        return None if any(value is None for value in values) else (found[0], values)


def projection_of(table: Table) -> Projection | None:
    """The projection of a table's partitions, or ``None`` when it has none.

    Raises:
        QueryError: its properties do not make one, or its partitions are registered ones.
    """
    if not table.partition_columns:
        return None
    place = f"table {table.full_name}"
    if table.parameters.get("projection.enabled", "").lower() != "true":
        raise QueryError("NOT_SUPPORTED_LOCALLY", f"{place}: the local engine knows projected partitions only")
    template = table.parameters.get("storage.location.template", "")
    if not template.endswith("/"):
        raise _invalid(f"{place}: storage.location.template must end with /, got {template!r}")
    bucket, path = split_url(template, f"{place}: storage.location.template")
    if _VARIABLE.search(bucket):
        raise _invalid(f"{place}: storage.location.template: no variable may be in the bucket")
    named = _VARIABLE.findall(path)
    if set(named) != set(table.partition_columns) or len(named) != len(set(named)):
        raise _invalid(f"{place}: storage.location.template must name each partition column once, got {template!r}")
    columns = {name: _column(table, name, kind) for name, kind in table.partition_columns.items()}
    parts = _VARIABLE.split(path)
    pattern = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return Projection(bucket, parts[0], re.compile(pattern), columns)


def _column(table: Table, name: str, kind: Type) -> Parse:
    settings = {
        key.removeprefix(f"projection.{name}."): value
        for key, value in table.parameters.items()
        if key.startswith(f"projection.{name}.")
    }
    place = f"table {table.full_name}: projection.{name}"
    makers = {"enum": _enum, "integer": _integer}
    maker = makers.get(settings.get("type", "").lower())
    if maker is None:
        raise _invalid(f"{place}.type must be one of {', '.join(makers)} here, got {settings.get('type')!r}")
    return maker(place, settings, kind)


def _enum(place: str, settings: Mapping[str, str], kind: Type) -> Parse:
    values = [value.strip() for value in settings.get("values", "").split(",")]
    if not all(values):
        raise _invalid(f"{place}.values must be a list of values, got {settings.get('values')!r}")
    convert = _converter(place, kind)
    known = {value: convert(value) for value in values}
    return known.get


def _integer(place: str, settings: Mapping[str, str], kind: Type) -> Parse:
    bounds = re.fullmatch(r"\s*(-?\d+)\s*,\s*(-?\d+)\s*", settings.get("range", ""))
    if bounds is None:
        raise _invalid(f"{place}.range must be two integers, got {settings.get('range')!r}")
    low, high = int(bounds[1]), int(bounds[2])
    interval, digits = (int(settings.get(key, default)) for key, default in (("interval", "1"), ("digits", "0")))
    convert = _converter(place, kind)

    def parse(text: str) -> Any:
        # Athena makes the text from the number, so another spelling of the number is another folder.
        if not re.fullmatch(r"-?\d{1,18}", text) or text != f"{int(text):0{digits}d}":
            return None
        value = int(text)
        return convert(text) if low <= value <= high and (value - low) % interval == 0 else None

    return parse


def _converter(place: str, kind: Type) -> Parse:
    """Turn a partition's text into a value of its column's type."""
    if kind.name == "varchar":
        return str
    if kind.is_integer:

        def to_integer(text: str) -> int:
            try:
                return int(text)
            except ValueError as error:
                raise _invalid(f"{place}: {text!r} is no value of a column of type {kind}") from error

        return to_integer
    raise _invalid(f"{place}: a partition column of type {kind} cannot be projected")


def _invalid(message: str) -> QueryError:
    return QueryError("HIVE_INVALID_METADATA", message)
