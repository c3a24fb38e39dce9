"""The examples of "Configuring how CloudWatch alarms treat missing data": the guide's two tables, row by row.

0 is a data point within the threshold, X one beyond it, - a missing one; the newest is the last.
"""

from __future__ import annotations

import pytest

from localcloud.cloudwatch.missing import State, TreatMissing, judge

POINTS = {"0": False, "X": True, "-": None}
RETAIN = None
OK, ALARM, INSUFFICIENT = State.OK, State.ALARM, State.INSUFFICIENT_DATA

# data points, missing, ignore, breaching, notBreaching
THREE_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", INSUFFICIENT, RETAIN, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, RETAIN, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, RETAIN, ALARM, OK),
]
# "Avoiding premature transitions to alarm state", with 3 of 3.
PREMATURE = [("- - - - X", INSUFFICIENT, RETAIN, ALARM, OK), ("- - - X -", INSUFFICIENT, RETAIN, ALARM, OK)]


@pytest.mark.parametrize("current", State)
@pytest.mark.parametrize(
    ("to_alarm", "row"),
    [(3, row) for row in THREE_OF_THREE + PREMATURE] + [(2, row) for row in TWO_OF_THREE],
    ids=lambda value: value[0] if isinstance(value, tuple) else f"{value}-of-3",
)
def test_the_guides_examples(
    to_alarm: int, row: tuple[str, State, State | None, State, State], current: State
) -> None:
    drawn, *states = row
    points = [POINTS[sign] for sign in drawn.split()]
    found = [judge(points, 3, to_alarm, treat, current) for treat in TreatMissing]
    assert found == [current if state is RETAIN else state for state in states]


@pytest.mark.parametrize("treat", TreatMissing)
def test_enough_breaching_points_are_an_alarm_whatever_is_missing(treat: TreatMissing) -> None:
    assert judge([None, None, True, True, None], 3, 2, treat, State.OK) is State.ALARM


@pytest.mark.parametrize("treat", TreatMissing)
def test_one_period_looks_at_its_newest_real_point_alone(treat: TreatMissing) -> None:
    assert judge([True, False, None], 1, 1, treat, State.ALARM) is State.OK
    assert judge([False, True, None], 1, 1, treat, State.OK) is State.ALARM
