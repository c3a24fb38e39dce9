"""Kinds of change of a schema file: a released file, the changed one, and what the gate must say."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


def column(name: str, kind: str, source: str | None = None, **more: Any) -> Document:
    """A column of a schema file."""
    return {"name": name, "type": kind, "comment": "c", **({"source": source} if source else {}), **more}


PARTITION_KEYS = [column("factory", "string"), *(column(name, "int") for name in ("year", "month", "day"))]

#: What is released: the columns that every sample has, and one of each type that a plant could have added.
MEASUREMENTS: Document = {
    "table": "measurements",
    "description": "d",
    "format": "parquet",
    "columns": [
        column("device_id", "string", "deviceID", required=True),
        column("description", "string", "description", blank="null"),
        column("ts", "timestamp", "timestamp", required=True),
        column("success", "boolean", "success", required=True),
        column("value", "double", "value"),
        column("value_text", "string"),
        column("attributes", "string"),
        column("received_at", "timestamp", "_received_at"),
        column("gateway", "string", "_gateway"),
        column("grade", "tinyint", "grade"),
        column("shift", "smallint", "shift"),
        column("pieces", "int", "pieces"),
        column("cycle", "bigint", "cycle"),
        column("torque", "float", "torque"),
        column("recipe", "string", "recipe"),
    ],
    "partition_keys": PARTITION_KEYS,
}
CONFIGURATION: Document = {
    "table": "configuration",
    "description": "d",
    "format": "line",
    "columns": [column("line", "string"), column("received_at_ms", "string"), column("gateway", "string")],
    "partition_keys": PARTITION_KEYS,
}
RELEASED = {"measurements": MEASUREMENTS, "configuration": CONFIGURATION}


@dataclass(frozen=True)
class Kind:
    """A change of one table, and the place and what breaks of each finding."""

    name: str
    change: Callable[[Document], object]
    findings: set[tuple[str, str]] = field(default_factory=set)
    table: str = "measurements"

    @property
    def changed(self) -> Document:
        """The changed schema file."""
        document = copy.deepcopy(RELEASED[self.table])
        self.change(document)
        return document


def _add(place: int, added: Document) -> Callable[[Document], object]:
    return lambda document: document["columns"].insert(place, added)


def _at(document: Document, name: str) -> Document:
    (found,) = (each for each in document["columns"] + document["partition_keys"] if each["name"] == name)
    return found  # type: ignore[no-any-return]


def _set(name: str, /, **members: Any) -> Callable[[Document], object]:
    return lambda document: _at(document, name).update(members)


def _drop(name: str) -> Callable[[Document], object]:
    return lambda document: document["columns"].remove(_at(document, name))


def _key(change: Callable[[list[Document]], object]) -> Callable[[Document], object]:
    return lambda document: change(document["partition_keys"])


def _types(old: str, new: str, *, breaks: bool = True) -> Kind:
    name = {"tinyint": "grade", "smallint": "shift", "int": "pieces", "bigint": "cycle", "float": "torque"}.get(old)
    name = name or {"double": "extra", "string": "recipe", "timestamp": "received_at", "boolean": "success"}[old]
    finding = {(name, "reading")} if breaks else set()
    return Kind(f"{old} to {new}", _set(name, type=new), finding)


_READ, _TAKEN, _FILE = "reading", "messages", "schema file"
_NEW = column("line_speed", "double", "lineSpeed")
_PARTITIONS = {("partition_keys", _FILE)}

KINDS = [
    Kind("nothing", lambda _: None),
    Kind("a column added at the end", _add(15, _NEW)),
    Kind("a column added in the middle", _add(4, _NEW)),
    Kind("a column added in front", _add(0, _NEW)),
    Kind("a column added that is named by a reserved word", _add(15, column("order", "string", "order"))),
    Kind("a required column added", _add(15, {**_NEW, "required": True}), {("line_speed", _TAKEN)}),
    Kind("a column removed", _drop("recipe"), {("recipe", _READ)}),
    Kind("a column renamed", _set("recipe", name="recipe_name"), {("recipe", _READ)}),
    Kind(
        "two columns swap their names",
        lambda d: (
            _at(d, "grade").update(name="x"),
            _at(d, "shift").update(name="grade"),
            _at(d, "x").update(name="shift"),
        ),
        {("shift", _READ), ("grade", _TAKEN), ("shift", _TAKEN)},
    ),
    Kind("columns reordered", lambda d: d["columns"].reverse()),
    Kind("a comment changed", _set("recipe", comment="other")),
    Kind("the description changed", lambda d: d.update(description="other")),
    _types("tinyint", "smallint", breaks=False),
    _types("tinyint", "int", breaks=False),
    _types("smallint", "int", breaks=False),
    _types("smallint", "bigint", breaks=False),
    _types("int", "bigint", breaks=False),
    _types("bigint", "int"),
    _types("int", "smallint"),
    _types("int", "double"),
    _types("int", "float"),
    _types("bigint", "double"),
    _types("float", "double", breaks=False),
    _types("float", "bigint"),
    _types("float", "string"),
    _types("int", "string"),
    _types("bigint", "string"),
    _types("bigint", "timestamp"),
    _types("string", "int"),
    _types("string", "double"),
    _types("string", "timestamp"),
    _types("string", "boolean"),
    _types("timestamp", "string"),
    _types("timestamp", "bigint"),
    _types("boolean", "int"),
    _types("boolean", "string"),
    Kind("double to float", _set("value", type="float"), {("value", _READ)}),
    Kind("double to bigint", _set("value", type="bigint"), {("value", _READ)}),
    Kind("double to string", _set("value", type="string"), {("value", _READ)}),
    Kind(
        "a column of decimals added",
        _add(15, column("price", "decimal(10,2)", "price")),
        {("columns[15] 'price'.type", _FILE)},
    ),
    Kind(
        "a column of arrays added",
        _add(15, column("steps", "array<string>", "steps")),
        {("columns[15] 'steps'.type", _FILE)},
    ),
    Kind(
        "a column of structs added",
        _add(15, column("part", "struct<id:string>", "part")),
        {("columns[15] 'part'.type", _FILE)},
    ),
    Kind("required made optional", _set("device_id", required=False)),
    Kind("optional made required", _set("recipe", required=True), {("recipe", _TAKEN)}),
    Kind("blank texts made null", _set("recipe", blank="null")),
    Kind("blank texts no longer null", lambda d: _at(d, "description").pop("blank"), {("description", _TAKEN)}),
    Kind("another source", _set("recipe", source="program"), {("recipe", _TAKEN)}),
    Kind("a source in another case", _set("recipe", source="Recipe"), {("recipe", _TAKEN)}),
    Kind(
        "a source that is there in another case", _add(15, column("other", "string", "RECIPE")), {("columns", _FILE)}
    ),
    Kind("a name that is there", _add(15, column("recipe", "string", "other")), {("columns", _FILE)}),
    Kind("a name that is a partition key's", _add(15, column("factory", "string", "other")), {("columns", _FILE)}),
    Kind("a name in upper case", _add(15, column("Recipe", "string", "other")), {("columns[15].name", _FILE)}),
    Kind("a partition key added", _key(lambda k: k.append(column("hour", "int"))), _PARTITIONS),
    Kind("a partition key removed", _key(lambda k: k.pop()), _PARTITIONS),
    Kind("a partition key renamed", _key(lambda k: k[0].update(name="site")), _PARTITIONS),
    Kind("a partition key retyped", _key(lambda k: k[2].update(type="string")), _PARTITIONS),
    Kind("partition keys reordered", _key(lambda k: k.reverse()), _PARTITIONS),
    Kind("a partition key's comment changed", _key(lambda k: k[0].update(comment="other"))),
    Kind("the table renamed", lambda d: d.update(table="samples"), {("table", _FILE)}),
    Kind(
        "lines instead of Parquet",
        lambda d: d.update(format="line", columns=CONFIGURATION["columns"]),
        {("format", _READ)},
    ),
    Kind("Parquet instead of lines", lambda d: d.update(format="parquet"), {("format", _READ)}, "configuration"),
    Kind("a column added to lines", _add(3, column("extra", "string")), {("extra", _FILE)}, "configuration"),
    Kind("a column removed from lines", _drop("gateway"), {("gateway", _READ)}, "configuration"),
    Kind(
        "columns of lines reordered",
        lambda d: d["columns"].reverse(),
        {("gateway", _READ), ("line", _READ)},
        "configuration",
    ),
    Kind("a comment of lines changed", _set("line", comment="other"), table="configuration"),
]
