"""A table's schema file, as the transform reads it.

``glue_schemas/<table>.json`` is the only description of a table. Terraform makes the Glue table of it, this
module the validation, and ``scripts.schemadocs`` the documentation. Its members:

- ``table``: the table's name, also the file's;
- ``description``: what a row is;
- ``format``: ``parquet`` (a column per key), ``line`` (the message as it is, one line a row) or ``json`` (an object
  per row, a key per column);
- ``bucket``, optional: whose bucket it is in, where that is not the table's own;
- ``prefix``, optional: where in its bucket the table lies, in front of its partitions;
- ``unique``, optional: true where no row comes twice, so that the table needs no view without repeats;
- ``columns``: a list of ``{"name", "type", "comment"}``, with, for ``parquet``, any of
    - ``source``: the JSON key that feeds the column (its own name where there is none),
    - ``required``: true when a message without it is invalid,
    - ``blank``: ``"null"`` when a blank string in it means null;
- ``partition_keys``: a list of ``{"name", "type", "comment"}``.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any, NamedTuple, NoReturn

from .errors import SchemaError

#: Where the package has its copy of the files.
PACKAGED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas")

#: What a table is made of: a column for each key, the message as one line, or objects of JSON.
FORMATS = ("parquet", "line", "json")
#: Glue types.
COLUMN_TYPES = ("string", "boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "timestamp")
#: Of every table.
PARTITION_KEYS = (("factory", "string"), ("year", "int"), ("month", "int"), ("day", "int"))
#: Columns that the transform writes from other things than a key of the message.
VALUE_TEXT = "value_text"
ATTRIBUTES = "attributes"
COMPUTED = (VALUE_TEXT, ATTRIBUTES)

_PREFIX = re.compile(r"(?!(errors|athena-results)/)([a-z][a-z0-9-]*/)?\Z")
_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_TABLE_MEMBERS = {"table", "description", "format", "columns", "partition_keys"}
_PLACE_MEMBERS = {"bucket", "prefix"}
_COLUMN_MEMBERS = {"name", "type", "comment"}
_SOURCE_MEMBERS = {"source", "required", "blank"}


class Column(NamedTuple):
    """One column.

    Attributes:
        source: The JSON key that feeds it; None where the transform computes it or no single key does.
        blank_is_null: Whether a blank string in it means null.
    """

    name: str
    type: str
    comment: str
    source: str | None
    required: bool
    blank_is_null: bool


class Schema(NamedTuple):
    """One table."""

    table: str
    description: str
    format: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]


def load(table: str, folder: str = PACKAGED) -> Schema:
    """Read and check ``<folder>/<table>.json``; the message of a ``SchemaError`` names file, place, rule and value."""
    name = table + ".json"
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise SchemaError(name, "", f"cannot be read as JSON from {folder} ({type(error).__name__})") from error
    return parse(document, name)


def parse(document: Any, file: str) -> Schema:
    """Check a schema that has been read from a file of this name; raise ``SchemaError`` where it breaks a rule."""
    check = _Check(file)
    table = check.members(document, "", _TABLE_MEMBERS | _PLACE_MEMBERS | {"unique"}, _TABLE_MEMBERS)
    if table["table"] != file[: -len(".json")]:
        check.fail("table", f"must be the file's name without .json, got {table['table']!r}")
    description = check.text(table, "", "description")
    for name in sorted(_PLACE_MEMBERS & table.keys()):
        check.text(table, "", name)
    if table["format"] not in FORMATS:
        check.fail("format", f"must be one of {', '.join(FORMATS)}, got {table['format']!r}")
    prefix = table.get("prefix", "")
    if not _PREFIX.match(prefix):
        rule = "lower-case letters, digits and -, then /, other than errors/ and athena-results/"
        check.fail("prefix", f"must be {rule}, got {prefix!r}")
    if not isinstance(table.get("unique", False), bool):
        check.fail("unique", f"must be true or false, got {table['unique']!r}")
    by_key = table["format"] == "parquet"
    columns = tuple(
        check.column(item, f"columns[{i}]", by_key) for i, item in enumerate(check.items(table, "columns"))
    )
    keys = tuple(
        check.column(item, f"partition_keys[{i}]", False)
        for i, item in enumerate(check.items(table, "partition_keys"))
    )
    if tuple((key.name, key.type) for key in keys) != PARTITION_KEYS:
        wanted = ", ".join(f"{name} {glue_type}" for name, glue_type in PARTITION_KEYS)
        check.fail("partition_keys", f"must be {wanted}, which is what the transform's keys are made of")
    check.unique("columns", [column.name for column in columns + keys])
    if by_key:
        # OpenX lower-cases the keys of a line before it looks for columns.
        check.unique("columns", [(column.source or column.name).lower() for column in columns])
    return Schema(table["table"], description, table["format"], columns, keys)


class _Check:
    """The rules of one schema file."""

    __slots__ = ("_file",)

    def __init__(self, file: str) -> None:
        self._file = file

    def fail(self, place: str, rule: str) -> NoReturn:
        raise SchemaError(self._file, place, rule)

    def members(self, value: Any, place: str, known: set[str], needed: set[str]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fail(place, f"must be an object, got {type(value).__name__}")
        for name in sorted(needed - value.keys()):
            self.fail(place, f"must have {name!r}")
        for name in sorted(value.keys() - known):
            self.fail(place, f"has {name!r}, but may only have {', '.join(sorted(known))}")
        return value

    def text(self, owner: dict[str, Any], place: str, name: str) -> str:
        value = owner[name]
        if not isinstance(value, str) or not value.strip():
            self.fail(f"{place}.{name}" if place else name, f"must be a text that is not blank, got {value!r}")
        return value

    def items(self, table: dict[str, Any], name: str) -> list[Any]:
        value = table[name]
        if not isinstance(value, list) or not value:
            self.fail(name, "must be a list with at least one item")
        return value

    def unique(self, place: str, names: list[str]) -> None:
        for name in names:
            if names.count(name) > 1:
                self.fail(place, f"names and sources must differ, in more than case; {name!r} is there twice")

    def column(self, item: Any, place: str, by_key: bool) -> Column:
        known = _COLUMN_MEMBERS | _SOURCE_MEMBERS if by_key else _COLUMN_MEMBERS
        member = self.members(item, place, known, _COLUMN_MEMBERS)
        name = self.text(member, place, "name")
        if not _NAME.match(name):
            self.fail(f"{place}.name", f"must be lower-case letters, digits and '_', got {name!r}")
        place = f"{place} {name!r}"
        if member["type"] not in COLUMN_TYPES:
            self.fail(f"{place}.type", f"must be one of {', '.join(COLUMN_TYPES)}, got {member['type']!r}")
        computed = name in COMPUTED or not by_key
        if computed and _SOURCE_MEMBERS & member.keys():
            self.fail(place, "is computed, so it has no source and is neither required nor blank")
        required = member.get("required", False)
        if not isinstance(required, bool):
            self.fail(f"{place}.required", f"must be true or false, got {required!r}")
        blank = member.get("blank")
        if "blank" in member and (blank != "null" or member["type"] != "string" or required):
            self.fail(f"{place}.blank", f"must be 'null', on a string column that is not required, got {blank!r}")
        source = None
        if not computed:
            source = self.text(member, place, "source") if "source" in member else name
            if not source.isprintable() or '"' in source or "\\" in source:
                self.fail(f"{place}.source", f"must be printable, without quotes or backslashes, got {source!r}")
        return Column(name, member["type"], self.text(member, place, "comment"), source, required, blank is not None)
