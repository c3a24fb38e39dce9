"""Athena's types: where they come from (Glue, SQL) and how their values are written in results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy
from sqlglot import exp

from localcloud.athena.errors import QueryError, UnsupportedError

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - Athena's timestamp has no zone


@dataclass(frozen=True)
class Type:
    """A Trino type.

    Attributes:
        args: element types of an array or a map, precision and scale of a decimal.
        zone: for a ``timestamp with time zone`` that shows another zone than UTC, which one. The local
            engine carries such a value as the wall clock of that zone.
    """

    name: str
    args: tuple[Type | int, ...] = ()
    zone: str | None = None

    def __str__(self) -> str:
        return f"{self.name}({','.join(map(str, self.args))})" if self.args else self.name

    @property
    def element(self) -> Type:
        """What an array holds, or the value type of a map."""
        last = self.args[-1]
        if not isinstance(last, Type):
            raise TypeError(f"{self} has no elements")
        return last

    @property
    def is_integer(self) -> bool:
        """Whether it is one of the four integer types."""
        return self.name in _INTEGERS

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic is defined on it."""
        return self.name in _NUMERIC

    @property
    def is_temporal(self) -> bool:
        """Whether it is a date or a timestamp whose comparison means the same on both engines."""
        return self.name in _TEMPORAL and self.zone is None


_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_NUMERIC = (*_INTEGERS, "decimal", "real", "double")
_TEMPORAL = ("date", "timestamp", "timestamp with time zone")
_INTEGER_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}

UNKNOWN = Type("unknown")
BOOLEAN = Type("boolean")
INTEGER = Type("integer")
BIGINT = Type("bigint")
REAL = Type("real")
DOUBLE = Type("double")
VARCHAR = Type("varchar")
DATE = Type("date")
TIMESTAMP = Type("timestamp")
TIMESTAMP_TZ = Type("timestamp with time zone")
INTERVAL_DAY = Type("interval day to second")
INTERVAL_MONTH = Type("interval year to month")


def array(element: Type) -> Type:
    """The type of arrays of ``element``."""
    return Type("array", (element,))


def decimal(precision: int, scale: int) -> Type:
    """The type of decimals with ``precision`` digits, ``scale`` of them behind the point."""
    return Type("decimal", (min(precision, 38), scale))


_SCALARS: dict[exp.DType, Type] = {
    exp.DType.BOOLEAN: BOOLEAN,
    exp.DType.TINYINT: Type("tinyint"),
    exp.DType.SMALLINT: Type("smallint"),
    exp.DType.INT: INTEGER,
    exp.DType.BIGINT: BIGINT,
    exp.DType.FLOAT: REAL,
    exp.DType.DOUBLE: DOUBLE,
    exp.DType.TEXT: VARCHAR,
    exp.DType.VARCHAR: VARCHAR,
    exp.DType.DATE: DATE,
    exp.DType.TIMESTAMP: TIMESTAMP,
    exp.DType.TIMESTAMPNTZ: TIMESTAMP,
    exp.DType.TIMESTAMPTZ: TIMESTAMP_TZ,
}


def from_datatype(datatype: exp.DataType) -> Type:
    """The type that a parsed SQL type names.

    Raises:
        UnsupportedError: this engine does not know it.
    """
    kind = datatype.this
    sizes = [int(size.name) for size in datatype.expressions if isinstance(size, exp.DataTypeParam)]
    if kind in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPNTZ) and sizes not in ([], [3]):
        raise UnsupportedError(f"type {datatype.sql('athena')}", "write timestamp, which has 3 digits of a second")
    if kind == exp.DType.DECIMAL:
        precision, scale = ([*sizes, 0] if len(sizes) < 2 else sizes)[:2] if sizes else (38, 0)
        return decimal(precision, scale)
    if kind in (exp.DType.ARRAY, exp.DType.LIST) and datatype.expressions:
        return array(from_datatype(datatype.expressions[0]))
    if kind == exp.DType.MAP and datatype.expressions:
        return Type("map", tuple(from_datatype(part) for part in datatype.expressions))
    if kind in _SCALARS:
        return _SCALARS[kind]
    raise UnsupportedError(f"type {datatype.sql('athena')}", "the local engine has scalars, arrays and maps only")


def from_glue(text: str, place: str) -> Type:
    """The type of a Glue column, such as ``string`` or ``decimal(10,2)``; an error names ``place``.

    Raises:
        QueryError: it is not a type that this engine reads.
    """
    return _from_text(text, "hive", "HIVE_INVALID_METADATA", place)


def from_trino(text: str, place: str) -> Type:
    """The type of a view's column, in Trino's words, such as ``timestamp(3)``; an error names ``place``.

    Raises:
        QueryError: it is not a type that this engine reads.
    """
    return _from_text(text, "trino", "HIVE_INVALID_VIEW_DATA", place)


