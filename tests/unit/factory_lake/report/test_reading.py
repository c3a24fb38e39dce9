"""The thin readers against moto and strict fakes: which calls they make, and what they make of the answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.stub import Stubber

from clip_fetch import keys
from factory_lake import query
from factory_lake.query import Result
from factory_lake.report import reading
from factory_lake.report.cost import LaneUse
from factory_lake.report.facts import Arrived, Fired
from tests.unit.factory_lake.fixtures import aws_in_memory
from tests.unit.factory_lake.report.samples import DAY_MS, FROM_MS, HOUR_MS, TO_MS

BUCKET = "lake-clips"


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


@pytest.fixture
def s3() -> Iterator[Any]:
    with aws_in_memory():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


def put(s3: Any, start_ms: int, body: bytes = b"0123456789", ending: str = ".mp4", camera: str = "press-1") -> str:
    key = keys.camera_prefix("krakow", camera) + keys.stem(start_ms, 1) + ending
    s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="video/mp4")
    return key


def test_clips_of_a_range_and_the_one_before_it_are_found_by_their_keys(s3: Any) -> None:
    put(s3, FROM_MS - 2 * DAY_MS)
    put(s3, FROM_MS - 2 * HOUR_MS)
    before = put(s3, FROM_MS - HOUR_MS)
    first, last = put(s3, FROM_MS), put(s3, TO_MS - 1)
    put(s3, FROM_MS + HOUR_MS, ending=".gap.json")
    put(s3, TO_MS)
    put(s3, FROM_MS, camera="press-2")
    found, size = reading.list_clips(s3, BUCKET, "krakow", "press-1", FROM_MS, TO_MS)
    assert [clip.key for clip in found] == [before, first, last]
    assert [clip.start_ms for clip in found] == [FROM_MS - HOUR_MS, FROM_MS, TO_MS - 1]
    assert size == 20


def test_the_newest_clips_have_links_that_expire(s3: Any) -> None:
    for hour in range(3):
        put(s3, FROM_MS + hour * HOUR_MS)
    clips, _ = reading.list_clips(s3, BUCKET, "krakow", "press-1", FROM_MS, TO_MS)
    old, *linked = reading.linked(s3, BUCKET, clips, 7200, most=2)
    assert old.url == ""
    for clip in linked:
        link = urlsplit(clip.url)
        assert clip.key.rpartition("/")[2] in link.path
        assert parse_qs(link.query)["X-Amz-Expires"] == ["7200"]


def test_no_links_are_made_where_none_are_wanted(s3: Any) -> None:
    put(s3, FROM_MS)
    clips, _ = reading.list_clips(s3, BUCKET, "krakow", "press-1", FROM_MS, TO_MS)
    assert [clip.url for clip in reading.linked(s3, BUCKET, clips, 60, most=0)] == [""]


def test_small_clips_are_taken_in_the_newest_first(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_EMBEDDED_CLIP", 10)
    monkeypatch.setattr(reading, "MAX_EMBEDDED", 25)
    put(s3, FROM_MS, b"oldest----")
    put(s3, FROM_MS + 1000, b"older-----")
    put(s3, FROM_MS + 2000, b"too large -")
    put(s3, FROM_MS + 3000, b"newest----")
    clips, _ = reading.list_clips(s3, BUCKET, "krakow", "press-1", FROM_MS, TO_MS)
    urls = [clip.url for clip in reading.embedded(s3, BUCKET, clips)]
    assert urls[0] == urls[2] == ""
    assert [base64.b64decode(urls[n].removeprefix("data:video/mp4;base64,")) for n in (1, 3)] == [
        b"older-----",
        b"newest----",
    ]


class Athena:
    """Answers queries in order, and remembers them."""

    def __init__(self, *rows: list[tuple[Any, ...]]) -> None:
        self.rows = list(rows)
        self.asked: list[str] = []

    def run(self, *asked: Any) -> Result:
        self.asked.append(asked[1])
        return Result((), tuple(self.rows.pop(0)), 0.25, 1000, "id")


def test_arrivals_are_compared_with_what_is_distinct(monkeypatch: pytest.MonkeyPatch) -> None:
    # In the order in which they are asked: what is distinct, then all; of either lane.
    athena = Athena(
        [(2026, 3, 2, 90, 4, 7000)], [(2026, 3, 2, 100), (2026, 3, 3, 5)], [(2026, 3, 2, 3)], [(2026, 3, 2, 3)]
    )
    monkeypatch.setattr(query, "run", athena.run)
    tables = reading.Tables(boto3.client("athena", region_name="eu-central-1"), "lake", "lake")
    assert tables.arrived("krakow", FROM_MS, TO_MS) == (
        Arrived(date(2026, 3, 2), "measurements", 100, 90, 4, 7000),
        Arrived(date(2026, 3, 3), "measurements", 5, 5),
        Arrived(date(2026, 3, 2), "configuration", 3, 3),
    )
    assert (tables.scanned_bytes, tables.query_ms) == (4000, 1000)
    assert all("factory = 'krakow'" in text and "year BETWEEN 2026 AND 2026" in text for text in athena.asked)
    assert all("2026-03-02 00:00:00" in text for text in athena.asked[:2])


def item(alarm: str, at_ms: int, before: str, after: str) -> dict[str, Any]:
    data = {
        "oldState": {"stateValue": before, "stateReason": "was"},
        "newState": {"stateValue": after, "stateReason": "is"},
    }
    return {
        "AlarmName": alarm,
        "Timestamp": at(at_ms),
        "HistoryItemType": "StateUpdate",
        "HistoryData": json.dumps(data),
    }


def test_alarms_are_read_by_name_and_those_that_fired_before_are_found() -> None:
    client: Any = boto3.client(
        "cloudwatch", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    asked = {"HistoryItemType": "StateUpdate", "StartDate": at(FROM_MS), "EndDate": at(TO_MS)}
    with Stubber(client) as stub:
        changes = [item("one", FROM_MS + 5, "ALARM", "OK"), item("one", FROM_MS + 1, "OK", "ALARM")]
        stub.add_response("describe_alarm_history", {"AlarmHistoryItems": changes}, {"AlarmName": "one", **asked})
        stub.add_response("describe_alarm_history", {"AlarmHistoryItems": []}, {"AlarmName": "two", **asked})
        standing = {"AlarmName": "two", "StateUpdatedTimestamp": at(FROM_MS - 9), "StateReason": "long since"}
        stub.add_response(
            "describe_alarms",
            {"MetricAlarms": [standing]},
            {"AlarmNames": ["one", "two"], "StateValue": "ALARM", "MaxRecords": 100},
        )
        found = reading.fired(client, ["one", "two"], FROM_MS, TO_MS)
        stub.assert_no_pending_responses()
    assert found == (
        Fired("one", FROM_MS + 1, FROM_MS + 5, "is"),
        Fired("two", FROM_MS - 9, None, "long since"),
    )


def test_a_lane_s_use_is_what_its_stream_s_metrics_sum_up_to() -> None:
    options = {"region_name": "eu-central-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    cloudwatch: Any = boto3.client("cloudwatch", **options)  # type: ignore[call-overload]
    kinesis: Any = boto3.client("kinesis", **options)  # type: ignore[call-overload]
    results = [{"Id": "incomingRecords", "Values": [2.0, 3.0]}, {"Id": "incomingBytes", "Values": [500.0]}]
    summary = {
        "StreamName": "s",
        "StreamARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/s",
        "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 72,
        "StreamCreationTimestamp": at(0),
        "EnhancedMonitoring": [],
        "OpenShardCount": 3,
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
    }
    with Stubber(cloudwatch) as metrics, Stubber(kinesis) as streams:
        metrics.add_response("get_metric_data", {"MetricDataResults": results})
        streams.add_response("describe_stream_summary", {"StreamDescriptionSummary": summary}, {"StreamName": "s"})
        use = reading.lane_use(kinesis, cloudwatch, "s", 40, FROM_MS, TO_MS)
    assert use == LaneUse(40, 5, 500, 3, 72)
