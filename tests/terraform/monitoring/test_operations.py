"""The operations page has an entry for every alarm, and what it tells people to type can be right."""

import re
from typing import Any

import pytest

from tests.terraform.monitoring.known import documented, emitted, in_the_runbook
from tests.terraform.terraform_tree import REPOSITORY

# One worker for all, so that the lake is planned once.
pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300), pytest.mark.xdist_group("monitoring")]

PAGE = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def _alarms(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each["change"]["after"] for each in planned if each["type"] == "aws_cloudwatch_metric_alarm"]


def test_every_alarm_names_its_entry_and_every_entry_has_its_alarm(planned: list[dict[str, Any]]) -> None:
    named = {}
    for alarm in _alarms(planned):
        found = re.search(
            r" Runbook: https://git\.example\.com/lake/docs/runbook/(\S+)\.md$", alarm["alarm_description"]
        )
        assert found is not None, alarm["alarm_description"]
        assert alarm["alarm_name"].endswith(f"-{found[1]}")
        named[found[1]] = alarm["alarm_name"]
    assert named.keys() == ENTRIES.keys()


def test_a_description_fits_and_is_one_sentence_before_the_link(planned: list[dict[str, Any]]) -> None:
    """CloudWatch takes 1,024 characters; a pager shows fewer."""
    for alarm in _alarms(planned):
        sentence = alarm["alarm_description"].split(" Runbook:")[0]
        assert len(alarm["alarm_description"]) <= 300
        assert sentence.endswith(".")
        assert sentence.count(". ") == 0, sentence


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_says_what_it_means_how_to_look_what_to_do_and_how_urgent_it_is(entry: str) -> None:
    body = ENTRIES[entry]
    assert re.match(r"\n\*\*Means\*\* ", body)
    assert re.search(r"^\*\*Look\*\*.*?^```\n.+?^```\n", body, re.MULTILINE | re.DOTALL)
    assert re.search(r"^\*\*Do\*\* |^\*\*Look\*\* and \*\*do\*\* ", body, re.MULTILINE)
    assert re.search(r"^\*\*How urgent\*\* ", body, re.MULTILINE)


def test_links_within_the_page_lead_somewhere() -> None:
    """GitHub's anchors of these headings are the headings in lower case with hyphens."""
    headings = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings


def test_every_metric_that_a_command_reads_exists() -> None:
    """By namespace, name and exact set of dimensions."""
    assert in_the_runbook() - documented() - emitted() == set()
