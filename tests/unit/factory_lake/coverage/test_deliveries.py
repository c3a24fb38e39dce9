"""What may be on its way, by the metrics of a stream."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from factory_lake.coverage.deliveries import waiting
from factory_lake.drained import Seen, Series

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def minutes(arrived: Series, behind: Series | None = None, age: Series | None = None) -> tuple[float, str]:
    """How many minutes back something may wait, and the evidence of it."""
    (found,) = waiting(Seen(arrived, behind or {}, age or {}, timedelta(minutes=4)), "lake", NOW_MS)
    assert found.end_ms == NOW_MS
    return (NOW_MS - found.start_ms) / 60_000, found.evidence


BUSY = {ago(number): 5.0 for number in range(600)}


def test_a_busy_stream_waits_for_one_and_a_half_buffers_and_the_lateness_of_metrics() -> None:
    assert minutes(BUSY)[0] == 11
    assert "buffer interval" in minutes(BUSY)[1]


def test_without_arrivals_nothing_waits_but_what_cloudwatch_may_not_have_counted() -> None:
    assert minutes({ago(40): 5.0})[0] == 5
    assert minutes({ago(40): 5.0, ago(8): 1.0})[0] == 8


def test_a_delivery_that_is_behind_reaches_further_back() -> None:
    assert minutes(BUSY, behind={ago(2): 3_600_000.0}) == (
        62,
        "CloudWatch AWS/Firehose KinesisMillisBehindLatest of lake",
    )
    assert minutes(BUSY, age={ago(3): 1800.0}) == (33, "CloudWatch AWS/Firehose DeliveryToS3.DataFreshness of lake")


def test_what_a_metric_said_long_ago_is_past() -> None:
    assert minutes(BUSY, behind={ago(60): 3_600_000.0}, age={ago(20): 1800.0})[0] == 11
