"""A plan follows from its seed, and gives every kind of fault its turn."""

from __future__ import annotations

import pytest

from harness.soak.faults import KINDS
from harness.soak.plan import draw

TEN_MINUTES = 600.0


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_strikes_and_ends_in_time(seed: int) -> None:
    plan = draw(seed, TEN_MINUTES)
    assert {one.kind for one in plan} == set(KINDS)
    for one in plan:
        least, most = KINDS[one.kind].lasts
        assert least <= one.seconds <= most
        assert 0 < one.at <= one.at + one.seconds <= TEN_MINUTES


def test_several_are_under_way_at_a_time() -> None:
    plan = draw(1, TEN_MINUTES)
    overlaps = [sum(one.at <= at < one.at + one.seconds for one in plan) for at in range(int(TEN_MINUTES))]
    assert max(overlaps) > 2


def test_a_seed_is_one_plan() -> None:
    assert draw(7, TEN_MINUTES) == draw(7, TEN_MINUTES) != draw(8, TEN_MINUTES)


def test_a_short_run_leaves_out_what_takes_longer() -> None:
    kinds = {one.kind for one in draw(1, 30)}
    assert "missed_runs" not in kinds
    assert kinds == {name for name, kind in KINDS.items() if kind.lasts[0] <= 27}
