"""How an alarm's state follows from its latest data points, some of which may be missing.

CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data", whose
two tables of examples are this module's tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

EXTRA_POINTS = 2
"""Data points that are looked at beyond the evaluation periods. The guide says only that their number depends
on the period; its examples have 5 for 3 evaluation periods."""


class State(StrEnum):
    """State of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class TreatMissing(StrEnum):
    """What a missing data point counts as."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


def judge(points: Sequence[bool | None], periods: int, to_alarm: int, treat: TreatMissing, current: State) -> State:
    """The state that data points give, of which N (`periods`) are judged and M (`to_alarm`) must breach.

    A point says whether it breaches the threshold, None where there is none; the newest is the last.
    """
    real = [point for point in points if point is not None]
    filled = periods - len(real)
    if filled <= 0:
        return _counted(sum(real[-periods:]), to_alarm)
    if treat is TreatMissing.BREACHING:
        return _counted(sum(real) + filled, to_alarm)
    if treat is TreatMissing.NOT_BREACHING or sum(real) >= to_alarm:
        return _counted(sum(real), to_alarm)
    if not all(real):
        return State.OK
    if treat is TreatMissing.IGNORE:
        return current
    # Only breaching points, fewer than M. "Avoiding premature transitions to alarm state": it is ALARM once
    # the oldest of them is M periods old, since then nothing newer has contradicted it.
    age = next((len(points) - at for at, point in enumerate(points) if point is not None), 0)
    return State.ALARM if age >= to_alarm else State.INSUFFICIENT_DATA


def _counted(breaching: int, to_alarm: int) -> State:
    return State.ALARM if breaching >= to_alarm else State.OK
