"""The pages' parts about probes follow from the probes."""

from __future__ import annotations

from factory_lake.conformance.catalog import all_probes
from factory_lake.conformance.report import cell
from scripts import conformancedocs

PAGE = "before\n<!-- {} -->\nOUTDATED\n<!-- end -->\nbehind\n"


def test_each_probe_has_a_row_below_its_family() -> None:
    page = conformancedocs.rendered(PAGE.format("beliefs"))
    assert page.startswith("before\n<!-- beliefs -->\n\n### ")
    assert page.endswith("\n<!-- end -->\nbehind\n")
    assert "OUTDATED" not in page
    for probe in all_probes():
        assert f"| {cell(probe.belief)} | `{probe.name}` | " in page
    assert page.count("\n### ") == len({probe.family for probe in all_probes()})


def test_the_figures_add_up() -> None:
    page = conformancedocs.rendered(PAGE.format("probes"))
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| `")]
    assert sum(int(row[2]) for row in rows) == len(all_probes())
    assert f"| | all | {len(all_probes())} | " in page


def test_nothing_of_a_belief_is_a_mark_of_markdown() -> None:
    assert cell("SELECT * passes $aws/rules/<rule>/ | all") == r"SELECT \* passes $aws/rules/\<rule>/ \| all"
