"""The injector's log, and the kinds of outages that the page tells of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from factory_lake.coverage.model import Subject
from factory_lake.module_interface import REPOSITORY
from harness.outages.gateway import TAGS, sample
from harness.outages.kinds import KINDS
from harness.outages.log import Outage, OutageLog

ELSEWHERE = {"late", "clock_off", "delivery_held", "camera_off", "expired", "archiver_off"}


def outage(kind: str) -> Outage:
    return Outage(kind, (Subject("camera", "gdansk", "door"),), 1_000, 2_000, "camera_silent", ("",), 100)


def test_the_log_keeps_outages_in_a_file_as_well(tmp_path: Path) -> None:
    log = OutageLog(tmp_path / "new" / "outages.jsonl")
    log.add(outage("camera_off"))
    log.add(outage("expired"))

    assert [one.kind for one in log.outages()] == ["camera_off", "expired"]
    assert [one.kind for one in log.outages(["expired"])] == ["camera_off"]
    lines = (tmp_path / "new" / "outages.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["camera_off", "expired"]
    assert json.loads(lines[0])["subjects"] == [{"kind": "camera", "factory": "gdansk", "name": "door"}]


def test_the_page_tells_of_every_kind() -> None:
    page = (REPOSITORY / "docs" / "soak.md").read_text(encoding="utf-8")
    section = page.partition("## Outages with a known truth")[2].partition("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("| `")]

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])} == {*KINDS, *ELSEWHERE}
    for name, kind in KINDS.items():
        (row,) = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        assert f"`{kind.state}`" in row
        assert kind.reason in row or kind.state == "refused"


@pytest.mark.parametrize("tag", TAGS)
def test_a_sample_says_when_it_was_taken(tag: str) -> None:
    members = json.loads(sample(tag, 1_795_000_000_000, datatype=" "))

    assert (members["tagName"], members["timestamp"], members["datatype"]) == (tag, 1_795_000_000_000, " ")
