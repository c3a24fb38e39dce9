"""Hive column types, as the Glue Data Catalog spells them, and the Arrow types that hold their values."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from localcloud.firehose.errors import SchemaError

_NAME = re.compile(r"[a-z_]+")
_INTEGERS = {"tinyint": 8, "smallint": 16, "int": 32, "integer": 32, "bigint": 64}
_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int32(),  # Hive writes tinyint and smallint as Parquet INT32
    "smallint": pa.int32(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ns"),  # written as INT96, as Hive's Parquet SerDe does
}


@dataclass(frozen=True)
class HiveType:
    """One Hive type.

    Attributes:
        name: `string`, `bigint`, `decimal`, `array`, `map`, `struct`, ...
        arguments: Element type of an array, key and value type of a map, field types of a struct.
        fields: Field names of a struct, lower case.
        precision: Digits of a decimal.
        scale: Digits behind a decimal's point.
    """

    name: str
    arguments: tuple[HiveType, ...] = ()
    fields: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0

    @property
    def bits(self) -> int:
        """Width of an integer type, 0 for any other."""
        return _INTEGERS.get(self.name, 0)

    def arrow(self) -> pa.DataType:
        """The Arrow type of this type's values."""
        if self.name == "array":
            return pa.list_(self.arguments[0].arrow())
        if self.name == "map":
            return pa.map_(self.arguments[0].arrow(), self.arguments[1].arrow())
        if self.name == "struct":
            pairs = zip(self.fields, self.arguments, strict=True)
            return pa.struct([pa.field(field, kind.arrow()) for field, kind in pairs])
        if self.name == "decimal":
            return pa.decimal128(self.precision, self.scale)
        return _ARROW[self.name]


def parse(text: str) -> HiveType:
    """Read a type such as `double` or `array<struct<a:int,b:string>>`.

    Raises:
        SchemaError: The text is no type, or one that the local Firehose does not convert (char, varchar,
            binary, uniontype): it says so rather than convert on a guess.
    """
    kind, rest = _parse(text.strip().lower(), text)
    if rest:
        raise _invalid(text)
    return kind


def _parse(text: str, whole: str) -> tuple[HiveType, str]:
    match = _NAME.match(text)
    if match is None:
        raise _invalid(whole)
    name, rest = match[0], text[match.end() :]
    if name in _ARROW:
        return HiveType(name), rest
    if name == "decimal":
        return _decimal(rest, whole)
    if name == "array":
        (element,), rest = _arguments(rest, whole, 1)
        return HiveType(name, (element,)), rest
    if name == "map":
        (key, value), rest = _arguments(rest, whole, 2)
        if key.name != "string":
            raise SchemaError("DataFormatConversion.InvalidSchema", f"map key must be string, got {whole!r}")
        return HiveType(name, (key, value)), rest
    if name == "struct":
        return _struct(rest, whole)
    raise _invalid(whole)


def _decimal(rest: str, whole: str) -> tuple[HiveType, str]:
    match = re.match(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", rest)
    precision, scale = (int(match[1]), int(match[2] or 0)) if match else (10, 0)
    if not 0 < precision <= 38 or scale > precision:
        raise _invalid(whole)
    return HiveType("decimal", precision=precision, scale=scale), rest[match.end() :] if match else rest


def _arguments(text: str, whole: str, count: int) -> tuple[tuple[HiveType, ...], str]:
    rest, found = text, []
    for index in range(count):
        if not rest.startswith("<" if index == 0 else ","):
            raise _invalid(whole)
        kind, rest = _parse(rest[1:].lstrip(), whole)
        found.append(kind)
    if not rest.startswith(">"):
        raise _invalid(whole)
    return tuple(found), rest[1:]


def _struct(text: str, whole: str) -> tuple[HiveType, str]:
    names: list[str] = []
    kinds: list[HiveType] = []
    rest, opening = text, "<"
    while rest.startswith(opening):
        name, colon, rest = rest[1:].partition(":")
        if not colon or not name.strip():
            raise _invalid(whole)
        kind, rest = _parse(rest.lstrip(), whole)
        names.append(name.strip())
        kinds.append(kind)
        opening = ","
    if not names or not rest.startswith(">"):
        raise _invalid(whole)
    return HiveType("struct", tuple(kinds), tuple(names)), rest[1:]


def _invalid(text: str) -> SchemaError:
    return SchemaError("DataFormatConversion.InvalidSchema", f"column type {text!r} is not supported")
