"""The inputs and cases that the table of changes is made of."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from harness.changes.cases import Case, read_cases
from harness.changes.inputs import inputs_of_the_lake, leaves
from harness.changes.plans import ChangesError, Outcome, _packed, read_events
from harness.changes.table import BEGIN, END, missing, write


def test_leaves_of_a_type_are_the_values_that_can_be_set() -> None:
    kind = (
        "map(object({ gateways = set(string), lanes = optional(map(object({ stream = optional(object({ "
        "shards = optional(number), hours = optional(number, 72) }), {}) })), {}), "
        "moves = optional(list(object({ days = number })), []) }))"
    )
    assert list(leaves(kind, "factories")) == [
        "factories[*].gateways",
        "factories[*].lanes[*].stream.shards",
        "factories[*].lanes[*].stream.hours",
        "factories[*].moves",
    ]


def test_an_input_without_a_case_is_missed() -> None:
    every = [Outcome(case) for case in read_cases()]
    assert missing(inputs_of_the_lake(), every) == []
    assert missing([*inputs_of_the_lake(), "factories[*].new"], every) == ["factories[*].new"]
    assert missing(["alarms.a", "alarms.b", "alarmsc"], [_about("alarms.*")]) == ["alarmsc"]
    without = [each for each in every if "lambda.runtime" not in each.case.inputs]
    assert missing(inputs_of_the_lake(), without) == ["lambda.runtime"]


def _about(path: str) -> Outcome:
    return Outcome(replace(read_cases()[0], inputs=(path,)))


def test_no_case_is_about_an_input_that_is_gone() -> None:
    known = [*inputs_of_the_lake(), "factories[*]", "factories[*].cameras[*]"]
    for path in (path for case in read_cases() for path in case.inputs):
        assert any(each.startswith(path.removesuffix("*")) for each in known), path


def test_cases_that_may_touch_the_same_resources_are_planned_apart() -> None:
    for together in _packed(read_cases()):
        for one, other in combinations(together, 2):
            assert (one.group and one.group == other.group) or not _clash(one, other)


def _clash(one: Case, other: Case) -> bool:
    return one.scope is None or other.scope is None or one.scope.overlaps(other.scope)


def _event(address: str, action: str) -> dict[str, object]:
    return {"type": "planned_change", "change": {"resource": {"addr": address}, "action": action}}


def _only(path: str) -> Outcome:
    return Outcome(next(case for case in read_cases() if case.inputs == (path,)))


def test_a_change_that_no_case_accounts_for_is_an_error() -> None:
    """Such as a setting of the catalog that touches a bucket, or a change of a lake that has none."""
    found = {"lake_0": [_only("athena.scan_limit_bytes")]}
    with pytest.raises(ChangesError, match="aws_s3_bucket"):
        read_events([_event("module.lake_0.module.storage.aws_s3_bucket.lake", "update")], found)
    with pytest.raises(ChangesError, match="unchanged"):
        read_events([_event("module.unchanged.module.glue_catalog.aws_glue_catalog_table.lake", "update")], found)


def test_a_warning_that_no_case_names_is_an_error_and_one_that_is_missing_too() -> None:
    warned = _only("factories[*].cameras[*].retention_hours")
    with pytest.raises(ChangesError, match="no plan says"):
        read_events([], {"lake_0": [warned]})
    diagnostic = {"severity": "warning", "summary": "Check", "detail": "something else", "snippet": None}
    with pytest.raises(ChangesError, match="something else"):
        read_events([{"type": "diagnostic", "diagnostic": diagnostic}], {"lake_0": [warned]})


def test_a_table_is_put_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")
    for table in ("| a |\n|---|", "| b |\n|---|\n| c |"):
        write(table, page)
        assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n{table}\n\n{END}\nafter\n"