def _from_text(text: str, dialect: str, code: str, place: str) -> Type:
    try:
        return from_datatype(exp.DataType.build(text, dialect=dialect))
    except (ValueError, UnsupportedError) as error:
        raise QueryError(code, f"{place}: type {text!r} cannot be read") from error


def to_duckdb(kind: Type) -> str:
    """The type of the local engine that holds the values of ``kind``."""
    if kind.name == "array":
        return f"{to_duckdb(kind.element)}[]"
    if kind.name == "map":
        return f"MAP({', '.join(to_duckdb(part) for part in kind.args if isinstance(part, Type))})"
    if kind.zone is not None:
        return "TIMESTAMP"
    return str(kind).upper()


def supertype(types: Sequence[Type]) -> Type | None:
    """The type that Trino coerces all of ``types`` to, or ``None`` when there is none.

    Source: Trino's implicit coercions: along the numeric types, and from date to timestamp to timestamp with
    time zone. Text is never coerced to anything else.
    """
    known = [kind for kind in types if kind != UNKNOWN]
    if not known:
        return UNKNOWN
    if all(kind == known[0] for kind in known):
        return known[0]
    if all(kind.is_numeric for kind in known):
        return _numeric_supertype(known)
    if all(kind.is_temporal for kind in known):
        return max(known, key=lambda kind: _TEMPORAL.index(kind.name))
    if all(kind.name == "array" for kind in known):
        element = supertype([kind.element for kind in known])
        return None if element is None else array(element)
    return None


def _numeric_supertype(types: Sequence[Type]) -> Type:
    widest = max(types, key=lambda kind: _NUMERIC.index(kind.name))
    if widest.name != "decimal":
        return widest
    decimals = [as_decimal(kind) for kind in types]
    scale = max(scale for _, scale in decimals)
    return decimal(max(precision - own for precision, own in decimals) + scale, scale)


def as_decimal(kind: Type) -> tuple[int, int]:
    """Precision and scale of a decimal or of an integer type taken as one."""
    if kind.name != "decimal":
        return _INTEGER_DIGITS[kind.name], 0
    precision, scale = kind.args
    if not isinstance(precision, int) or not isinstance(scale, int):
        raise TypeError(f"{kind} has no precision")
    return precision, scale


def to_text(value: Any, kind: Type) -> str | None:
    """A value as Athena writes it into results; ``None`` is NULL.

    Timestamps come as microseconds since 1970, and so do their zoned kinds; all else as Python's own types.
    """
    if value is None:
        return None
    if kind.name == "array":
        return "[" + ", ".join(_inner_text(item, kind.element) for item in value) + "]"
    if kind.name == "map":
        keys = kind.args[0] if isinstance(kind.args[0], Type) else VARCHAR
        return "{" + ", ".join(f"{to_text(k, keys)}={to_text(v, kind.element) or 'null'}" for k, v in value) + "}"
    return _scalar_text(value, kind)


def _inner_text(value: Any, kind: Type) -> str:
    text = to_text(value, kind)
    return "null" if text is None else text


def _scalar_text(value: Any, kind: Type) -> str:
    if kind.name in ("double", "real"):
        return java_double(float(value), single=kind.name == "real")
    if kind.name == "boolean":
        return "true" if value else "false"
    if kind.name in ("timestamp", "timestamp with time zone"):
        text = (_EPOCH + timedelta(microseconds=value)).isoformat(" ", "milliseconds")
        return f"{text} {kind.zone or 'UTC'}" if kind.name == "timestamp with time zone" else text
    if kind.name == "date":
        return value.isoformat() if isinstance(value, date) else str(value)
    if kind.name == "decimal":
        return format(Decimal(value).quantize(Decimal(1).scaleb(-as_decimal(kind)[1])), "f")
    return str(int(value)) if kind.is_integer else str(value)


def java_double(value: float, *, single: bool = False) -> str:
    """A double, or a real, as Java's ``Double.toString`` spells it; Athena's results have it so.

    Source: java.lang.Double: plain digits from 1e-3 up to, not including, 1e7, else one digit before the
    point and an ``E`` with the exponent.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    shortest = str(numpy.float32(abs(value))) if single else repr(abs(value))
    _, digits, exponent = Decimal(shortest).normalize().as_tuple()
    if not isinstance(exponent, int) or value == 0:
        return f"{sign}0.0"
    text = "".join(map(str, digits))
    point = len(text) + exponent
    if -3 < point <= 7:
        text = text.ljust(point, "0") if point > 0 else text.rjust(len(text) - point, "0")
        point = max(point, 0)
        return f"{sign}{text[:point] or '0'}.{text[point:] or '0'}"
    return f"{sign}{text[0]}.{text[1:] or '0'}E{point - 1}"
