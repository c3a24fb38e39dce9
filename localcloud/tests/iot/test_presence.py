"""Presence events: who connects and disconnects, and why, as rows that a rule puts into a delivery stream."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.iot import presence
from localcloud.iot.broker import BURST_SECONDS
from localcloud.testing.devices import PATIENCE, Connection, Device, allow, arn, connection, enrol

pytestmark = pytest.mark.cloud

COLUMNS = {
    "ts": ("timestamp", "timestamp"),
    "event": ("string", "eventtype"),
    "client_id": ("string", "clientid"),
    "station": ("string", "station"),
    "session": ("string", "sessionidentifier"),
    "version": ("bigint", "versionnumber"),
    "reason": ("string", "disconnectreason"),
    "client_initiated": ("boolean", "clientinitiateddisconnect"),
    "ip_address": ("string", "ipaddress"),
}
_numbers = itertools.count(1)


@dataclass
class Watched:
    """A client ID whose presence a rule puts into a delivery stream, by roles that may just do that."""

    cloud: LocalCloud
    device: Device
    name: str

    def connect(self, **named: Any) -> contextlib.AbstractContextManager[Connection]:
        """Connect as the client."""
        return connection(self.cloud, self.device, self.name, **named)

    def rows(self, count: int) -> list[dict[str, Any]]:
        """What lies in the bucket, once there are so many rows, in the order in which they came."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.cloud.flush([self.name], 30)
            rows = [row for body in self.objects().values() for row in pq.read_table(io.BytesIO(body)).to_pylist()]
            if len(rows) >= count or time.monotonic() > deadline:
                assert len(rows) == count, rows
                return rows
            time.sleep(0.05)

    def objects(self) -> dict[str, bytes]:
        """Every delivered object, the oldest first."""
        s3 = self.cloud.client("s3")
        found = s3.list_objects_v2(Bucket=self.name, Prefix="presence/").get("Contents", [])
        in_order = sorted(found, key=lambda one: one["LastModified"])
        return {one["Key"]: s3.get_object(Bucket=self.name, Key=one["Key"])["Body"].read() for one in in_order}


