"""What is said of alarms that are not OK, and when waiting for them is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from factory_lake.canary.alarms import is_settled, not_ok, spoken

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def test_those_that_fire_are_named_first() -> None:
    states = {"a": ("INSUFFICIENT_DATA", NOW), "b": ("OK", NOW), "c": ("ALARM", NOW)}
    wrong = not_ok(["a", "b", "c", "d"], states)
    assert wrong == ["c (ALARM)", "a (INSUFFICIENT_DATA)", "d (is not there)"]
    assert spoken([*wrong, "e (ALARM)", "f (ALARM)"]) == f"not OK: {', '.join(wrong)} and 2 more"
    assert spoken(["c (ALARM)"]) == "not OK: c (ALARM)"


def test_an_alarm_of_a_new_lane_may_yet_end_and_one_that_lasts_does_not() -> None:
    since = NOW - timedelta(seconds=899)
    assert not is_settled(["a"], {"a": ("ALARM", since)}, NOW, 900)
    assert is_settled(["a"], {"a": ("ALARM", since - timedelta(seconds=1))}, NOW, 900)


def test_missing_data_may_yet_come_and_a_missing_alarm_does_not() -> None:
    assert not is_settled(["a"], {"a": ("INSUFFICIENT_DATA", NOW - timedelta(days=1))}, NOW, 900)
    assert is_settled(["a"], {}, NOW, 900)
