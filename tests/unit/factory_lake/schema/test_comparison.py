"""The gate's verdicts, beside what Trino does with old and new files and what the transform does with messages."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from factory_lake.schema.comparison import SchemaFileError, compare
from tests.unit.factory_lake.schema.kinds import CONFIGURATION, KINDS, MEASUREMENTS, RELEASED, Kind
from tests.unit.factory_lake.schema.record import ANSWERS, RELEASES
from tests.unit.transform.support import event, record, sample, spell
from transform.batch import Transform
from transform.errors import SchemaError
from transform.settings import Settings

TRINO: dict[str, dict[str, Any]] = {each["kind"]: each for each in json.loads(ANSWERS.read_text(encoding="utf-8"))}
#: What gateways may send before a release: every key, only what must be there, blanks.
MESSAGES = [
    sample(grade=7, shift=7, pieces=7, cycle=7, torque=0.5, recipe="A"),
    sample(description=...),
    sample(description=" "),
]


def _findings(kind: Kind) -> set[tuple[str, str]]:
    found = compare(RELEASED, {**RELEASED, kind.table: kind.changed})
    return {(each.place, each.breaks) for each in found}


def test_the_kinds_are_many_and_each_has_a_record() -> None:
    assert len(KINDS) >= 40
    assert [kind.name for kind in KINDS] == list(TRINO)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_says_what_a_change_breaks(kind: Kind) -> None:
    assert _findings(kind) == kind.findings


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_refuses_what_trino_cannot_read_as_before(kind: Kind, release: str) -> None:
    """What the transform does not read either is refused before anybody asks whether Trino would."""
    breaks = {what for _, what in _findings(kind)}
    broken = bool(TRINO[kind.name][release])

    assert broken == ("reading" in breaks) or breaks == {"schema file"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.table == "measurements"], ids=lambda kind: kind.name)
def test_refuses_what_the_transform_would_no_longer_take(kind: Kind, tmp_path: Path) -> None:
    breaks = {what for _, what in _findings(kind)}
    try:
        after = _lines(kind.changed, tmp_path)
    except SchemaError:
        # It would not even start.
        assert breaks & {"schema file", "reading"}
        return
    assert "schema file" not in breaks
    if breaks <= {"messages"}:
        # Comments and order aside, each message gives the line that it gave, or more columns of it.
        assert (after != _lines(MEASUREMENTS, tmp_path)) == (breaks == {"messages"})


def _lines(document: dict[str, Any], folder: Path) -> list[Any]:
    """What the transform makes of each message."""
    (folder / "measurements.json").write_text(json.dumps(document), encoding="utf-8")
    settings = Settings.from_env({"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake"})
    records = [record(spell(message), number) for number, message in enumerate(MESSAGES)]
    answer = Transform(settings, str(folder)).answer(event(records))
    return [(each["result"], each["data"]) for each in answer["records"]]


def test_every_finding_has_a_rule_and_a_way_out() -> None:
    for kind in KINDS:
        for finding in compare(RELEASED, {**RELEASED, kind.table: kind.changed}):
            assert finding.rule
            assert finding.way_out


def test_names_the_wider_types() -> None:
    (kind,) = (kind for kind in KINDS if kind.name == "int to double")
    (finding,) = compare(RELEASED, {**RELEASED, "measurements": kind.changed})

    assert finding.rule == "changes from int to double: old files or queries cannot use it so without error or loss"
    assert finding.way_out == "widen it to bigint, or keep the type and cast in queries or a view"


def test_a_table_may_be_added_and_none_taken_away() -> None:
    added = {**RELEASED, "events": {**CONFIGURATION, "table": "events"}}

    assert compare(RELEASED, added) == []
    (finding,) = compare(added, RELEASED)
    assert (finding.table, finding.place, finding.breaks) == ("events", "table", "reading")


def test_a_table_keeps_its_prefix() -> None:
    moved = {**CONFIGURATION, "prefix": "moved/"}

    (finding,) = compare({"configuration": CONFIGURATION}, {"configuration": moved})
    assert (finding.place, finding.breaks) == ("prefix", "reading")


def test_columns_of_json_are_found_by_name() -> None:
    """Trino was not asked about them: what holds for Parquet is refused there as well."""
    before = {**CONFIGURATION, "format": "json"}
    columns = before["columns"]
    added = {**before, "columns": [{"name": "size", "type": "int", "comment": "c"}, *reversed(columns)]}

    assert compare({"configuration": before}, {"configuration": added}) == []
    (finding,) = compare({"configuration": added}, {"configuration": before})
    assert (finding.place, finding.breaks) == ("size", "reading")


def test_a_released_file_that_breaks_a_rule_is_a_mistake_of_the_users() -> None:
    released = copy.deepcopy(RELEASED)
    released["measurements"]["format"] = "orc"

    with pytest.raises(SchemaFileError, match=r"the released measurements\.json must be a schema file: .*format"):
        compare(released, RELEASED)