@pytest.fixture
def watched(cloud: LocalCloud, tmp_path: Path) -> Watched:
    """A client of this test's own."""
    name = f"presence-{next(_numbers)}-{uuid.uuid4().hex[:8]}"
    device = enrol(cloud, tmp_path / "device")
    allow(
        cloud,
        device,
        name,
        {"Action": "iot:Connect", "Resource": arn(cloud, f"client/{name}")},
        {"Action": "iot:Publish", "Resource": arn(cloud, f"topic/{name}")},
    )
    where = {"LocationConstraint": cloud.region}
    cloud.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    columns = [{"Name": column, "Type": kind} for column, (kind, _) in COLUMNS.items()]
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": name})
    glue.create_table(DatabaseName=name, TableInput={"Name": "rows", "StorageDescriptor": {"Columns": columns}})
    stream = f"arn:aws:firehose:{cloud.region}:{cloud.account_id}:deliverystream/{name}"
    deliver = _role(
        cloud,
        f"{name}-deliver",
        "firehose.amazonaws.com",
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/presence/*"},
        {"Action": "glue:GetTableVersions", "Resource": "*"},
    )
    forward = _role(
        cloud,
        f"{name}-forward",
        "iot.amazonaws.com",
        {"Action": "firehose:PutRecord", "Resource": stream},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/errors/*"},
    )
    mappings = {column: key for column, (_, key) in COLUMNS.items() if column != key}
    cloud.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={
            "RoleARN": deliver,
            "BucketARN": f"arn:aws:s3:::{name}",
            "Prefix": "presence/day=!{timestamp:dd}/",
            "ErrorOutputPrefix": "presence-errors/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 900},
            "DataFormatConversionConfiguration": {
                "SchemaConfiguration": {"RoleARN": deliver, "DatabaseName": name, "TableName": "rows"},
                "InputFormatConfiguration": {
                    "Deserializer": {"OpenXJsonSerDe": {"ColumnToJsonKeyMappings": mappings}}
                },
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    )
    error = {"s3": {"bucketName": name, "key": "errors/${newuuid()}", "roleArn": forward}}
    cloud.client("iot").create_topic_rule(
        ruleName=name.replace("-", "_"),
        topicRulePayload={
            "sql": f"SELECT *, 'mill' AS station FROM '$aws/events/presence/+/{name}'",  # noqa: S608 - IoT's SQL
            "awsIotSqlVersion": "2016-03-23",
            "actions": [{"firehose": {"deliveryStreamName": name, "roleArn": forward, "separator": "\n"}}],
            "errorAction": error,
        },
    )
    return Watched(cloud, device, name)


def _role(cloud: LocalCloud, name: str, service: str, *statements: dict[str, str]) -> str:
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
    allowed = [{"Effect": "Allow", **each} for each in statements]
    iam.put_role_policy(RoleName=name, PolicyName="do", PolicyDocument=_document(*allowed))
    return str(made["Role"]["Arn"])


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_the_two_events_of_a_connection_are_as_aws_documents_them(watched: Watched) -> None:
    began = time.time()
    with watched.connect() as mine:
        assert mine.accepted.is_set()
    connected, disconnected = watched.rows(2)

    assert (connected["event"], disconnected["event"]) == ("connected", "disconnected")
    assert connected["client_id"] == disconnected["client_id"] == watched.name
    assert connected["station"] == disconnected["station"] == "mill"
    assert connected["session"] == disconnected["session"] != ""
    assert connected["version"] == disconnected["version"]
    assert (connected["reason"], disconnected["reason"]) == (None, "CLIENT_INITIATED_DISCONNECT")
    assert (connected["client_initiated"], disconnected["client_initiated"]) == (None, True)
    assert (connected["ip_address"], disconnected["ip_address"]) == ("127.0.0.1", None)
    assert began - 1 <= connected["ts"].timestamp() <= disconnected["ts"].timestamp() <= time.time() + 1


def _lose(mine: Connection, _watched: Watched) -> None:
    mine.client.socket().close()  # type: ignore[union-attr]


def _be_dropped(_mine: Connection, watched: Watched) -> None:
    watched.cloud.control("POST", "iot-disconnect")


def _fall_silent(_mine: Connection, watched: Watched) -> None:
    # paho asked for 60 seconds.
    assert watched.cloud.control("POST", "iot/silence", {"client_id": watched.name, "seconds": 91})["connections"] == 1


def _publish_elsewhere(mine: Connection, _watched: Watched) -> None:
    mine.client.publish("elsewhere", b"x", qos=1)


def _retain(mine: Connection, watched: Watched) -> None:
    mine.client.publish(watched.name, b"x", qos=1, retain=True)


def _publish_too_much(mine: Connection, watched: Watched) -> None:
    mine.client.publish(watched.name, b"x" * (128 * 1024 + 1), qos=1)


def _lose_the_certificate(mine: Connection, watched: Watched) -> None:
    iot = watched.cloud.client("iot")
    iot.update_certificate(certificateId=watched.device.certificate_id, newStatus="INACTIVE")
    mine.client.publish(watched.name, b"x", qos=1)


@pytest.mark.parametrize(
    ("end", "protocol", "reason"),
    [
        (_lose, mqtt.MQTTv311, "CONNECTION_LOST"),
        (_be_dropped, mqtt.MQTTv311, "CONNECTION_LOST"),
        (_fall_silent, mqtt.MQTTv311, "MQTT_KEEP_ALIVE_TIMEOUT"),
        (_publish_elsewhere, mqtt.MQTTv311, "AUTH_ERROR"),
        (_retain, mqtt.MQTTv311, "AUTH_ERROR"),
        (_retain, mqtt.MQTTv5, "AUTH_ERROR"),
        (_publish_too_much, mqtt.MQTTv311, "CLIENT_ERROR"),
        (_lose_the_certificate, mqtt.MQTTv311, "FORBIDDEN_ACCESS"),
        (_lose_the_certificate, mqtt.MQTTv5, "FORBIDDEN_ACCESS"),
    ],
)
def test_the_reason_says_what_ended_the_connection(
    watched: Watched, end: Callable[[Connection, Watched], None], protocol: int, reason: str
) -> None:
    with watched.connect(protocol=protocol) as mine:
        assert mine.accepted.is_set()
        end(mine, watched)
        assert mine.dropped.wait(PATIENCE)
    disconnected = next(row for row in watched.rows(2) if row["event"] == "disconnected")
    assert (disconnected["reason"], disconnected["client_initiated"]) == (reason, False)


def test_a_second_connection_ends_the_first(watched: Watched) -> None:
    with watched.connect() as first:
        assert first.accepted.is_set()
        with watched.connect() as second:
            assert second.accepted.is_set()
            assert first.dropped.wait(PATIENCE)
    rows = watched.rows(4)
    ends = {row["version"]: row["reason"] for row in rows if row["event"] == "disconnected"}
    assert list(ends.values()) == ["DUPLICATE_CLIENTID", "CLIENT_INITIATED_DISCONNECT"]
    assert sorted(ends) == list(ends)


def test_events_repeat_when_a_test_says_so(watched: Watched) -> None:
    watched.cloud.control("POST", "iot/behaviour", {"presence": "repeat"})
    try:
        with watched.connect() as mine:
            assert mine.accepted.is_set()
        first, again, *_ = watched.rows(4)
    finally:
        watched.cloud.control("POST", "iot/behaviour", {"presence": "once"})
    assert first == again


def test_events_overtake_each_other_when_a_test_says_so(watched: Watched) -> None:
    watched.cloud.control("POST", "iot/behaviour", {"presence": "overtake"})
    try:
        with watched.connect() as mine:
            assert mine.accepted.is_set()
        rows = watched.rows(2)
        with watched.connect() as mine:
            assert mine.accepted.is_set()
            watched.cloud.control("POST", "iot/behaviour", {"presence": "once"})
            assert watched.rows(3)[2]["event"] == "connected"
    finally:
        watched.cloud.control("POST", "iot/behaviour", {"presence": "once"})
    assert [row["event"] for row in rows] == ["disconnected", "connected"]


def test_nobody_may_publish_an_event(watched: Watched) -> None:
    allow(watched.cloud, watched.device, f"{watched.name}-all", {"Action": "iot:Publish", "Resource": "*"})
    with watched.connect() as mine:
        assert not mine.publish(f"$aws/events/presence/connected/{watched.name}", b"{}")
    assert [row["event"] for row in watched.rows(2)] == ["connected", "disconnected"]


@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5])
def test_a_client_connects_once_a_second_at_most(watched: Watched, protocol: int) -> None:
    """And what is refused has no event."""
    began = time.monotonic()
    accepted = 0
    for _ in range(3 * BURST_SECONDS):
        with watched.connect(protocol=protocol) as mine:
            accepted += mine.accepted.is_set()
            if not mine.accepted.is_set() and protocol == mqtt.MQTTv5:
                assert mine.reason == "Connection rate exceeded"
    assert BURST_SECONDS <= accepted <= BURST_SECONDS + time.monotonic() - began
    assert accepted < 3 * BURST_SECONDS
    assert len(watched.rows(2 * accepted)) == 2 * accepted
    assert watched.cloud.control("GET", "iot")["refused"]["connect rate"] >= 3 * BURST_SECONDS - accepted


@pytest.mark.parametrize(("asked", "given"), [(0, 1200), (1, 30), (30, 30), (60, 60), (1200, 1200), (65535, 1200)])
def test_the_keep_alive_interval_has_bounds(asked: int, given: int) -> None:
    assert presence.keep_alive_seconds(asked) == given


def test_a_delivery_stream_that_cannot_be_reached_leaves_the_event_to_the_error_action(watched: Watched) -> None:
    watched.cloud.client("firehose").delete_delivery_stream(DeliveryStreamName=watched.name)
    with watched.connect() as mine:
        assert mine.accepted.is_set()
    s3 = watched.cloud.client("s3")
    deadline = time.monotonic() + PATIENCE
    while len(found := s3.list_objects_v2(Bucket=watched.name, Prefix="errors/").get("Contents", [])) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    document = json.loads(s3.get_object(Bucket=watched.name, Key=found[0]["Key"])["Body"].read())
    assert document["failures"][0]["failedAction"] == "FirehoseAction"
    assert document["topic"].startswith("$aws/events/presence/")


def test_what_was_put_outlives_the_engine(watched: Watched) -> None:
    with watched.connect() as mine:
        assert mine.accepted.is_set()
    watched.cloud.firehose.kill()
    with watched.connect() as mine:
        assert mine.accepted.is_set()
    watched.cloud.firehose.start()
    assert [row["event"] for row in watched.rows(4)] == ["connected", "disconnected"] * 2


@pytest.mark.parametrize(
    ("operation", "arguments", "why"),
    [
        ("put_record", {"Record": {"Data": b"x" * (1000 * 1024 + 1)}}, "at most 1024000 bytes"),
        ("put_record_batch", {"Records": [{"Data": b"x"}] * 501}, "Records must be 1 to 500"),
        ("put_record_batch", {"Records": [{"Data": b"x" * 1024000}] * 5}, "at most 4194304 bytes"),
    ],
)
def test_what_firehose_does_not_take(watched: Watched, operation: str, arguments: dict[str, Any], why: str) -> None:
    firehose = watched.cloud.client("firehose")
    # boto3 refuses the longest batches itself.
    with pytest.raises(ClientError, match=why):
        getattr(firehose, operation)(DeliveryStreamName=watched.name, **arguments)


def test_a_batch_becomes_rows(watched: Watched) -> None:
    records = [{"Data": json.dumps({"station": str(number)}).encode()} for number in range(3)]
    answer = watched.cloud.client("firehose").put_record_batch(DeliveryStreamName=watched.name, Records=records)
    assert (answer["FailedPutCount"], len(answer["RequestResponses"])) == (0, 3)
    assert [row["station"] for row in watched.rows(3)] == ["0", "1", "2"]
    assert len(watched.objects()) == 1
