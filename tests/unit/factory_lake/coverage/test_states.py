"""The reckoning, held against one that judges each second by itself."""

from __future__ import annotations

from itertools import pairwise

import pytest

from factory_lake.coverage.evidence import FactoryEvidence, Failure, LaneEvidence, Offline, Waiting
from factory_lake.coverage.model import STATES, Timeline
from factory_lake.coverage.states import Range, timelines
from factory_lake.coverage.tables import histories
from tests.unit.factory_lake.coverage.oracle import Plant, random_plant

CLIENT = "krakow-line-1-measurements"


def evidence_of(plant: Plant) -> FactoryEvidence:
    """What a lake would know of it."""
    tag = ("press", "speed")
    failures = [
        Failure("refused", "measurements", 1000 * at, "line-1", named, "BLANK_STRING", f"s3://lake/{at}")
        for named, times in ((tag, plant.refused), (None, plant.unnamed))
        for at in sorted(times)
    ]
    offline = tuple(
        Offline(0, 1000 * begin, None if end is None else 1000 * end, reason, CLIENT)
        for begin, end, reason in sorted(plant.offline, key=lambda one: one[0])
    )
    waiting = tuple(
        Waiting(1000 * begin, 1000 * end, "buffer", "metric")
        for begin, end in ([] if plant.waiting is None else [plant.waiting])
    )
    return FactoryEvidence(
        "krakow",
        ("line-1",),
        tuple(histories(plant.rows(), 1000 * plant.start, 1000 * plant.end)),
        tuple(failures),
        {("line-1", "measurements"): LaneEvidence(offline, 0)},
        {"measurements": waiting},
    )


def range_of(plant: Plant, **more: int) -> Range:
    return Range(1000 * plant.start, 1000 * plant.end, 1000 * plant.end, 0, **more)


def by_second(timeline: Timeline, plant: Plant) -> list[str]:
    """A timeline's state in each second of the range."""
    found = ["none"] * (plant.end - plant.start)
    for span in timeline.spans:
        for at in range(-(-span.start_ms // 1000) - plant.start, -(-span.end_ms // 1000) - plant.start):
            found[at] = span.state
    return found


def tag_of(plant: Plant, **more: int) -> Timeline:
    (found,) = [one for one in timelines(evidence_of(plant), range_of(plant, **more)) if one.subject.kind == "tag"]
    return found


@pytest.mark.parametrize("block", range(5))
def test_every_second_has_the_state_that_brute_force_gives_it(block: int) -> None:
    for seed in range(40 * block, 40 * block + 40):
        plant = random_plant(seed)
        if len(plant.samples) < 30:
            continue
        timeline = tag_of(plant)
        states, expected = by_second(timeline, plant), plant.states()
        wrong = [at for at in range(len(states)) if states[at] != expected[at]]
        assert not wrong, (
            f"seed {seed}, period {plant.period}, second {wrong[0]} of {len(states)} ({len(wrong)} in all): "
            f"{states[wrong[0]]}, but {expected[wrong[0]]}"
        )


@pytest.mark.parametrize("seed", range(20))
def test_spans_follow_each_other_without_holes(seed: int) -> None:
    plant = random_plant(seed)
    for timeline in timelines(evidence_of(plant), range_of(plant)):
        assert timeline.spans[0].start_ms == 1000 * plant.start
        assert timeline.spans[-1].end_ms == 1000 * plant.end
        for before, after in pairwise(timeline.spans):
            assert before.end_ms == after.start_ms
        for span in timeline.spans:
            assert span.state in STATES
            assert span.state == "data" or span.cause
            assert span.state in ("data", "quiet") or span.evidence


@pytest.mark.parametrize("seed", range(20))
def test_a_timeline_counts_the_samples_of_its_range(seed: int) -> None:
    plant = random_plant(seed)
    counted = sum(span.count for span in tag_of(plant).spans if span.state in ("data", "late"))
    assert counted == sum(plant.start <= at < plant.end for at in plant.samples)
