"""Partition projection: partitions that no one registers, computed from a table's properties.

Source: "Partition projection with Amazon Athena" and "Supported types for partition projection" in the Athena
user guide. Athena computes every partition of the projected ranges and reads its folder. Here the objects are
listed once by what all the folders have in common, and each key says which projected partition it lies in, if
any: the same rows from one listing, however many years the ranges span.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from localcloud.athena.catalog import Table, split_url
from localcloud.athena.errors import QueryError
from localcloud.athena.types import Type

Parse = Callable[[str], Any]
"""Turns the text in a key into the partition's value; ``None`` when it is not a projected one."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DATE_FIELDS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_NOW = re.compile(r"NOW(?:([+-]\d+)(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?")


@dataclass(frozen=True)
class Projection:
    """Where a table's projected partitions lie.

    Attributes:
        bucket: their bucket.
        prefix: what the keys of all partitions begin with.
        pattern: matches a key that may lie in a partition, with a group for each partition column.
        columns: what turns the text of each column's group into its value.
        injected: columns whose values every query has to name.
    """

    bucket: str
    prefix: str
    pattern: re.Pattern[str]
    columns: Mapping[str, Parse]
    injected: frozenset[str]

    def partition_of(self, key: str) -> tuple[str, tuple[Any, ...]] | None:
        """The folder of ``key`` and its partition's values; ``None`` outside every projected one."""
        found = self.pattern.match(key)
        if found is None:
            return None
        values = tuple(parse(found[name]) for name, parse in self.columns.items())
        return None if any(value is None for value in values) else (found[0], values)


def projection_of(table: Table, now: datetime) -> Projection | None:
    """The projection of a table's partitions, or ``None`` when it has none.

    Raises:
        QueryError: its properties do not make one.
    """
    if not table.partition_columns or table.parameters.get("projection.enabled", "").lower() != "true":
        return None
    place = f"table {table.full_name}"
    template = table.parameters.get("storage.location.template") or _default_template(table)
    if not template.endswith("/"):
        raise _invalid(f"{place}: storage.location.template must end with /, got {template!r}")
    bucket, path = split_url(template, f"{place}: storage.location.template")
    if _VARIABLE.search(bucket):
        raise _invalid(f"{place}: storage.location.template: no variable may be in the bucket")
    named = _VARIABLE.findall(path)
    if set(named) != set(table.partition_columns) or len(named) != len(set(named)):
        raise _invalid(f"{place}: storage.location.template must name each partition column once, got {template!r}")
    columns = {name: _column(table, name, kind, now) for name, kind in table.partition_columns.items()}
    parts = _VARIABLE.split(path)
    pattern = "".join(f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    injected = frozenset(name for name in columns if table.parameters[f"projection.{name}.type"].lower() == "injected")
    return Projection(bucket, parts[0], re.compile(pattern), columns, injected)


def _default_template(table: Table) -> str:
    location = table.location if table.location.endswith("/") else f"{table.location}/"
    return location + "".join(f"{name}=${{{name}}}/" for name in table.partition_columns)


def _column(table: Table, name: str, kind: Type, now: datetime) -> Parse:
    settings = {
        key.removeprefix(f"projection.{name}."): value
        for key, value in table.parameters.items()
        if key.startswith(f"projection.{name}.")
    }
    place = f"table {table.full_name}: projection.{name}"
    makers = {"enum": _enum, "integer": _integer, "date": _date, "injected": _injected}
    maker = makers.get(settings.get("type", "").lower())
    if maker is None:
        raise _invalid(f"{place}.type must be one of {', '.join(makers)}, got {settings.get('type')!r}")
    return maker(place, settings, kind, now)


def _enum(place: str, settings: Mapping[str, str], kind: Type, _: datetime) -> Parse:
    values = [value.strip() for value in settings.get("values", "").split(",")]
    if not all(values):
        raise _invalid(f"{place}.values must be a list of values, got {settings.get('values')!r}")
    convert = _converter(place, kind)
    known = {value: convert(value) for value in values}
    return known.get


def _integer(place: str, settings: Mapping[str, str], kind: Type, _: datetime) -> Parse:
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


def _date(place: str, settings: Mapping[str, str], kind: Type, now: datetime) -> Parse:
    java = settings.get("format", "")
    pattern = re.sub("|".join(_DATE_FIELDS), lambda field: _DATE_FIELDS[field[0]], java)
    if not java or re.search(r"(?<!%)[A-Za-z]", pattern):
        raise _invalid(f"{place}.format must be made of {', '.join(_DATE_FIELDS)}, got {java!r}")
    bounds = [bound.strip() for bound in settings.get("range", "").split(",")]
    if len(bounds) != 2:
        raise _invalid(f"{place}.range must be two dates, got {settings.get('range')!r}")
    low, high = (_bound(place, bound, pattern, now) for bound in bounds)
    convert = _converter(place, kind)

    def parse(text: str) -> Any:
        try:
            value = datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            return None
        if value.strftime(pattern) != text or not low <= value <= high:
            return None
        return value.date() if kind.name == "date" else convert(text)

    return parse


def _bound(place: str, text: str, pattern: str, now: datetime) -> datetime:
    relative = _NOW.fullmatch(text)
    if relative is None:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError as error:
            raise _invalid(f"{place}.range: {text!r} does not have the column's format") from error
    amount, unit = int(relative[1] or 0), relative[2] or "DAY"
    if unit in ("YEAR", "MONTH"):
        months = now.year * 12 + now.month - 1 + amount * (12 if unit == "YEAR" else 1)
        year, month = months // 12, months % 12 + 1
        moved = now.replace(year=year, month=month, day=min(now.day, calendar.monthrange(year, month)[1]))
    else:
        moved = now + amount * timedelta(**{f"{unit.lower()}s": 1})
    return datetime.strptime(moved.strftime(pattern), pattern).replace(tzinfo=UTC)


def _injected(place: str, _: Mapping[str, str], kind: Type, __: datetime) -> Parse:
    return _converter(place, kind)


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
    if kind.name == "date":
        return date.fromisoformat
    raise _invalid(f"{place}: a partition column of type {kind} cannot be projected")


def partition_value(text: str, kind: Type, place: str) -> Any:
    """The value of a registered partition's column, from the text that Glue keeps."""
    return _converter(place, kind)(text)


def _invalid(message: str) -> QueryError:
    return QueryError("HIVE_INVALID_METADATA", message)
