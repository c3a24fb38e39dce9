"""How often a tag sends, by its intervals."""

from __future__ import annotations

import pytest

from factory_lake.coverage.evidence import Pauses
from factory_lake.coverage.habits import habit_of, spoken


def test_a_tag_of_even_intervals_is_periodic_and_may_miss_one_sample() -> None:
    habit = habit_of(Pauses(1000, 980, 1000, 1040, 1900, 86_400_000))
    assert (habit.period_ms, habit.longest_ms) == (1000, 2100)
    assert habit.basis == "periodic: a sample every 1 s, the median of 1000 samples"


def test_jitter_widens_what_is_normal() -> None:
    assert habit_of(Pauses(1000, 700, 1000, 1400, 1500)).longest_ms == 2400


@pytest.mark.parametrize("pauses", [Pauses(500, 100, 60_000, 400_000, 900_000), Pauses(500, 10, 1000, 1000, 1000)])
def test_a_tag_of_uneven_intervals_sends_on_change(pauses: Pauses) -> None:
    habit = habit_of(pauses)
    assert habit.period_ms is None
    assert habit.longest_ms == 3 * pauses.rare_ms
    assert habit.basis.startswith("on change: ")


def test_a_night_of_the_days_before_is_its_habit_too() -> None:
    habit = habit_of(Pauses(500, 100, 60_000, 400_000, 900_000, longest_before_ms=12 * 3_600_000))
    assert habit.longest_ms == 18 * 3_600_000


@pytest.mark.parametrize("pauses", [Pauses(0), Pauses(1), Pauses(9, 1000, 1000, 1000, 1000), Pauses(50)])
def test_few_samples_show_no_habit(pauses: Pauses) -> None:
    habit = habit_of(pauses)
    assert (habit.period_ms, habit.longest_ms) == (None, None)
    assert "too few" in habit.basis


def test_an_interval_that_is_given_counts_alone() -> None:
    habit = habit_of(Pauses(500, 100, 60_000, 400_000, 900_000), every_ms=5000)
    assert (habit.period_ms, habit.longest_ms, habit.basis) == (5000, 10_000, "given: a sample every 5 s")


@pytest.mark.parametrize(
    ("ms", "text"), [(40, "40 ms"), (1500, "1.5 s"), (119_000, "119 s"), (180_000, "3 min"), (7_200_000, "2 h")]
)
def test_times_in_words(ms: int, text: str) -> None:
    assert spoken(ms) == text
