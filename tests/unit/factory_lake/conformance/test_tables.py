"""The probes' tables have the forms of the modules'."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import hcl2

from factory_lake.conformance.probes import athena_view
from factory_lake.conformance.tables import FORMATS
from factory_lake.module_interface import REPOSITORY

CATALOG = REPOSITORY / "modules" / "glue_catalog"


def test_the_formats_are_those_of_the_catalog() -> None:
    (values,) = [
        each["formats"]
        for each in hcl2.loads((CATALOG / "tables.tf").read_text(encoding="utf-8"))["locals"]
        if "formats" in each
    ]
    found = {
        name: (*(_text(each[part]) for part in ("input_format", "output_format", "serde")), _texts(each["parameters"]))
        for name, each in values.items()
    }
    assert {name: (*form[:3], dict(form[3])) for name, form in FORMATS.items()} == found


def _text(quoted: str) -> str:
    """A string of Terraform's, whose escapes are those of JSON."""
    return str(json.loads(quoted))


def _texts(values: Mapping[str, str]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in values.items()}


def test_the_date_is_that_of_the_views() -> None:
    source = (CATALOG / "views.tf").read_text(encoding="utf-8")
    (expression,) = re.findall(r'date_expression = join\("", \[\n\s+"(.*)",', source)
    assert expression in athena_view._SQL
