"""Whether everything that arrived in data streams is in S3: `factory-lake drained` waits for it.

A factory's data stream and the delivery stream that reads it have the same name, and CloudWatch has what both
do, minute by minute and some minutes late. A stream is drained when nothing has arrived for a while, its
delivery stream has read to the end since, and holds nothing that is as old as the last arrival. The delivery stream of
connections has no data stream: there, what has arrived is Firehose's to count, and nothing is left to read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from factory_lake.boundary import DONE, FOUND
from factory_lake.clients import Clients
from factory_lake.gateway.identities import LANES, Lane
from factory_lake.lake import mapping_at, open_lake, output_at
from factory_lake.options import FactoriesOption, LakeOption, LaneOption, number

_MINUTE = timedelta(minutes=1)
# How late CloudWatch may be: without a datapoint for this long there was nothing to say.
_LATE = timedelta(minutes=5)
_LOOK_BACK = timedelta(hours=24)
_BETWEEN_LOOKS = 30.0
# Kinesis Data Streams and Firehose Developer Guides, "Monitor with Amazon CloudWatch metrics".
_ARRIVED = ("AWS/Kinesis", "StreamName", "IncomingRecords", "Sum")
_PUT = ("AWS/Firehose", "DeliveryStreamName", "IncomingRecords", "Sum")
_BEHIND = ("AWS/Firehose", "DeliveryStreamName", "KinesisMillisBehindLatest", "Maximum")
_AGE = ("AWS/Firehose", "DeliveryStreamName", "DeliveryToS3.DataFreshness", "Maximum")

Series = Mapping[datetime, float]


@dataclass(frozen=True)
class Seen:
    """What CloudWatch has of one stream: values by the minute that they are of, which begins at the key."""

    arrived: Series
    behind: Series  # milliseconds that the delivery stream read behind the end
    age: Series  # seconds that the oldest record in Firehose had waited
    interval: timedelta  # how long an object may be filled
    is_read: bool = True  # whether records come from a data stream


def what_is_missing(seen: Seen, now: datetime) -> str:
    """Why a stream is not drained, in words; empty when it is."""
    arrivals = [minute for minute, records in seen.arrived.items() if records > 0]
    # A record of a minute came before its end.
    last = max(arrivals) + _MINUTE if arrivals else now - _LOOK_BACK
    if now - last < _LATE:
        return f"messages have arrived until {last:%H:%M} UTC"
    if seen.is_read and (missing := _unread(seen, last)):
        return missing
    waiting = {minute: age for minute, age in seen.age.items() if minute >= last}
    if waiting:
        minute = max(waiting)
        delivered = [one for one, seconds in waiting.items() if one - timedelta(seconds=seconds) >= last]
        if delivered and now - min(delivered) > _LATE:
            return ""
        if delivered:
            # Before its answer the transform may have put samples of batches back, which arrived by then.
            return f"what was put back by {min(delivered):%H:%M} UTC may not be counted yet"
        if now - minute < _LATE + seen.interval:
            return f"the oldest message in Firehose had waited for {waiting[minute]:.0f} s at {minute:%H:%M} UTC"
    # An idle Firehose says nothing. With partitions an object may take one and a half intervals.
    if (until := last + 1.5 * seen.interval + _LATE) > now:
        return f"what was read last may be in Firehose until {until:%H:%M} UTC"
    return ""


def _unread(seen: Seen, last: datetime) -> str:
    """What of the data stream is not read, in words; empty when all is."""
    read = {minute: behind for minute, behind in seen.behind.items() if minute >= last}
    if not read:
        return f"the data stream was not read since the last arrival, {last:%H:%M} UTC"
    if (behind := read[max(read)]) > 0:
        return f"{behind / 1000:.0f} s of messages are not read yet"
    return ""


def look(cloudwatch: Any, firehose: Any, stream: str, now: datetime) -> Seen:
    """Ask for one stream.

    Raises:
        botocore.exceptions.ClientError: When there is no such delivery stream, or asking is not allowed.
    """
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    is_read = described["DeliveryStreamType"] == "KinesisStreamAsSource"
    hints = described["Destinations"][0]["ExtendedS3DestinationDescription"]["BufferingHints"]
    queries = {"arrived": _ARRIVED if is_read else _PUT, "behind": _BEHIND, "age": _AGE}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_query(name, metric, stream) for name, metric in queries.items()],
        StartTime=now - _LOOK_BACK,
        EndTime=now + _MINUTE,
    )
    series: dict[str, dict[datetime, float]] = {name: {} for name in queries}
    for page in pages:
        for result in page["MetricDataResults"]:
            series[result["Id"]].update(zip(result["Timestamps"], result["Values"], strict=True))
    return Seen(**series, interval=timedelta(seconds=hints["IntervalInSeconds"]), is_read=is_read)


def _query(name: str, metric: tuple[str, str, str, str], stream: str) -> dict[str, object]:
    namespace, dimension, metric_name, statistic = metric
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric_name,
                "Dimensions": [{"Name": dimension, "Value": stream}],
            },
            "Period": 60,
            "Stat": statistic,
        },
    }


def wait(
    reasons: Callable[[], Mapping[str, str]],
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Look until every stream is drained, and print what each is waiting for whenever that changes.

    `reasons` says why each stream is not drained yet, by its name; empty for those that are.

    Returns:
        Whether all are drained.
    """
    printed: dict[str, str] = {}
    while True:
        found = reasons()
        for stream, reason in found.items():
            if printed.get(stream) != reason:
                print(f"{stream}: {reason or 'drained'}", flush=True)
        printed = dict(found)
        if not any(found.values()):
            return True
        if clock() >= deadline:
            return False
        pause(min(_BETWEEN_LOOKS, deadline - clock()))


