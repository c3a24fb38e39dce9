"""When a stream counts as drained, and how the command asks and waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from factory_lake.drained import Seen, connection_streams_of, look, wait, what_is_missing
from tests.unit.factory_lake.fixtures import Clock, aws_in_memory

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=5)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def seen(
    arrived: dict[datetime, float] | None = None,
    behind: dict[datetime, float] | None = None,
    age: dict[datetime, float] | None = None,
) -> Seen:
    """A stream whose last message came half an hour ago, unless the arguments say otherwise, and was delivered."""
    return Seen(
        arrived={ago(40): 3.0, ago(30): 5.0} if arrived is None else arrived,
        behind={ago(29): 0.0, ago(2): 0.0} if behind is None else behind,
        age=age or {},
        interval=INTERVAL,
    )


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(seen(), id="an idle Firehose says nothing"),
        pytest.param(seen(age={ago(30): 20.0, ago(28): 110.0}), id="an age of before the delivery"),
        pytest.param(
            seen(arrived={ago(9): 1.0}, behind={ago(7): 0.0}, age={ago(6): 30.0, ago(2): 30.0}),
            id="what waits came after the last message that was sent",
        ),
        pytest.param(seen(arrived={ago(30): 5.0, ago(2): 0.0}), id="minutes without a message"),
        pytest.param(seen(arrived={}), id="a day without a message"),
    ],
)
def test_a_stream_is_drained(stream: Seen) -> None:
    assert what_is_missing(stream, NOW) == ""


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        pytest.param(seen(arrived={ago(4): 1.0}), "have arrived until 11:57", id="messages arrive"),
        pytest.param(seen(behind={}), "was not read", id="no delivery stream reads"),
        pytest.param(seen(behind={ago(31): 0.0}), "was not read", id="read before the last message"),
        pytest.param(seen(arrived={}, behind={}), "was not read", id="never read"),
        pytest.param(seen(behind={ago(29): 0.0, ago(2): 7000.0}), "7 s of messages", id="reading is late"),
        pytest.param(seen(age={ago(2): 1700.0}), "had waited for 1700 s at 11:58", id="delivery fails"),
        pytest.param(
            seen(arrived={ago(9): 1.0}, behind={ago(7): 0.0}, age={ago(4): 30.0}),
            "put back by 11:56 UTC may not be counted",
            id="delivered, and what it put back arrived just now",
        ),
        pytest.param(
            seen(arrived={ago(8): 1.0}, behind={ago(3): 0.0}), "may be in Firehose until 12:05", id="read, not written"
        ),
    ],
)
def test_a_stream_is_not_drained_and_says_why(stream: Seen, reason: str) -> None:
    assert reason in what_is_missing(stream, NOW)


def test_events_that_are_put_are_read_by_nobody() -> None:
    put = replace(seen(behind={}), is_read=False)
    assert what_is_missing(put, NOW) == ""
    assert "may be in Firehose until" in what_is_missing(replace(put, interval=timedelta(minutes=30)), NOW)


def test_connections_are_waited_for_where_they_are_kept() -> None:
    kept = {"connections": {"krakow": {"delivery_stream": "lake-krakow-connections"}}}
    assert connection_streams_of(kept, ()) == ["lake-krakow-connections"]
    assert connection_streams_of(kept, ("krakow", "lyon")) == ["lake-krakow-connections"]
    assert connection_streams_of({}, ("krakow",)) == []


@pytest.fixture
def cloudwatch() -> Iterator[Any]:
    with aws_in_memory():
        yield boto3.client("cloudwatch", region_name="eu-central-1")


def test_the_metrics_are_those_of_the_stream(cloudwatch: Any) -> None:
    """By name, dimension and statistic; those of another stream are not read."""
    published = [
        ("AWS/Kinesis", "StreamName", "IncomingRecords", (2.0, 3.0)),
        ("AWS/Firehose", "DeliveryStreamName", "KinesisMillisBehindLatest", (0.0, 400.0)),
        ("AWS/Firehose", "DeliveryStreamName", "DeliveryToS3.DataFreshness", (10.0, 70.0)),
    ]
    for namespace, dimension, name, values in published:
        for stream, factor in (("plant-a", 1), ("plant-b", 100)):
            cloudwatch.put_metric_data(
                Namespace=namespace,
                MetricData=[
                    {
                        "MetricName": name,
                        "Dimensions": [{"Name": dimension, "Value": stream}],
                        "Timestamp": ago(10) + timedelta(seconds=10),
                        "Value": value * factor,
                    }
                    for value in values
                ],
            )
    firehose = boto3.client("firehose", region_name="eu-central-1")
    with Stubber(firehose) as stub:
        stub.add_response(
            "describe_delivery_stream",
            {
                "DeliveryStreamDescription": {
                    "DeliveryStreamName": "plant-a",
                    "DeliveryStreamARN": "arn:aws:firehose:eu-central-1:111122223333:deliverystream/plant-a",
                    "DeliveryStreamStatus": "ACTIVE",
                    "DeliveryStreamType": "KinesisStreamAsSource",
                    "VersionId": "1",
                    "HasMoreDestinations": False,
                    "Destinations": [
                        {
                            "DestinationId": "1",
                            "ExtendedS3DestinationDescription": {
                                "RoleARN": "arn:aws:iam::111122223333:role/delivery",
                                "BucketARN": "arn:aws:s3:::plant",
                                "BufferingHints": {"SizeInMBs": 128, "IntervalInSeconds": 300},
                                "CompressionFormat": "UNCOMPRESSED",
                                "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
                            },
                        }
                    ],
                }
            },
            {"DeliveryStreamName": "plant-a"},
        )
        found = look(cloudwatch, firehose, "plant-a", NOW)

    assert [list(series.values()) for series in (found.arrived, found.behind, found.age)] == [
        [sum((2.0, 3.0))],
        [400.0],
        [70.0],
    ]
    assert {*found.arrived, *found.behind, *found.age} == {ago(10)}
    assert found.interval == INTERVAL


def test_waiting_ends_with_the_last_stream_and_tells_each_reason_once(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    answers = iter([{"a": "late", "b": ""}, {"a": "late", "b": ""}, {"a": "waiting", "b": ""}, {"a": "", "b": ""}])
    assert wait(lambda: next(answers), deadline=600, clock=clock, pause=clock.sleep)
    assert capsys.readouterr().out.splitlines() == ["a: late", "b: drained", "a: waiting", "a: drained"]


def test_waiting_ends_in_time_without_it() -> None:
    clock = Clock()
    assert not wait(lambda: {"a": "late"}, deadline=600, clock=clock, pause=clock.sleep)
    assert clock.now >= 600
