"""The figures of docs/scale.md: how they follow from what is measured, and what keeps a plan in proportion."""

from __future__ import annotations

import re

import pytest

from factory_lake.module_interface import REPOSITORY
from harness.scale.plans import Size, Usage
from harness.scale.tables import DOCUMENT, FACTORIES, Measured, plant_of, rendered, with_measured

PLAN = Usage(processor_seconds=9, seconds=12, memory_bytes=500_000_000)
EMPTY = Usage(processor_seconds=3, seconds=4, memory_bytes=100_000_000)
#: A Terraform block of one of these modules, with what is between its braces.
_BLOCK = r"^(?:resource|data) \"\w+\" \"\w+\" \{\n.*?^}"
#: What refers to a resource; `replace_triggered_by` takes nothing else.
_REFERENCE = r"(?<![.\w\"])(?:data\.)?(?:aws|terraform)_\w+\.\w+"


def test_a_lake_grows_by_the_same_with_each_factory() -> None:
    one, two = Size(153, 400_000), Size(269, 700_000)
    assert Measured.of(1, one, two, PLAN, EMPTY).cells[:3] == ["1", "153", "0.4"]
    assert Measured.of(10, one, two, PLAN, EMPTY).cells[:3] == ["10", "1,197", "3.1"]


def test_a_row_has_the_time_that_passed_and_the_processor_s_for_each_factory() -> None:
    row = Measured(10, 1197, 3.1, PLAN, EMPTY)
    assert row.cells[3:] == ["12", "9", "0.9", "0.5", "0.3"]
    assert "12 s, 9 s of a processor (0.9 s a factory; 0.3 s of empty resources), 0.5 GB" in row.line


def test_measured_figures_replace_those_of_before_and_nothing_else() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    written = with_measured(page, [Measured(1, 153, 0.4, PLAN, EMPTY)])
    assert "| 1 | 153 | 0.4 | 12 | 9 | 9 | 0.5 | 3 |" in written
    place = re.compile(r"<!-- scale: measured -->.*?<!-- end -->", re.DOTALL)
    assert place.sub("", written) == place.sub("", page)


def test_the_page_has_a_row_for_each_number_of_factories_and_names_what_runs_out() -> None:
    page = rendered(DOCUMENT.read_text(encoding="utf-8"))
    for factories in FACTORIES:
        assert re.search(rf"^\| {factories} \| [\d,]+ \| [\d,.]+ \|$", page, re.MULTILINE)
    assert "| Firehose: delivery streams | 100 | 3 | 30 | **150** | **600** |" in page


@pytest.mark.parametrize("factories", FACTORIES)
def test_a_plant_has_factories_with_names_of_their_own(factories: int) -> None:
    assert len({factory.name for factory in plant_of(factories).factories}) == factories


def test_alarms_wait_for_no_resource() -> None:
    """Each would have the resources of all factories as ancestors, and the half of them are alarms (docs/scale.md)."""
    alarms = {
        file.parent.name: block
        for file in (REPOSITORY / "modules").glob("*/alarms.tf")
        for block in re.findall(
            r'^resource "aws_cloudwatch_metric_alarm" .*?^}',
            file.read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
    }
    assert {"factory_pipeline", "video_archiver"} <= alarms.keys()
    assert [
        module for module, block in alarms.items() if "depends_on" in block or re.search(r"\baws_\w+\.", block)
    ] == []


@pytest.mark.parametrize("module", ["factory_pipeline", "video_archiver"])
def test_resources_of_a_factory_refer_to_one_another_by_locals(module: str) -> None:
    """A mention of a resource costs a plan as much as there are factories, each time; a local once (docs/scale.md)."""
    mentions = [
        line.strip()
        for file in (REPOSITORY / "modules" / module).glob("*.tf")
        for block in re.findall(_BLOCK, file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()[1:]
        if re.search(_REFERENCE, line.split("#")[0]) and "replace_triggered_by" not in line
    ]
    assert mentions == []
