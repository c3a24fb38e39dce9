"""What a change of a table's schema file would break: old files, old queries, or messages that are taken today.

Athena finds the columns of a Parquet file by name, and reads every file by the types that the table has now: with
partition projection no partition keeps older ones. So a column can be added, or get a type in which old files can be
read, and nothing else. Which types those are was measured on Trino (`tests/unit/factory_lake/schema`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from factory_lake.errors import FactoryLakeError
from transform import schema
from transform.errors import SchemaError
from transform.schema import Column, Schema

Breaks = Literal["reading", "messages", "schema file"]

#: The types in which Trino reads what was stored as another, every value unchanged.
WIDENINGS: Mapping[str, frozenset[str]] = {
    "tinyint": frozenset({"smallint", "int", "bigint"}),
    "smallint": frozenset({"int", "bigint"}),
    "int": frozenset({"bigint"}),
    "float": frozenset({"double"}),
}


class SchemaFileError(FactoryLakeError):
    """The schema files to compare with cannot be read."""


@dataclass(frozen=True)
class Finding:
    """A change that breaks something."""

    table: str
    place: str  # the column, or another member of the schema file
    breaks: Breaks
    rule: str
    way_out: str


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """Compare the released schema files with the changed ones, each as parsed JSON by its table's name.

    Raises:
        SchemaFileError: When a released file breaks a rule itself.
    """
    found = []
    for table, document in sorted(new.items()):
        try:
            changed = schema.parse(document, f"{table}.json")
        except SchemaError as error:
            found.append(_unreadable(table, error))
            continue
        if table in old:
            released = _released(table, old[table])
            found += [*_moves(table, old[table], document), *_changes(released, changed)]
    found += [
        Finding(
            table,
            "table",
            "reading",
            "is gone: queries name it, and its objects stay",
            f"keep {table}.json; a table of another name is a further file",
        )
        for table in sorted(old.keys() - new.keys())
    ]
    return found


def _released(table: str, document: Any) -> Schema:
    try:
        return schema.parse(document, f"{table}.json")
    except SchemaError as error:
        raise SchemaFileError(f"the released {table}.json", f"must be a schema file: {error}") from error


def _unreadable(table: str, error: SchemaError) -> Finding:
    return Finding(
        table,
        error.place or "file",
        "schema file",
        error.rule,
        "write it as the transform reads it",
    )


def _moves(table: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare where the objects lie, which the transform's reader passes over."""
    for member in ("bucket", "prefix"):
        before, after = old.get(member), new.get(member)
        if before != after:
            rule = f"changes from {before!r} to {after!r}: the objects that are stored stay where they are"
            yield Finding(table, member, "reading", rule, "keep it")


def _changes(old: Schema, new: Schema) -> Iterator[Finding]:
    if old.format != new.format:
        yield Finding(
            old.table,
            "format",
            "reading",
            f"is {new.format}, and the objects that are stored are {old.format}",
            "keep it; a table of the other format is a further file",
        )
    elif old.format == "line":
        yield from _line_columns(old, new)
    else:
        yield from _named_columns(old, new)


def _line_columns(old: Schema, new: Schema) -> Iterator[Finding]:
    """The groups of one pattern feed these columns by position."""
    before, after = ([column.name for column in each.columns] for each in (old, new))
    for name in before:
        if name not in after or after.index(name) != before.index(name):
            yield Finding(
                old.table,
                name,
                "reading",
                "is gone or moves: the table's pattern feeds its columns by their position",
                "keep these columns in their order",
            )
    for column in new.columns:
        if column.type != "string":
            yield Finding(
                old.table,
                column.name,
                "reading",
                f"is {column.type}: the table's pattern gives texts",
                "keep it a string, and cast in queries or a view",
            )
        if column.name not in before:
            yield Finding(
                old.table,
                column.name,
                "schema file",
                "is new: the table's pattern has no group for it",
                "read further keys in queries or a view, with json_extract_scalar(line, ...)",
            )


def _named_columns(old: Schema, new: Schema) -> Iterator[Finding]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    keys = {column.source: column.name for column in new.columns if column.source is not None}
    for name, column in before.items():
        if name in after:
            yield from _changed_column(old.table, column, after[name])
            continue
        heir = keys.get(column.source) if column.source else None
        yield Finding(
            old.table,
            name,
            "reading",
            f"is renamed to {heir}: old files have no column of that name, so their values would be NULL"
            if heir
            else "is gone: queries name it, and old files have values in it",
            "keep the name; a view can give it another"
            if heir
            else "retire it: keep it, not required; it is NULL where messages lack its key",
        )
    for name, column in after.items():
        if name not in before and column.required:
            yield Finding(
                old.table,
                name,
                "messages",
                f"is new and required: messages without {column.source!r} would be rejected",
                "add it, not required",
            )


def _changed_column(table: str, old: Column, new: Column) -> Iterator[Finding]:
    if new.type != old.type and new.type not in WIDENINGS.get(old.type, frozenset()):
        wider = " or ".join(sorted(WIDENINGS.get(old.type, ())))
        yield Finding(
            table,
            old.name,
            "reading",
            f"changes from {old.type} to {new.type}: old files or queries cannot use it so without error or loss",
            (f"widen it to {wider}, or " if wider else "") + "keep the type and cast in queries or a view",
        )
    if new.source != old.source:
        yield Finding(
            table,
            old.name,
            "messages",
            f"is fed by {new.source!r} instead of {old.source!r}, whose values would go to attributes",
            "keep the source, and add a column for the other key",
        )
    if new.required and not old.required:
        yield Finding(
            table,
            old.name,
            "messages",
            f"is required now: messages without {old.source!r} would be rejected",
            "leave it not required",
        )
    if old.blank_is_null and not new.blank_is_null:
        yield Finding(
            table,
            old.name,
            "messages",
            'loses blank = "null": messages with a blank text there would be rejected',
            'keep blank = "null"',
        )
