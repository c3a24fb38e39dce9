"""The documentation's tables of columns follow the schema files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import schemadocs
from scripts.schemadocs import DOCUMENT, SCHEMAS, main
from transform import errors


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the schema files, and one of the document."""
    for file in SCHEMAS.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    document = tmp_path / "data.md"
    document.write_bytes(DOCUMENT.read_bytes())
    return tmp_path, document


def test_the_document_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_a_changed_schema_file_shows_and_is_written(
    lake: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    schemas, document = lake
    file = schemas / "measurements.json"
    changed = json.loads(file.read_text())
    changed["columns"].append(
        {"name": "unit", "type": "string", "source": "unitName", "required": True, "comment": "Unit | of the value"}
    )
    file.write_text(json.dumps(changed))
    arguments = ["--schemas", str(schemas), "--document", str(document)]
    assert main([*arguments, "--check"]) == 1
    assert str(document) in capsys.readouterr().err
    assert document.read_bytes() == DOCUMENT.read_bytes()
    assert main(arguments) == 0
    assert "| `unit` | string | `unitName` | yes | Unit \\| of the value |\n" in document.read_text()
    assert main([*arguments, "--check"]) == 0


def test_all_but_the_tables_stays(lake: tuple[Path, Path]) -> None:
    schemas, document = lake
    text = (
        "before\n<!-- columns of configuration -->\nOUTDATED\n<!-- end -->\nbetween\n"
        "<!-- columns of measurements -->\n<!-- end -->\nafter"
    )
    document.write_text(text)
    main(["--schemas", str(schemas), "--document", str(document)])
    written = document.read_text()
    assert written.startswith("before\n<!-- columns of configuration -->\n| column | type | what it holds |\n| --- |")
    assert "OUTDATED" not in written
    assert "<!-- end -->\nbetween\n<!-- columns of measurements -->\n| column | type | JSON key |" in written
    assert written.endswith("<!-- end -->\nafter")


def test_a_schema_file_without_a_place_is_an_error(lake: tuple[Path, Path]) -> None:
    schemas, document = lake
    document.write_text("<!-- columns of measurements -->\n<!-- end -->\n")
    with pytest.raises(ValueError, match=r"^configuration\.json: the document has no "):
        schemadocs.render(document.read_text(), schemas)


def test_every_rule_of_the_transform_has_a_row() -> None:
    codes = [name for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)]
    assert codes == [getattr(errors, code) for code in codes]
    rows = [line.split(" | ") for line in schemadocs.rules().splitlines()[2:]]
    assert [row[0] for row in rows] == [f"| `{code}`" for code in codes]
    assert {row[2] for row in rows} == {"both |", "measurements |"}
    assert schemadocs.rules() in DOCUMENT.read_text()
