"""The judgement of a coverage: every way to be wrong is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from factory_lake.coverage.model import Coverage, Span, State, Subject, Timeline
from harness.outages.judge import judge
from harness.outages.log import Outage

LANE = Subject("gateway", "gdansk", "mill-1/measurements")
TAG = Subject("tag", "gdansk", "mill-1/spindle/speed")
OTHER = Subject("tag", "gdansk", "mill-1/spindle/heat")
CUT = Outage("line_cut", (LANE, TAG), 10_000, 20_000, "gateway_offline", ("CONNECTION_LOST",), 2_000)


def spans(*parts: tuple[int, int, State, str]) -> tuple[Span, ...]:
    return tuple(Span(start, end, state, reason=reason) for start, end, state, reason in parts)


RIGHT = spans(
    (0, 9_000, "data", ""), (9_000, 21_500, "gateway_offline", "CONNECTION_LOST"), (21_500, 40_000, "data", "")
)
WHOLE = spans((0, 40_000, "data", ""))


def coverage(lane: tuple[Span, ...] = RIGHT, tag: tuple[Span, ...] = RIGHT) -> Coverage:
    timelines = (Timeline(LANE, lane), Timeline(TAG, tag), Timeline(OTHER, WHOLE))
    return Coverage("lake", 0, 40_000, 40_000, timelines)


def test_an_outage_is_right_when_every_subject_says_so() -> None:
    verdict = judge([CUT], coverage())

    assert verdict.is_right
    assert verdict.wrong == []
    assert verdict.to_json() == {
        "outages": 1,
        "causes_right": 1,
        "unexplained_seconds": 0.0,
        "false_gaps": 0,
        "kinds": {"line_cut": 1},
    }


@pytest.mark.parametrize(
    "tag",
    [
        pytest.param(WHOLE, id="not told"),
        pytest.param(spans((9_000, 21_000, "gateway_offline", "CLIENT_ERROR")), id="another reason"),
        pytest.param(spans((9_000, 21_000, "refused", "CONNECTION_LOST")), id="another state"),
        pytest.param(
            spans((9_000, 15_000, "gateway_offline", "CONNECTION_LOST"), (15_000, 21_000, "data", "")),
            id="ends too early",
        ),
        pytest.param((), id="no spans"),
    ],
)
def test_an_outage_is_wrong_when_one_subject_says_something_else(tag: tuple[Span, ...]) -> None:
    verdict = judge([CUT], coverage(tag=tag))

    assert (verdict.outages, verdict.causes_right) == (1, 0)
    assert not verdict.is_right
    assert all(line.startswith("tag gdansk/mill-1/spindle/speed") for line in verdict.wrong)


def test_an_outage_of_a_subject_without_a_timeline_is_wrong() -> None:
    missing = replace(CUT, subjects=(Subject("camera", "gdansk", "door"),))

    assert judge([missing], coverage(WHOLE, WHOLE)).causes_right == 0


def test_what_is_unexplained_counts_within_an_outage_and_without() -> None:
    lane = spans((0, 12_000, "data", ""), (12_000, 13_500, "unexplained", ""), (13_500, 40_000, "data", ""))

    verdict = judge([], coverage(lane, WHOLE))

    assert (verdict.unexplained_ms, verdict.false_gaps) == (1_500, 1)
    assert judge([CUT], coverage(lane)).unexplained_ms == 1_500


@pytest.mark.parametrize("state", ["gateway_offline", "refused", "error_action", "expired", "waiting"])
def test_a_gap_where_nothing_is_missing_is_false(state: State) -> None:
    late = (
        *RIGHT[:2],
        *spans((21_500, 30_000, "data", ""), (30_000, 31_000, state, "X"), (31_000, 40_000, "data", "")),
    )

    verdict = judge([CUT], coverage(tag=late))

    assert (verdict.causes_right, verdict.false_gaps) == (1, 1)
    assert not verdict.is_right


def test_a_gap_that_goes_on_behind_its_outage_is_false() -> None:
    longer = spans((9_000, 23_000, "gateway_offline", "CONNECTION_LOST"))

    assert judge([CUT], coverage(tag=longer)).false_gaps == 1


def test_a_gap_between_two_outages_that_touch_is_none() -> None:
    second = replace(CUT, kind="stopped", begin_ms=22_000, end_ms=30_000, reasons=("CLIENT_INITIATED_DISCONNECT",))
    both = spans(
        (9_000, 22_000, "gateway_offline", "CONNECTION_LOST"),
        (22_000, 31_000, "gateway_offline", "CLIENT_INITIATED_DISCONNECT"),
    )

    verdict = judge([CUT, second], coverage(both, both))

    assert (verdict.causes_right, verdict.false_gaps) == (2, 0)


def test_states_that_say_that_nothing_is_missing_are_no_gaps() -> None:
    harmless = spans((0, 10_000, "late", ""), (10_000, 20_000, "quiet", "ON_CHANGE"), (20_000, 40_000, "data", ""))

    assert judge([], coverage(WHOLE, harmless)).is_right


def test_an_outage_too_short_to_be_judged_is_refused() -> None:
    with pytest.raises(ValueError, match="line_cut: an outage must be longer than twice its slack of 5000 ms"):
        judge([replace(CUT, slack_ms=5_000)], coverage())


def test_verdicts_add_up() -> None:
    total = judge([CUT], coverage())
    total.add(judge([CUT], coverage(tag=WHOLE)))

    assert (total.outages, total.causes_right, total.kinds) == (2, 1, {"line_cut": 2})
    assert len(total.wrong) == 1
