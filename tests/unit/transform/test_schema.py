"""The schema file decides columns, types, what is required and what may be blank; a bad one says why."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Dict  # noqa: UP035

import pytest

from clip_fetch import keys, planning, rows
from clip_fetch.model import Fragment, Stream
from clip_fetch.planning import Clip
from tests.unit.transform.support import SCHEMAS, Lane, sample, spell
from transform import schema
from transform.errors import SchemaError

Document = Dict[str, Any]  # noqa: UP006 - evaluated, which Python 3.8 cannot do otherwise


def document(table: str = "measurements") -> Document:
    """Read one of the lake's own schema files."""
    read: Document = json.loads((Path(SCHEMAS) / f"{table}.json").read_text(encoding="utf-8"))
    return read


def lane_with(folder: Path, changed: Document, lane: str = "measurements") -> Lane:
    """Make a lane that reads a changed schema file."""
    (folder / f"{lane}.json").write_text(json.dumps(changed), encoding="utf-8")
    return Lane(lane, schemas=str(folder))


def column(changed: Document, name: str) -> Document:
    """Find a column in a schema."""
    found: Document = next(item for item in changed["columns"] if item["name"] == name)
    return found


@pytest.mark.parametrize("table", ["measurements", "configuration", "clips"])
def test_the_lakes_own_files_are_valid(table: str) -> None:
    read = schema.load(table, SCHEMAS)
    assert (read.table, len(read.columns)) == (table, len(document(table)["columns"]))


def test_the_package_has_the_lakes_own_files() -> None:
    for table in ("measurements", "configuration"):
        packaged = (Path(schema.PACKAGED) / f"{table}.json").read_bytes()
        assert packaged == (Path(SCHEMAS) / f"{table}.json").read_bytes()


def test_a_new_column_takes_its_key_out_of_the_attributes(tmp_path: Path) -> None:
    changed = document()
    changed["columns"].append({"name": "unit", "type": "string", "comment": "Unit of the value"})
    message = spell(sample(unit=" degC ", shift="late"))
    assert Lane().row(message)["attributes"] == '{"unit":"degC","shift":"late"}'
    row = lane_with(tmp_path, changed).row(message)
    assert (row["unit"], row["attributes"]) == ("degC", '{"shift":"late"}')


def test_a_source_names_the_key(tmp_path: Path) -> None:
    changed = document()
    changed["columns"].append(
        {"name": "line_speed", "type": "double", "source": "lineSpeed", "required": True, "comment": "m/s"}
    )
    lane = lane_with(tmp_path, changed)
    assert lane.row(spell(sample(lineSpeed=1.5)))["lineSpeed"] == 1.5
    assert lane.rejection(spell(sample()))["rule"] == "REQUIRED"
    assert lane.rejection(spell(sample(lineSpeed="fast")))["field"] == "lineSpeed"


def test_required_and_blank_come_from_the_file(tmp_path: Path) -> None:
    changed = document()
    column(changed, "tag_name").pop("required")
    column(changed, "tag_name")["blank"] = "null"
    lane = lane_with(tmp_path, changed)
    assert lane.row(spell(sample(tagName="  ")))["tagName"] is None
    assert "tagName" not in lane.row(spell(sample(tagName=...)))
    assert Lane().rule(spell(sample(tagName=...))) == "REQUIRED"


@pytest.mark.parametrize(
    ("glue_type", "good", "bad"),
    [
        ("string", ['"a"', "null"], ["1", "true", "{}"]),
        ("boolean", ["true", "false", "null"], ["0", '"true"', "[]"]),
        ("int", ["0", "-2147483648", "2147483647", "null"], ["2147483648", "-2147483649", "1.0", "1e2", '"1"']),
        (
            "bigint",
            ["9223372036854775807", "-9223372036854775808", "-0", "null"],
            ["9223372036854775808", "-9223372036854775809", "9" * 5000, "true"],
        ),
        ("double", ["1", "-1.5e300", "1e-400", "9" * 300, "null"], ["1e309", "-1e400", "9" * 400, '"1"', "[1]"]),
        (
            "timestamp",
            ["1000000000000", "-1000000000000", "9223372036854", "-9223372036854", "null"],
            [
                *("999999999999", "-999999999999", "9223372036855", "-9223372036855", "0", "9" * 5000),
                *("1.5", '"2026-03-09"'),
            ],
        ),
    ],
)
def test_each_type_has_its_values(tmp_path: Path, glue_type: str, good: list[str], bad: list[str]) -> None:
    changed = document()
    changed["columns"].append({"name": "extra", "type": glue_type, "comment": "Any"})
    lane = lane_with(tmp_path, changed)
    for _ in range(4):  # at first on the slow path, then on the fast one
        for spelled in good:
            line = lane.line(spell(sample(extra="@")).replace('"@"', spelled))
            assert f'"extra":{spelled},' in line
    for spelled in bad:
        assert lane.rejection(spell(sample(extra="@")).replace('"@"', spelled))["field"] == "extra"


def break_(change: Callable[[Document], Any], table: str = "measurements") -> SchemaError:
    """Change a schema so that it breaks a rule; return the error."""
    changed = copy.deepcopy(document(table))
    change(changed)
    with pytest.raises(SchemaError) as caught:
        schema.parse(changed, f"{table}.json")
    return caught.value


