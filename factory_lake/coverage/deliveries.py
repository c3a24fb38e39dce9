"""What may still be on its way: in a data stream, or in the buffer of a delivery stream.

CloudWatch says how far a delivery stream has come. Where it says nothing yet, the buffer's interval bounds it.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from factory_lake.coverage.evidence import Waiting
from factory_lake.coverage.habits import spoken
from factory_lake.coverage.times import instant_ms
from factory_lake.drained import Seen, look

_MINUTE_MS = 60_000
#: How late CloudWatch may be, and a message on its way to the data stream.
_LATE_MS = 5 * _MINUTE_MS
# A datapoint older than this is of what was, not of what is.
_STALE_MS = 15 * _MINUTE_MS


def waiting_of(cloudwatch: Any, firehose: Any, stream: str, now_ms: int) -> tuple[Waiting, ...]:
    """What may wait of one lane."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return waiting(look(cloudwatch, firehose, stream, now), stream, now_ms)


def waiting(seen: Seen, stream: str, now_ms: int) -> tuple[Waiting, ...]:
    """What may wait, by what CloudWatch has seen of a stream.

    With partitions an object may take one and a half intervals (Firehose Developer Guide, "Dynamic partitioning").
    A metric that says that something has waited for longer reaches further back. Before the first arrival since then
    nothing waits, but for the minutes that CloudWatch may be late.
    """
    buffer_ms = round(1.5 * seen.interval / timedelta(milliseconds=1))
    found = [
        Waiting(
            now_ms - buffer_ms - _LATE_MS,
            now_ms,
            f"it may be in a buffer, which takes up to {spoken(buffer_ms)}, or counted by CloudWatch later",
            f"buffer interval of the delivery stream {stream}; CloudWatch AWS/Kinesis IncomingRecords",
        )
    ]
    for series, unit_ms, metric in (
        (seen.age, 1000, "DeliveryToS3.DataFreshness"),
        (seen.behind, 1, "KinesisMillisBehindLatest"),
    ):
        if series and now_ms - (at_ms := instant_ms(max(series))) <= _STALE_MS:
            age_ms = round(unit_ms * series[max(series)])
            cause = f"the delivery stream's oldest message had waited for {spoken(age_ms)}"
            found.append(Waiting(at_ms - age_ms, now_ms, cause, f"CloudWatch AWS/Firehose {metric} of {stream}"))
    longest = min(found, key=lambda one: one.start_ms)
    arrivals = [instant_ms(minute) for minute, records in seen.arrived.items() if records > 0]
    first_ms = min((one for one in arrivals if one + _MINUTE_MS > longest.start_ms), default=now_ms)
    start_ms = max(longest.start_ms, min(first_ms, now_ms - _LATE_MS))
    return (replace(longest, start_ms=start_ms),)


def presence_waiting(firehose: Any, stream: str, newest_ms: int, now_ms: int) -> Waiting:
    """Of which time the events of connections may not be in their table yet: since the newest one that is."""
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    seconds = described["Destinations"][0]["ExtendedS3DestinationDescription"]["BufferingHints"]["IntervalInSeconds"]
    return Waiting(
        max(newest_ms, now_ms - 1000 * seconds - _LATE_MS),
        now_ms,
        f"events of connections are in a buffer for {spoken(1000 * seconds)}, so what became of it is not known yet",
        f"buffer interval of the delivery stream {stream}",
    )
