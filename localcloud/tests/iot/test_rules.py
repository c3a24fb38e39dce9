"""Rules: what reaches the stream, what reaches the error action, and what is lost and counted."""

# ruff: noqa: S608 - IoT's SQL, of which no part is user input

from __future__ import annotations

import base64
import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from localcloud import LocalCloud
from localcloud.calls import CallError
from localcloud.testing.datapoints import sums
from localcloud.testing.devices import PATIENCE, Connection, Device, allow, arn, connection, enrol
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud

KEY = "errors/${topic(3)}/${timestamp()}-${newuuid()}.json"
MakeRole = Callable[..., str]


@dataclass(frozen=True)
class Route:
    """A stream, a bucket, a role that may write to both, and a topic of its own."""

    cloud: LocalCloud
    name: str
    role_arn: str

    @property
    def topic(self) -> str:
        return f"stations/krakow/{self.name}/measurements"

    @property
    def kinesis(self) -> dict[str, Any]:
        key = "${timestamp()}/${topic(3)}/${newuuid()}"
        return {"kinesis": {"streamName": self.name, "partitionKey": key, "roleArn": self.role_arn}}

    @property
    def s3(self) -> dict[str, Any]:
        return {"s3": {"bucketName": self.name, "key": KEY, "roleArn": self.role_arn}}

    def rule(self, sql: str | None = None, **payload: Any) -> None:
        """Create the route's rule; keyword arguments replace members of its payload."""
        rule = {
            "sql": sql or f"SELECT * FROM 'stations/+/{self.name}/measurements'",
            "awsIotSqlVersion": "2016-03-23",
            "actions": [self.kinesis],
            "errorAction": self.s3,
        }
        self.cloud.client("iot").create_topic_rule(ruleName=self.rule_name, topicRulePayload={**rule, **payload})

    @property
    def basic_ingest_topic(self) -> str:
        return f"$aws/rules/{self.rule_name}/{self.topic}"

    @property
    def rule_name(self) -> str:
        return self.name.replace("-", "_")

    def publish(self, payload: bytes, topic: str | None = None) -> None:
        """Publish to the route's or another topic over HTTPS; the rule has run when this returns."""
        self.cloud.client("iot-data").publish(topic=topic or self.topic, qos=1, payload=payload)

    def records(self) -> list[dict[str, Any]]:
        kinesis = self.cloud.client("kinesis")
        shards = kinesis.list_shards(StreamName=self.name)["Shards"]
        records = []
        for shard in shards:
            start = {"StreamName": self.name, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = kinesis.get_shard_iterator(**start)["ShardIterator"]
            records += kinesis.get_records(ShardIterator=iterator)["Records"]
        return records

    def errors(self) -> dict[str, Any]:
        s3 = self.cloud.client("s3")
        listed = s3.list_objects_v2(Bucket=self.name).get("Contents", [])
        keys = [each["Key"] for each in listed]
        return {key: json.loads(s3.get_object(Bucket=self.name, Key=key)["Body"].read()) for key in keys}

    def losses(self) -> list[dict[str, Any]]:
        described = self.cloud.control("GET", "iot")["latest"]
        return [loss for loss in described if loss["topic"] == self.topic]


@pytest.fixture
def route(cloud: LocalCloud, make_role: MakeRole) -> Route:
    name = f"route-{uuid.uuid4().hex[:12]}"
    cloud.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    place = {"LocationConstraint": cloud.region}
    cloud.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    stream = f"arn:aws:kinesis:{cloud.region}:{cloud.account_id}:stream/{name}"
    role = make_role(
        "iot.amazonaws.com",
        {"Action": "kinesis:PutRecord", "Resource": stream},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/errors/*"},
    )
    return Route(cloud, name, role)


@pytest.mark.parametrize("payload", [b'{"a": 1}', b"\xff no json", b" "])
def test_a_message_reaches_the_stream_as_it_came(route: Route, payload: bytes) -> None:
    route.rule()
    route.publish(payload)
    (record,) = route.records()
    arrived, client_id, key = record["PartitionKey"].split("/")
    assert record["Data"] == payload
    assert client_id == route.name
    assert abs(int(arrived) / 1000 - record["ApproximateArrivalTimestamp"].timestamp()) < 5
    assert uuid.UUID(key)


def test_a_message_over_mqtt_is_in_the_stream_when_it_is_acknowledged(
    route: Route, cloud: LocalCloud, tmp_path: Path
) -> None:
    route.rule()
    device = enrol(cloud, tmp_path)
    anything = {"Action": ["iot:Connect", "iot:Publish"], "Resource": arn(cloud, "*")}
    allow(cloud, device, route.name, anything)
    with connection(cloud, device, route.name) as connected:
        assert all(connected.publish(route.topic, str(n).encode()) for n in range(20))
        assert [record["Data"] for record in route.records()] == [str(n).encode() for n in range(20)]


@pytest.mark.parametrize("topic", ["stations/krakow/measurements", "stations/krakow/{}/configuration"])
def test_a_topic_outside_the_filter_is_not_the_rules_concern(route: Route, cloud: LocalCloud, topic: str) -> None:
    route.rule()
    cloud.client("iot-data").publish(topic=topic.format(route.name), qos=1, payload=b"{}")
    assert route.records() == []
    assert route.losses() == []


def test_a_disabled_rule_does_nothing(route: Route) -> None:
    route.rule(ruleDisabled=True)
    route.publish(b"{}")
    assert route.records() == []


def test_a_stream_that_is_gone_sends_the_message_to_the_error_action(route: Route, cloud: LocalCloud) -> None:
    route.rule()
    cloud.client("kinesis").delete_stream(StreamName=route.name)
    route.publish(b"\xff original")
    ((key, error),) = route.errors().items()
    assert key.startswith(f"errors/{route.name}/")
    assert base64.b64decode(error["base64OriginalPayload"]) == b"\xff original"
    assert error["topic"] == route.topic
    assert error["ruleName"] == route.rule_name
    assert set(error) == {
        *("ruleName", "topic", "cloudwatchTraceId", "clientId", "sourceIp"),
        *("base64OriginalPayload", "failures"),
    }
    (failure,) = error["failures"]
    assert (failure["failedAction"], failure["failedResource"]) == ("KinesisAction", route.name)
    assert "ResourceNotFoundException" in failure["errorMessage"]
    assert route.losses() == []


def test_a_throttled_stream_sends_the_message_to_the_error_action(route: Route, cloud: LocalCloud) -> None:
    route.rule()
    error = "ProvisionedThroughputExceededException"
    fault = cloud.faults.add(service="kinesis", operation="PutRecord", resource=route.name, error=error)
    route.publish(b"1")
    route.publish(b"2")
    assert cloud.faults.hits(fault) == 1
    (document,) = route.errors().values()
    assert error in document["failures"][0]["errorMessage"]
    assert [record["Data"] for record in route.records()] == [b"2"]


def test_one_error_document_names_every_failure_and_the_other_actions_run(route: Route) -> None:
    absent = {"kinesis": {**route.kinesis["kinesis"], "streamName": "absent"}}
    denied = {"s3": {**route.s3["s3"], "key": "elsewhere/x"}}
    route.rule(actions=[absent, denied, route.kinesis])
    route.publish(b"x")
    (document,) = route.errors().values()
    assert [each["failedAction"] for each in document["failures"]] == ["KinesisAction", "S3Action"]
    assert all("AccessDenied" in each["errorMessage"] for each in document["failures"])
    assert len(route.records()) == 1


def test_an_action_acts_as_its_role_alone(route: Route, make_role: MakeRole) -> None:
    stranger = make_role(
        "iot.amazonaws.com", {"Action": "kinesis:PutRecord", "Resource": "arn:aws:kinesis:*:*:stream/x"}
    )
    route.rule(actions=[{"kinesis": {**route.kinesis["kinesis"], "roleArn": stranger}}])
    route.publish(b"x")
    assert route.records() == []
    (document,) = route.errors().values()
    assert "AccessDeniedException" in document["failures"][0]["errorMessage"]


def test_a_role_that_does_not_trust_iot_is_of_no_use(route: Route, make_role: MakeRole) -> None:
    stranger = make_role("firehose.amazonaws.com", {"Action": "kinesis:PutRecord", "Resource": "*"})
    route.rule(actions=[{"kinesis": {**route.kinesis["kinesis"], "roleArn": stranger}}])
    route.publish(b"x")
    assert route.records() == []
    (document,) = route.errors().values()
    assert "sts:AssumeRole" in document["failures"][0]["errorMessage"]


@pytest.mark.parametrize("error_action", [None, "denied"])
def test_without_a_working_error_action_the_loss_is_counted(
    route: Route, cloud: LocalCloud, error_action: str | None
) -> None:
    denied = {"s3": {**route.s3["s3"], "key": "elsewhere/${newuuid()}"}}
    cloud.client("kinesis").delete_stream(StreamName=route.name)
    route.rule(errorAction=denied) if error_action else route.rule(errorAction={})
    before = cloud.control("GET", "iot")["lost"]
    route.publish(b"x")
    (loss,) = route.losses()
    assert loss["sha256"] == hashlib.sha256(b"x").hexdigest()
    assert cloud.control("GET", "iot")["lost"] == before + 1
    assert ("error action failed" if error_action else "no error action") in loss["reason"]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"sql": "SELECT *, timestamp() AS at FROM 't'"}, "SqlParseException"),
        ({"awsIotSqlVersion": "2015-10-08"}, "SqlParseException"),
        (
            {"actions": [{"sns": {"targetArn": "arn:aws:sns:eu-central-1:000000000000:t", "roleArn": "{role}"}}]},
            "InvalidRequestException",
        ),
        ({"actions": [{"kinesis": {"streamName": "b", "roleArn": "{role}"}}]}, "InvalidRequestException"),
        ({"actions": [{"s3": {"bucketName": "b", "key": "${nope()}", "roleArn": "{role}"}}]}, "SqlParseException"),
        ({"errorAction": {"republish": {"topic": "t", "roleArn": "{role}"}}}, "InvalidRequestException"),
    ],
)
def test_a_rule_that_could_not_run_is_refused_when_it_is_created(
    route: Route, members: dict[str, Any], code: str
) -> None:
    with refused(code):
        route.rule(**json.loads(json.dumps(members).replace("{role}", route.role_arn)))


def test_what_rules_and_their_actions_do_is_measured(route: Route) -> None:
    route.rule()
    route.publish(b"1")
    for error_action_fails in (False, True):
        route.cloud.faults.add(
            service="kinesis",
            operation="PutRecord",
            resource=route.name,
            error="ProvisionedThroughputExceededException",
        )
        if error_action_fails:
            route.cloud.faults.add(service="s3", operation="PutObject", resource=route.name, error="SlowDown")
        route.publish(b"2")

    rule = {"RuleName": route.rule_name}
    names = ("Success", "Failure", "ErrorActionSuccess", "ErrorActionFailure")
    assert sums(route.cloud, "AWS/IoT", rule, "TopicMatch", *names) == {"TopicMatch": 3}
    stream = sums(route.cloud, "AWS/IoT", {**rule, "ActionType": "Kinesis"}, *names)
    assert stream == {"Success": 1, "Failure": 2}
    errors = sums(route.cloud, "AWS/IoT", {**rule, "ActionType": "S3"}, *names)
    assert errors == {"ErrorActionSuccess": 1, "ErrorActionFailure": 1}
    throttled = sums(route.cloud, "AWS/Kinesis", {"StreamName": route.name}, "WriteProvisionedThroughputExceeded")
    assert throttled == {"WriteProvisionedThroughputExceeded": 2}


# -- Basic Ingest


@dataclass(frozen=True)
class Gateway:
    """A device with a policy of its own, and one that reads whatever the broker passes on."""

    cloud: LocalCloud
    device: Device
    reader: Device
    name: str

    def connect(self, protocol: int = mqtt.MQTTv311) -> AbstractContextManager[Connection]:
        return connection(self.cloud, self.device, self.name, protocol=protocol)


@pytest.fixture
def gateway(route: Route, cloud: LocalCloud, tmp_path: Path) -> Gateway:
    """May connect as itself and publish to the route's Basic Ingest topic alone."""
    device, reader = enrol(cloud, tmp_path / "device"), enrol(cloud, tmp_path / "reader")
    allow(
        cloud,
        device,
        route.name,
        {"Action": "iot:Connect", "Resource": arn(cloud, f"client/{route.name}")},
        {"Action": "iot:Publish", "Resource": arn(cloud, f"topic/{route.basic_ingest_topic}")},
    )
    allow(cloud, reader, f"{route.name}-reader", {"Action": "iot:*", "Resource": "*"})
    return Gateway(cloud, device, reader, route.name)


def test_basic_ingest_reaches_its_rule_alone(route: Route, gateway: Gateway, cloud: LocalCloud) -> None:
    """Neither a subscriber to everything nor a rule on everything gets the message; at QoS 0 it passes as well."""
    route.rule()
    everything = {"sql": "SELECT * FROM '#'", "awsIotSqlVersion": "2016-03-23", "actions": [route.s3]}
    cloud.client("iot").create_topic_rule(ruleName=f"{route.rule_name}_all", topicRulePayload=everything)
    received: list[str] = []
    subscribed, last = threading.Event(), threading.Event()

    def on_message(_client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        received.append(message.topic)
        if message.topic == f"{route.name}/last":
            last.set()

    with connection(cloud, gateway.reader, f"{route.name}-reader") as reading:
        reading.client.on_message = on_message
        reading.client.on_subscribe = lambda *_: subscribed.set()
        reading.client.subscribe("#", qos=1)
        assert subscribed.wait(PATIENCE)
        with gateway.connect() as mine:
            mine.client.publish(route.basic_ingest_topic, b"0", qos=0)
            assert mine.publish(route.basic_ingest_topic, b"1")
        cloud.client("iot").delete_topic_rule(ruleName=f"{route.rule_name}_all")
        assert reading.publish(f"{route.name}/last", b"")
        assert last.wait(PATIENCE)
    assert [record["Data"] for record in route.records()] == [b"0", b"1"]
    assert {record["PartitionKey"].split("/")[1] for record in route.records()} == {route.name}
    assert [topic for topic in received if route.name in topic] == [f"{route.name}/last"]
    assert route.errors() == {}  # which the rule on everything would have written to


@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5], ids=["3.1.1", "5"])
@pytest.mark.parametrize(
    "other",
    ["{topic}", "$aws/rules/{rule}", "$aws/rules/{rule}/stations/lyon/{name}/measurements", "$aws/rules/x/{topic}"],
    ids=["broker", "rule alone", "foreign topic", "foreign rule"],
)
def test_a_policy_must_name_the_basic_ingest_topic(route: Route, gateway: Gateway, protocol: int, other: str) -> None:
    route.rule()
    with gateway.connect(protocol) as mine:
        assert mine.publish(route.basic_ingest_topic, b"own")
        mine.client.publish(other.format(rule=route.rule_name, topic=route.topic, name=route.name), b"x", qos=0)
        assert mine.dropped.wait(PATIENCE)
    assert [record["Data"] for record in route.records()] == [b"own"]


def test_the_filter_of_a_rule_does_not_hold_for_basic_ingest(route: Route) -> None:
    route.rule()
    for topic in ("1/2/other", ""):
        route.publish(b"x", f"$aws/rules/{route.rule_name}/{topic}".rstrip("/"))
    (record,) = route.records()
    assert record["PartitionKey"].split("/")[1] == "other"
    # topic(3) of no topic is undefined, so that the action fails, and the error action's key with it.
    assert "topic(3)" in route.cloud.control("GET", "iot")["latest"][-1]["reason"]


@pytest.mark.parametrize("disabled", [True, False])
def test_a_rule_that_is_not_there_is_measured_and_the_publish_acknowledged(
    route: Route, gateway: Gateway, disabled: bool
) -> None:
    if disabled:
        route.rule(ruleDisabled=True)
    before = route.cloud.control("GET", "iot")["lost"]
    with gateway.connect() as mine:
        assert mine.publish(route.basic_ingest_topic, b"x")
    assert route.records() == []
    rule = {"RuleName": route.rule_name}
    assert sums(route.cloud, "AWS/IoT", rule, "RuleNotFound", "TopicMatch") == {"RuleNotFound": 1}
    assert route.cloud.control("GET", "iot")["lost"] == before + 1
    (loss,) = route.losses()
    assert (loss["rule"], loss["sha256"]) == (route.rule_name, hashlib.sha256(b"x").hexdigest())


def test_a_failed_action_goes_to_the_error_action_as_through_the_broker(route: Route, cloud: LocalCloud) -> None:
    """The document names the topic in one form or, by a control call, in the other."""
    route.rule()
    cloud.client("kinesis").delete_stream(StreamName=route.name)
    topics = {}
    try:
        for form in ("received", "seen"):
            cloud.control("POST", "iot/behaviour", {"error_topic": form})
            route.publish(form.encode(), route.basic_ingest_topic)
    finally:
        cloud.control("POST", "iot/behaviour", {"error_topic": "received"})
    for key, error in route.errors().items():
        assert key.startswith(f"errors/{route.name}/")
        topics[base64.b64decode(error["base64OriginalPayload"]).decode()] = error["topic"]
        assert f"arrived on: {error['topic']}," in error["failures"][0]["errorMessage"]
    assert topics == {"received": route.basic_ingest_topic, "seen": route.topic}
    with pytest.raises(CallError, match="error_topic must be one of received, seen"):
        cloud.control("POST", "iot/behaviour", {"error_topic": "both"})


LONG = "/".join(["x" * 31] * 8)
"""A topic of 255 bytes and eight levels."""


@pytest.mark.parametrize(
    ("topic", "accepted"),
    [
        (LONG + "x", True),
        (LONG + "xx", False),
        ("1/2/3/4/5/6/7/8", True),
        ("1/2/3/4/5/6/7/8/9", False),
    ],
    ids=["256 bytes", "257 bytes", "eight levels", "nine levels"],
)
@pytest.mark.parametrize("ingest", [True, False], ids=["Basic Ingest", "broker"])
def test_the_prefix_counts_neither_to_length_nor_to_levels(
    route: Route, gateway: Gateway, topic: str, accepted: bool, ingest: bool
) -> None:
    whole = f"$aws/rules/{route.rule_name}/{topic}" if ingest else topic
    with connection(gateway.cloud, gateway.reader, f"{route.name}-reader") as anything:
        assert anything.publish(whole, b"x") is accepted


@pytest.mark.parametrize(
    ("topic", "accepted"),
    [(LONG + "x", True), (LONG + "xx", False), ("a/+/c", False)],
    ids=["256 bytes", "257 bytes", "wildcard"],
)
def test_over_https_the_prefix_does_not_count_to_the_length_either(route: Route, topic: str, accepted: bool) -> None:
    with nullcontext() if accepted else refused("InvalidRequestException"):
        route.publish(b"x", f"$aws/rules/{route.rule_name}/{topic}")


@pytest.mark.parametrize("topic_filter", ["$aws/rules/#", "$aws/rules/+/stations/#"])
def test_nobody_subscribes_to_basic_ingest(route: Route, gateway: Gateway, topic_filter: str) -> None:
    with connection(gateway.cloud, gateway.reader, f"{route.name}-reader") as reading:
        codes: list[Any] = []
        answered = threading.Event()

        def on_subscribe(_client: Any, _data: Any, _id: int, reasons: list[Any], _properties: Any) -> None:
            codes.extend(reasons)
            answered.set()

        reading.client.on_subscribe = on_subscribe
        reading.client.subscribe(topic_filter, qos=1)
        while not (reading.dropped.is_set() or answered.wait(0.005)):
            pass
        assert all(code.is_failure for code in codes)
