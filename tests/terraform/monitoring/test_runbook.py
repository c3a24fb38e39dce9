"""The runbook has a page for every alarm, and what it tells people to type can be right."""

import re
from typing import Any

import pytest

from tests.terraform.monitoring.known import RUNBOOK, documented, emitted, in_the_runbook

# One worker for all, so that the lake is planned once.
pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300), pytest.mark.xdist_group("monitoring")]

INDEX = (RUNBOOK / "README.md").read_text(encoding="utf-8")
PAGES = {
    page.stem: page.read_text(encoding="utf-8") for page in sorted(RUNBOOK.glob("*.md")) if page.name != "README.md"
}


def _alarms(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["change"]["after"] for each in planned if each["type"] == "aws_cloudwatch_metric_alarm"]


def test_every_alarm_has_its_page_and_every_page_its_alarm(planned: list[dict[str, Any]]) -> None:
    found = set()
    for alarm in _alarms(planned):
        link = re.search(
            r" Runbook: https://git\.example\.com/lake/docs/runbook/(\S+)\.md$", alarm["alarm_description"]
        )
        assert link is not None, alarm["alarm_description"]
        assert alarm["alarm_name"].endswith(f"-{link[1]}")
        found.add(link[1])
    assert found == PAGES.keys()


def test_a_description_fits_and_is_one_sentence_before_the_link(planned: list[dict[str, Any]]) -> None:
    """CloudWatch takes 1,024 characters; a pager shows fewer."""
    for alarm in _alarms(planned):
        sentence = alarm["alarm_description"].split(" Runbook:")[0]
        assert len(alarm["alarm_description"]) <= 300
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0, sentence


def test_the_index_lists_every_page_once() -> None:
    assert sorted(re.findall(r"^\| \[([a-z-]+)\]\(\1\.md\) \|", INDEX, re.MULTILINE)) == [*PAGES]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_usual_headings_and_a_command_for_the_diagnosis(name: str) -> None:
    title, *sections = re.split(r"^## ", PAGES[name], flags=re.MULTILINE)
    texts = dict(section.split("\n", 1) for section in sections)
    assert title.strip() == f"# {name}"
    assert [*texts] == ["Meaning", "Impact", "Diagnose", "Mitigate"]
    assert all(text.strip() for text in texts.values())
    assert re.search(r"^```\n.+?^```\n", texts["Diagnose"], re.MULTILINE | re.DOTALL)
    assert "(README.md#set-up-the-shell)" in texts["Diagnose"]


def test_every_metric_that_a_command_reads_exists() -> None:
    """By namespace, name and exact set of dimensions."""
    assert in_the_runbook() - documented() - emitted() == set()