def updating(index: int, **members: Any) -> Callable[[Document], None]:
    """Return the change of a column's members."""
    return lambda document: document["columns"][index].update(members)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("format"), "must have 'format'"),
        (lambda d: d.update(owner="me"), "has 'owner', but may only have"),
        (lambda d: d.update(table="samples"), "table: must be the file's name without .json, got 'samples'"),
        (lambda d: d.update(format="orc"), "format: must be one of parquet, line, json, got 'orc'"),
        (lambda d: d.update(description=" "), "description: must be a text that is not blank, got ' '"),
        (lambda d: d.update(columns=[]), "columns: must be a list with at least one item"),
        (lambda d: d["columns"].append("x"), "columns[13]: must be an object, got str"),
        (lambda d: d["columns"][0].pop("comment"), "columns[0]: must have 'comment'"),
        (updating(0, requierd=True), "columns[0]: has 'requierd', but may only have"),
        (updating(0, name="DeviceID"), "columns[0].name: must be lower-case letters, digits and '_'"),
        (updating(0, type="varchar"), "columns[0] 'device_id'.type: must be one of string, boolean, tinyint,"),
        (updating(0, required="yes"), "columns[0] 'device_id'.required: must be true or false, got 'yes'"),
        (updating(0, source='device"ID'), "columns[0] 'device_id'.source: must be printable, without quotes"),
        (updating(0, blank="null"), "columns[0] 'device_id'.blank: must be 'null', on a string"),
        (updating(5, blank="empty"), "columns[5] 'description'.blank: must be 'null'"),
        (updating(8, blank="null"), "columns[8] 'value'.blank: must be 'null'"),
        (updating(9, source="valueText"), "columns[9] 'value_text': is computed"),
        (
            updating(1, name="device_id"),
            "columns: names and sources must differ, in more than case; 'device_id' is there twice",
        ),
        (
            updating(1, source="DEVICEid"),
            "columns: names and sources must differ, in more than case; 'deviceid' is there twice",
        ),
        (updating(1, name="year"), "columns: names and sources must differ, in more than case; 'year' is there twice"),
        (lambda d: d.update(prefix="index"), "prefix: must be lower-case letters, digits and -, then /, other than"),
        (lambda d: d.update(prefix="errors/"), "prefix: must be lower-case letters, digits and -, then /, other than"),
        (lambda d: d.update(prefix=1), "prefix: must be a text that is not blank, got 1"),
        (lambda d: d.update(unique="yes"), "unique: must be true or false, got 'yes'"),
        (lambda d: d["partition_keys"].pop(), "partition_keys: must be factory string, year int, month int, day int"),
        (lambda d: d["partition_keys"][1].update(required=True), "partition_keys[1]: has 'required'"),
    ],
)
def test_a_broken_file_is_refused_with_file_place_and_rule(change: Callable[[Document], Any], message: str) -> None:
    assert str(break_(change)).startswith(f"measurements.json: {message}")


def test_the_columns_of_clips_are_those_of_its_rows() -> None:
    """Of both kinds together: a key that the table does not know would be lost without a word."""
    stream = Stream("lake_krakow_press-1", "press-1", 0, 0)
    clip = Clip(((Fragment(7, 0, 0, 2000, 1),),), planning.LENGTH, None, None)
    described = (
        (keys.stem(0, 7) + ".mp4", keys.clip_metadata(stream, clip, 1000, keys.MP4, 2000, "duration", "run")),
        (keys.stem(0, 7) + ".gap.json", keys.gap_metadata(stream, 8, 5000, 3000, "expired", "run")),
    )
    found = [rows.row(keys.camera_prefix("krakow", "press-1") + token, metadata, 9) for token, metadata in described]
    names = {name for row in found if row is not None for name in json.loads(row)}
    assert names == {item["name"] for item in document("clips")["columns"]}


def test_a_table_of_lines_has_no_sources() -> None:
    error = break_(updating(0, source="line"), "configuration")
    assert str(error).startswith("configuration.json: columns[0]: has 'source'")


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: Any) -> None:
    if content is not None:
        (tmp_path / "measurements.json").write_bytes(content)
    with pytest.raises(SchemaError, match=r"^measurements\.json: cannot be read as JSON from "):
        schema.load("measurements", str(tmp_path))


@pytest.mark.parametrize(
    ("change", "need"),
    [
        (lambda d: column(d, "ts").update(type="string"), "'ts' of type timestamp, required"),
        (lambda d: column(d, "ts").pop("required"), "'ts' of type timestamp, required"),
        (lambda d: column(d, "value").update(type="string"), "'value' of type double, not required"),
        (lambda d: column(d, "value").update(required=True), "'value' of type double, not required"),
        (lambda d: d["columns"].remove(column(d, "attributes")), "'attributes' of type string, not required"),
        (lambda d: d["columns"].remove(column(d, "gateway")), "'gateway' of type string, not required"),
        (lambda d: column(d, "gateway").pop("source"), "'gateway' with source '_gateway'"),
        (lambda d: column(d, "received_at").update(source="receivedAt"), "'received_at' with source '_received_at'"),
    ],
)
def test_the_measurements_lane_refuses_a_table_that_samples_do_not_fit(
    tmp_path: Path, change: Callable[[Document], Any], need: str
) -> None:
    changed = document()
    change(changed)
    with pytest.raises(SchemaError, match=r"^measurements\.json: columns: must have ") as caught:
        lane_with(tmp_path, changed)
    assert need in str(caught.value)


@pytest.mark.parametrize(("lane", "other"), [("measurements", "configuration"), ("configuration", "measurements")])
def test_a_lane_refuses_the_other_lanes_format(tmp_path: Path, lane: str, other: str) -> None:
    changed = {**document(other), "table": lane}
    with pytest.raises(SchemaError, match=rf"^{lane}\.json: format: must be "):
        lane_with(tmp_path, changed, lane)
