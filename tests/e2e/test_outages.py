"""Some outages of two gateways, and a coverage that names each of them: what a soak judges, in short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.lake import LocalLake
from harness.lake.targets import Targets
from harness.outages.gateway import Pace
from harness.outages.judge import Verdict
from harness.outages.run import Extent, Outages

FACTORY = "vigo"
#: One of each way to a cause: presence events with a new connection or a takeover, a refusal, an error action.
KINDS = ("line_cut", "second_client", "bad_value", "stream_refuses", "clock_ahead", "policy_detached")
GATEWAYS = 2
# What a busy machine holds up must stay within a period.
PACE = Pace(period_ms=1000, steady=8, missing=4)


@pytest.fixture(scope="module")
def judged(lake: LocalLake, tmp_path_factory: pytest.TempPathFactory) -> tuple[Verdict, Path]:
    """The verdict about outages of each kind, and where their log lies."""
    folder = tmp_path_factory.mktemp("outages")
    extent = Extent(GATEWAYS, KINDS, rounds=len(KINDS) // GATEWAYS, has_others=False)
    with Outages(Targets(lake, [FACTORY], folder), extent, PACE) as outages:
        outages.start()
        outages.await_rounds()
        return outages.finish(), folder


def test_every_outage_has_its_cause_and_nothing_else_is_missing(judged: tuple[Verdict, Path]) -> None:
    verdict, _ = judged
    assert verdict.wrong == []
    assert dict(verdict.kinds) == {**dict.fromkeys(KINDS, 1), "delivery_held": GATEWAYS}
    assert (verdict.causes_right, verdict.unexplained_ms, verdict.false_gaps) == (verdict.outages, 0, 0)


def test_the_log_of_the_outages_and_the_coverage_are_kept(judged: tuple[Verdict, Path]) -> None:
    """A failure can be looked into, and judged again."""
    _, folder = judged
    logged = [json.loads(line) for line in (folder / "outages.jsonl").read_text().splitlines()]
    assert {one["kind"] for one in logged} == {*KINDS, "delivery_held"}
    for kept in ("coverage-1.json", "coverage-2.json"):
        assert json.loads((folder / kept).read_text())["timelines"]
