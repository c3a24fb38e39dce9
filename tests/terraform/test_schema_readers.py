"""One schema file has three readers: a change of it reaches the Glue table, the validation and the docs."""

import base64
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts import copies, schemadocs
from tests.terraform.terraform_tree import REPOSITORY, TerraformTree
from transform.batch import Transform
from transform.events import FirehoseRecord
from transform.settings import Settings

pytestmark = pytest.mark.terraform

COLUMN = {
    "name": "line_speed",
    "type": "double",
    "source": "lineSpeed",
    "required": True,
    "comment": "Speed of the line",
}

EXPECTATION = r"""
run "the_new_column" {
  command = plan
  assert {
    condition = alltrue([
      for table in [aws_glue_catalog_table.lake["measurements"], aws_glue_catalog_table.view["measurements"]] :
      contains([for c in table.storage_descriptor[0].columns : "${c.name} ${c.type}"], "line_speed double")
    ]) && length(regexall("\"line_speed\"", local.view_documents["measurements"].originalSql)) == 2
    error_message = "no column in the table or in its view"
  }
}
"""


@pytest.fixture
def changed(tmp_path: Path, tree: TerraformTree) -> TerraformTree:
    """The sources with a column more, which every message must have."""
    copy = replace(TerraformTree.copy_to(tmp_path), environment=tree.environment)
    file = copy.root / "glue_schemas" / "measurements.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    schema["columns"].append(COLUMN)
    file.write_text(json.dumps(schema), encoding="utf-8")
    copies.write(copy.root)
    return copy


def test_terraform_gets_the_column(changed: TerraformTree) -> None:
    module = changed.root / "modules" / "glue_catalog"
    defaults = (module / "tests" / "glue_catalog.tftest.hcl").read_text(encoding="utf-8")
    head = defaults[: defaults.index("\n# One plan for all")]
    for file in module.glob("tests/*.tftest.hcl"):
        file.unlink()
    (module / "tests" / "column.tftest.hcl").write_text(head + EXPECTATION, encoding="utf-8")
    changed.init("modules/glue_catalog")

    assert "1 passed, 0 failed" in changed.run("modules/glue_catalog", "test")


def test_the_transform_validates_by_it(changed: TerraformTree) -> None:
    changed_schemas = str(changed.root / "glue_schemas")
    message = {
        "datatype": "float64",
        "deviceID": "d",
        "deviceName": "press",
        "registerId": "r",
        "success": True,
        "tagName": "force",
        "timestamp": time.time_ns() // 1_000_000,
        "value": 1.5,
    }

    assert _result(message, str(REPOSITORY / "glue_schemas")) == "Ok"
    assert _result(message, changed_schemas) == "ProcessingFailed"
    assert _result({**message, "lineSpeed": "fast"}, changed_schemas) == "ProcessingFailed"
    assert _result({**message, "lineSpeed": 2.5}, changed_schemas) == "Ok"


def test_the_documentation_shows_it(changed: TerraformTree) -> None:
    page = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")

    assert schemadocs.render(page, REPOSITORY / "glue_schemas") == page
    shown = schemadocs.render(page, changed.root / "glue_schemas")
    assert "| `line_speed` | double | `lineSpeed` | yes | Speed of the line |" in shown


def _result(message: dict[str, Any], schemas: str) -> str:
    settings = Settings.from_env({"FACTORY": "krakow", "LANE": "measurements", "STREAM_NAME": "lake"})
    record: FirehoseRecord = {
        "recordId": "1",
        "approximateArrivalTimestamp": time.time_ns() // 1_000_000,
        "data": base64.b64encode(json.dumps(message).encode()).decode(),
    }
    answer = Transform(settings, schemas).answer({"records": [record]})
    return str(answer["records"][0]["result"])