app = typer.Typer(add_completion=False)


@app.command()
def drained(
    streams: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STREAM", help="Names of data streams. Default: those of the lake.", show_default=False
        ),
    ] = None,
    *,
    factories: FactoriesOption = None,
    lane: LaneOption = None,
    with_connections: Annotated[
        bool,
        typer.Option("--connections", help="Also wait for events of connections, which takes up to half an hour."),
    ] = False,
    minutes: Annotated[float, typer.Option("--minutes", parser=number(), help="How long to wait.")] = 60,
    lake: LakeOption = None,
) -> int:
    """Wait until everything that arrived in data streams is in S3.

    CloudWatch is minutes late, so it takes some minutes after the last message at least.
    """
    opened = open_lake(lake)
    names = streams or streams_of(opened.outputs, factories or (), lane)
    if with_connections:
        names = [*names, *connection_streams_of(opened.outputs, factories or ())]
    clients = Clients(opened)
    cloudwatch, firehose = clients.client("cloudwatch"), clients.client("firehose")

    def reasons() -> dict[str, str]:
        now = datetime.now(UTC)
        return {stream: what_is_missing(look(cloudwatch, firehose, stream, now), now) for stream in names}

    if wait(reasons, time.monotonic() + 60 * minutes):
        return DONE
    print(f"drained: not after {minutes:g} minutes", file=sys.stderr)
    return FOUND


def streams_of(outputs: Mapping[str, Any], factories: Sequence[str], lane: Lane | None) -> list[str]:
    """Names of a lake's data streams: of some factories or all, of one lane or both.

    Raises:
        LakeError: When the lake has no such factory.
    """
    known = mapping_at(outputs, "data_streams")
    return [
        str(output_at(outputs, "data_streams", factory, each))
        for factory in factories or sorted(known)
        for each in LANES
        if lane in (None, each)
    ]


def connection_streams_of(outputs: Mapping[str, Any], factories: Sequence[str]) -> list[str]:
    """Names of the delivery streams of connections; of an older lake, or a factory that keeps none, there is none."""
    known: Mapping[str, Any] = outputs.get("connections", {})
    return [str(known[factory]["delivery_stream"]) for factory in factories or sorted(known) if factory in known]
