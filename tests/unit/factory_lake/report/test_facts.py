"""Facts that follow from others: refusals by rule, sessions, alarms, and what it cost."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import typer
from typer.main import get_command

from factory_lake.cli import app
from factory_lake.connections import Event, connections
from factory_lake.coverage.evidence import Failure
from factory_lake.report.cost import LaneUse, Use, VideoUse, so_far
from factory_lake.report.facts import (
    UNKNOWN,
    Change,
    Fired,
    Sessions,
    month_of,
    periods_in_alarm,
    refusals_of,
    sessions_of,
)
from factory_lake.sizing import cost as bills
from factory_lake.sizing.cost import Prices
from tests.unit.factory_lake.report.samples import DAY_MS, FROM_MS, HOUR_MS, TO_MS

#: The days of a range; a coverage reads those around it as well.
DAYS = date(2026, 3, 2), date(2026, 3, 9)
PLACE = "s3://lake-measurements/errors/factory=krakow/measurements/{kind}/2026/03/{day:02d}/delivery-{day}#{line}"


def failure(rule: str, day: int, line: int = 0, kind: str = "processing-failed") -> Failure:
    place = PLACE.format(kind=kind, day=day, line=line)
    return Failure("refused", "measurements", FROM_MS, "line-1", None, rule, place)


def test_refusals_are_counted_by_rule_with_an_example_and_a_command_for_all_of_them() -> None:
    most, other = refusals_of(
        "krakow",
        [
            failure("MISSING_FIELD", 4),
            failure("NOT_JSON", 3),
            failure("MISSING_FIELD", 2, 7),
            failure("MISSING_FIELD", 9),
            failure("MISSING_FIELD", 1),
            failure("MISSING_FIELD", 10),
        ],
        *DAYS,
    )
    assert (most.rule, most.count, other.rule, other.count) == ("MISSING_FIELD", 3, "NOT_JSON", 1)
    assert most.key == PLACE.format(kind="processing-failed", day=4, line=0).partition("#")[0]
    assert "--from-day 2026-03-02 --to-day 2026-03-09" in most.command


def test_error_types_are_redriven_apart() -> None:
    found = refusals_of("krakow", [failure("Kinesis", 2, kind="iot-rule"), failure("Kinesis", 2)], *DAYS)
    assert [one.command.split(" --type ")[1].split()[0] for one in found] == ["iot-rule", "processing-failed"]


def test_the_command_is_one_that_the_command_line_takes() -> None:
    (one,) = refusals_of("krakow", [failure("NOT_JSON", 3)], *DAYS)
    command = get_command(app)
    context = typer.Context(command, info_name="factory-lake")
    words = shlex.split(one.command)
    group = command.get_command(context, words[1])  # type: ignore[attr-defined]
    errors = group.get_command(context, words[2])
    assert errors.make_context("errors", words[3:]).params["apply"] is True


def event(at: float, what: str, session: str, reason: str = "", version: int = 0) -> Event:
    at_ms = FROM_MS + round(at * HOUR_MS)
    return Event(at_ms, what, "krakow-line-1-measurements", "line-1", "measurements", session, version, reason)


def told(*events: Event) -> tuple[Sessions, ...]:
    return sessions_of(connections(events, FROM_MS - DAY_MS), FROM_MS, TO_MS)


def test_sessions_are_told_from_events_that_repeat_and_overtake() -> None:
    events = [
        event(-5, "connected", "a"),
        event(3, "disconnected", "a", "CONNECTION_LOST"),
        event(3, "disconnected", "a", "CONNECTION_LOST"),
        event(30, "disconnected", "b", "CONNECTION_LOST", 3),
        event(10, "connected", "b", version=3),
        event(40, "connected", "c", version=4),
        event(50, "connected", "d", version=6),
    ]
    # `c` ended without an event when `d` began, which goes on.
    connected = 3 + 20 + 10 + (168 - 50)
    reasons = (("CONNECTION_LOST", 2), (UNKNOWN, 1))
    assert told(*events) == (Sessions("line-1", "measurements", 4, connected * HOUR_MS, reasons),)


def test_a_session_before_or_behind_the_range_does_not_count() -> None:
    before = [event(-9, "connected", "a"), event(-8, "disconnected", "a", "SERVER_ERROR")]
    assert told(*before, event(169, "connected", "b", version=2)) == ()


def test_a_session_that_ends_behind_the_range_has_not_ended_in_it() -> None:
    (one,) = told(event(1, "connected", "a"), event(170, "disconnected", "a", "SERVER_ERROR"))
    assert (one.sessions, one.connected_ms, one.reasons) == (1, 167 * HOUR_MS, ())


def test_alarms_that_fired_are_periods() -> None:
    changes = [
        Change(FROM_MS + 3, "a", "OK", "ALARM", "first"),
        Change(FROM_MS + 5, "a", "ALARM", "INSUFFICIENT_DATA", "first"),
        Change(FROM_MS + 4, "b", "ALARM", "OK", "before the range"),
        Change(FROM_MS + 9, "b", "OK", "ALARM", "again"),
        Change(FROM_MS + 6, "c", "INSUFFICIENT_DATA", "OK", ""),
    ]
    assert periods_in_alarm(reversed(changes), FROM_MS) == (
        Fired("b", FROM_MS + 9, None, "again"),
        Fired("a", FROM_MS + 3, FROM_MS + 5, "first"),
        Fired("b", FROM_MS, FROM_MS + 4, "before the range"),
    )


def test_a_month_begins_at_midnight_of_its_first_day() -> None:
    assert month_of(FROM_MS) == round(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)


PRICES = Prices(
    "made up",
    "EUR",
    {**dict.fromkeys(bills.ALL_PRICES, 0.0), "iot_million_rules": 1.0, "kinesis_shard_hours": 1.0, "video_gb_in": 1.0},
    {"iot": 5120, "firehose": 5120, "kinesis": 25600, "kinesis_on_demand": 1024},
)


def use(messages: int, samples: int, size: int, **more: object) -> Use:
    lanes = {"measurements": LaneUse(samples, messages, size, shards=2), "configuration": LaneUse(0, 0, 0)}
    return Use("krakow", 2, FROM_MS, TO_MS, lanes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("each", [1, 7, 40])
def test_cost_so_far_is_the_measured_pace_since_the_month_began(each: int) -> None:
    """Prices of one each: what is paid for is then the sum, which the test reckons for itself."""
    messages = 604_800
    cost = so_far(use(messages, messages * each, messages * (each * 101 + 13)), PRICES)
    hours = (TO_MS - month_of(TO_MS)) / HOUR_MS
    steps = -(-(each * 101 + 13 + bills.TOPIC_BYTES) // 5120)
    rules = messages * steps / 1e6 * hours / 168
    shards = 3 * hours
    assert dict(cost.groups)["messages"] == pytest.approx(rules + shards, rel=1e-3)
    assert cost.amount == pytest.approx(rules + shards, rel=1e-3)
    assert cost.month == pytest.approx(cost.amount * 730 / hours)
    assert (cost.from_ms, cost.to_ms) == (month_of(TO_MS), TO_MS)


def test_cost_counts_what_cameras_filmed() -> None:
    video = VideoUse(cameras=2, filmed_ms=7 * DAY_MS, size=7_000_000_000)
    cost = so_far(use(0, 0, 0, video=video), PRICES)
    assert dict(cost.groups)["video"] == pytest.approx((TO_MS - month_of(TO_MS)) / DAY_MS, rel=1e-3)


def test_an_idle_factory_pays_for_what_exists() -> None:
    cost = so_far(use(0, 0, 0), PRICES)
    assert cost.amount == pytest.approx(3 * (TO_MS - month_of(TO_MS)) / HOUR_MS, rel=1e-3)


def test_the_canarys_sessions_are_no_gateways() -> None:
    of_the_canary = replace(event(1, "connected", "a"), gateway="canary")
    assert told(of_the_canary) == ()
