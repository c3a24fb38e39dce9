"""The documentation's tables of columns follow the schema files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import schemadocs
from scripts.schemadocs import DOCUMENT, SCHEMAS
from transform import errors


def test_a_changed_schema_file_shows_and_all_but_the_tables_stays(tmp_path: Path) -> None:
    for file in SCHEMAS.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    file = tmp_path / "measurements.json"
    changed = json.loads(file.read_text())
    changed["columns"].append(
        {"name": "unit", "type": "string", "source": "unitName", "required": True, "comment": "Unit | of the value"}
    )
    file.write_text(json.dumps(changed))
    text = (
        "<!-- columns of clips -->\n<!-- end -->\n<!-- columns of connections -->\n<!-- end -->\n"
        "before\n<!-- columns of configuration -->\nOUTDATED\n<!-- end -->\nbetween\n"
        "<!-- columns of measurements -->\n<!-- end -->\nafter"
    )
    written = schemadocs.render(text, tmp_path)
    assert "\nbefore\n<!-- columns of configuration -->\n| column | type | what it holds |\n| --- |" in written
    assert "OUTDATED" not in written
    assert "<!-- end -->\nbetween\n<!-- columns of measurements -->\n| column | type | JSON key |" in written
    assert "| `unit` | string | `unitName` | yes | Unit \\| of the value |\n" in written
    assert written.endswith("<!-- end -->\nafter")


def test_a_schema_file_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^clips\.json: the document has no "):
        schemadocs.render("<!-- columns of measurements -->\n<!-- end -->\n", SCHEMAS)


def test_every_rule_of_the_transform_has_a_row() -> None:
    codes = [name for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)]
    assert codes == [getattr(errors, code) for code in codes]
    rows = [line.split(" | ") for line in schemadocs.rules().splitlines()[2:]]
    assert [row[0] for row in rows] == [f"| `{code}`" for code in codes]
    assert {row[2] for row in rows} == {"both |", "measurements |"}
    assert schemadocs.rules() in DOCUMENT.read_text()
