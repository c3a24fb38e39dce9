"""A plan follows from its seed, and gives every type of fault its turn."""

from __future__ import annotations

import pytest

from harness.soak.faults import FAULT_TYPES
from harness.soak.plan import generate_plan

TEN_MINUTES = 600.0


@pytest.mark.parametrize("seed", range(20))
def test_every_type_of_fault_begins_and_ends_in_time(seed: int) -> None:
    plan = generate_plan(seed, TEN_MINUTES)
    assert {one.fault_type for one in plan} == set(FAULT_TYPES)
    for one in plan:
        fault_type = FAULT_TYPES[one.fault_type]
        assert fault_type.min_seconds <= one.seconds <= fault_type.max_seconds
        assert 0 < one.at <= one.at + one.seconds <= TEN_MINUTES


def test_several_faults_are_active_at_a_time() -> None:
    plan = generate_plan(1, TEN_MINUTES)
    overlaps = [sum(one.at <= at < one.at + one.seconds for one in plan) for at in range(int(TEN_MINUTES))]
    assert max(overlaps) > 2


def test_a_seed_is_one_plan() -> None:
    assert generate_plan(7, TEN_MINUTES) == generate_plan(7, TEN_MINUTES) != generate_plan(8, TEN_MINUTES)


def test_a_short_run_leaves_out_what_takes_longer() -> None:
    types = {one.fault_type for one in generate_plan(1, 30)}
    assert "missed_runs" not in types
    assert types == {name for name, fault_type in FAULT_TYPES.items() if fault_type.min_seconds <= 27}
