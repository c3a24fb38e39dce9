"""Rules: what reaches the stream, what reaches the error action, and what is lost and counted."""

# ruff: noqa: S608 - IoT's SQL, of which nobody gives a part

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.testing.datapoints import sums
from localcloud.testing.devices import allow, arn, connection, enrol

pytestmark = pytest.mark.cloud

KEY = "errors/${topic(3)}/${timestamp()}-${newuuid()}.json"


@dataclass(frozen=True)
class Lane:
    """A stream, a bucket, a role that may write to both, and a topic of its own."""

    cloud: LocalCloud
    name: str
    role_arn: str

    @property
    def topic(self) -> str:
        return f"factories/krakow/{self.name}/measurements"

    @property
    def kinesis(self) -> dict[str, Any]:
        key = "${timestamp()}/${topic(3)}/${newuuid()}"
        return {"kinesis": {"streamName": self.name, "partitionKey": key, "roleArn": self.role_arn}}

    @property
    def s3(self) -> dict[str, Any]:
        return {"s3": {"bucketName": self.name, "key": KEY, "roleArn": self.role_arn}}

    def rule(self, sql: str | None = None, **payload: Any) -> None:
        """Creates the lane's rule; keyword arguments replace members of its payload."""
        rule = {
            "sql": sql or f"SELECT * FROM 'factories/+/{self.name}/measurements'",
            "awsIotSqlVersion": "2016-03-23",
            "actions": [self.kinesis],
            "errorAction": self.s3,
        }
        name = self.name.replace("-", "_")
        self.cloud.client("iot").create_topic_rule(ruleName=name, topicRulePayload={**rule, **payload})

    def publish(self, payload: bytes) -> None:
        """Publishes to the lane's topic over HTTPS; the rule has run when this returns."""
        self.cloud.client("iot-data").publish(topic=self.topic, qos=1, payload=payload)

    def records(self) -> list[dict[str, Any]]:
        kinesis = self.cloud.client("kinesis")
        shards = kinesis.list_shards(StreamName=self.name)["Shards"]
        records = []
        for shard in shards:
            start = {
                "StreamName": self.name,
                "ShardId": shard["ShardId"],
                "ShardIteratorType": "TRIM_HORIZON",
            }
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
def lane(cloud: LocalCloud, make_role: Callable[..., str]) -> Lane:
    name = f"lane-{uuid.uuid4().hex[:12]}"
    cloud.client("kinesis").create_stream(StreamName=name, ShardCount=1)
    place = {"LocationConstraint": cloud.region}
    cloud.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    stream = f"arn:aws:kinesis:{cloud.region}:{cloud.account_id}:stream/{name}"
    role = make_role(
        "iot.amazonaws.com",
        {"Action": "kinesis:PutRecord", "Resource": stream},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/errors/*"},
    )
    return Lane(cloud, name, role)


@pytest.mark.parametrize("payload", [b'{"a": 1}', b"\xff no json", b" "])
def test_a_message_reaches_the_stream_as_it_came(lane: Lane, payload: bytes) -> None:
    lane.rule()
    lane.publish(payload)
    (record,) = lane.records()
    arrived, gateway, key = record["PartitionKey"].split("/")
    assert record["Data"] == payload
    assert gateway == lane.name
    assert abs(int(arrived) / 1000 - record["ApproximateArrivalTimestamp"].timestamp()) < 5
    assert uuid.UUID(key)


def test_a_message_over_mqtt_is_in_the_stream_when_it_is_acknowledged(
    lane: Lane, cloud: LocalCloud, tmp_path: Path
) -> None:
    lane.rule()
    device = enrol(cloud, tmp_path)
    anything = {"Action": ["iot:Connect", "iot:Publish"], "Resource": arn(cloud, "*")}
    allow(cloud, device, lane.name, anything)
    with connection(cloud, device, lane.name) as gateway:
        assert all(gateway.publish(lane.topic, str(n).encode()) for n in range(20))
        assert [record["Data"] for record in lane.records()] == [str(n).encode() for n in range(20)]


@pytest.mark.parametrize("topic", ["factories/krakow/measurements", "factories/krakow/{}/configuration"])
def test_a_topic_outside_the_filter_is_not_the_rules_concern(
    lane: Lane, cloud: LocalCloud, topic: str
) -> None:
    lane.rule()
    cloud.client("iot-data").publish(topic=topic.format(lane.name), qos=1, payload=b"{}")
    assert lane.records() == []
    assert lane.losses() == []


def test_a_disabled_rule_does_nothing(lane: Lane) -> None:
    lane.rule(ruleDisabled=True)
    lane.publish(b"{}")
    assert lane.records() == []


def test_a_stream_that_is_gone_sends_the_message_to_the_error_action(lane: Lane, cloud: LocalCloud) -> None:
    lane.rule()
    cloud.client("kinesis").delete_stream(StreamName=lane.name)
    lane.publish(b"\xff original")
    ((key, error),) = lane.errors().items()
    assert key.startswith(f"errors/{lane.name}/")
    assert base64.b64decode(error["base64OriginalPayload"]) == b"\xff original"
    assert error["topic"] == lane.topic
    assert error["ruleName"] == lane.name.replace("-", "_")
    assert set(error) == {
        *("ruleName", "topic", "cloudwatchTraceId", "clientId", "sourceIp"),
        *("base64OriginalPayload", "failures"),
    }
    (failure,) = error["failures"]
    assert (failure["failedAction"], failure["failedResource"]) == ("KinesisAction", lane.name)
    assert "ResourceNotFoundException" in failure["errorMessage"]
    assert lane.losses() == []


def test_a_throttled_stream_sends_the_message_to_the_error_action(lane: Lane, cloud: LocalCloud) -> None:
    lane.rule()
    error = "ProvisionedThroughputExceededException"
    fault = cloud.faults.add(service="kinesis", operation="PutRecord", resource=lane.name, error=error)
    lane.publish(b"1")
    lane.publish(b"2")
    assert cloud.faults.hits(fault) == 1
    (document,) = lane.errors().values()
    assert error in document["failures"][0]["errorMessage"]
    assert [record["Data"] for record in lane.records()] == [b"2"]


def test_one_error_document_names_every_failure_and_the_other_actions_run(lane: Lane) -> None:
    absent = {"kinesis": {**lane.kinesis["kinesis"], "streamName": "absent"}}
    denied = {"s3": {**lane.s3["s3"], "key": "elsewhere/x"}}
    lane.rule(actions=[absent, denied, lane.kinesis])
    lane.publish(b"x")
    (document,) = lane.errors().values()
    assert [each["failedAction"] for each in document["failures"]] == ["KinesisAction", "S3Action"]
    assert all("AccessDenied" in each["errorMessage"] for each in document["failures"])
    assert len(lane.records()) == 1


def test_an_action_acts_as_its_role_alone(lane: Lane, make_role: Callable[..., str]) -> None:
    stranger = make_role(
        "iot.amazonaws.com", {"Action": "kinesis:PutRecord", "Resource": "arn:aws:kinesis:*:*:stream/x"}
    )
    lane.rule(actions=[{"kinesis": {**lane.kinesis["kinesis"], "roleArn": stranger}}])
    lane.publish(b"x")
    assert lane.records() == []
    (document,) = lane.errors().values()
    assert "AccessDeniedException" in document["failures"][0]["errorMessage"]


def test_a_role_that_does_not_trust_iot_is_of_no_use(lane: Lane, make_role: Callable[..., str]) -> None:
    stranger = make_role("firehose.amazonaws.com", {"Action": "kinesis:PutRecord", "Resource": "*"})
    lane.rule(actions=[{"kinesis": {**lane.kinesis["kinesis"], "roleArn": stranger}}])
    lane.publish(b"x")
    assert lane.records() == []
    (document,) = lane.errors().values()
    assert "sts:AssumeRole" in document["failures"][0]["errorMessage"]


@pytest.mark.parametrize("error_action", [None, "denied"])
def test_without_a_working_error_action_the_loss_is_counted(
    lane: Lane, cloud: LocalCloud, error_action: str | None
) -> None:
    denied = {"s3": {**lane.s3["s3"], "key": "elsewhere/${newuuid()}"}}
    cloud.client("kinesis").delete_stream(StreamName=lane.name)
    lane.rule(errorAction=denied) if error_action else lane.rule(errorAction={})
    before = cloud.control("GET", "iot")["lost"]
    lane.publish(b"x")
    (loss,) = lane.losses()
    assert cloud.control("GET", "iot")["lost"] == before + 1
    assert ("error action failed" if error_action else "no error action") in loss["reason"]


def test_a_statement_that_cannot_read_the_payload_loses_it_though_there_is_an_error_action(
    lane: Lane,
) -> None:
    lane.rule(f"SELECT *, timestamp() AS at FROM 'factories/+/{lane.name}/measurements'")
    lane.publish(b"no json")
    assert lane.records() == []
    assert lane.errors() == {}
    (loss,) = lane.losses()
    assert loss["sha256"] == hashlib.sha256(b"no json").hexdigest()
    assert "SQL evaluation failed" in loss["reason"]


def test_a_where_clause_chooses(lane: Lane) -> None:
    lane.rule(f"SELECT * FROM 'factories/+/{lane.name}/measurements' WHERE success = false")
    lane.publish(b'{"success": true}')
    lane.publish(b'{"success": false}')
    assert [record["Data"] for record in lane.records()] == [b'{"success": false}']
    assert lane.losses() == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"sql": "SELECT lower(x) AS y FROM 't'"}, "SqlParseException"),
        ({"awsIotSqlVersion": "2015-10-08"}, "SqlParseException"),
        (
            {
                "actions": [
                    {"sns": {"targetArn": "arn:aws:sns:eu-central-1:000000000000:t", "roleArn": "{role}"}}
                ]
            },
            "InvalidRequestException",
        ),
        ({"actions": [{"kinesis": {"streamName": "b", "roleArn": "{role}"}}]}, "InvalidRequestException"),
        (
            {"actions": [{"s3": {"bucketName": "b", "key": "${nope()}", "roleArn": "{role}"}}]},
            "SqlParseException",
        ),
        ({"errorAction": {"republish": {"topic": "t", "roleArn": "{role}"}}}, "InvalidRequestException"),
    ],
)
def test_a_rule_that_could_not_run_is_refused_when_it_is_created(
    lane: Lane, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        lane.rule(**json.loads(json.dumps(members).replace("{role}", lane.role_arn)))
    assert refused.value.response["Error"]["Code"] == code


def test_what_rules_and_their_actions_do_is_measured(lane: Lane) -> None:
    lane.rule()
    lane.publish(b"1")
    for error_action_fails in (False, True):
        lane.cloud.faults.add(
            service="kinesis",
            operation="PutRecord",
            resource=lane.name,
            error="ProvisionedThroughputExceededException",
        )
        if error_action_fails:
            lane.cloud.faults.add(service="s3", operation="PutObject", resource=lane.name, error="SlowDown")
        lane.publish(b"2")

    rule = {"RuleName": lane.name.replace("-", "_")}
    names = ("Success", "Failure", "ErrorActionSuccess", "ErrorActionFailure")
    assert sums(lane.cloud, "AWS/IoT", rule, "TopicMatch", *names) == {"TopicMatch": 3}
    stream = sums(lane.cloud, "AWS/IoT", {**rule, "ActionType": "Kinesis"}, *names)
    assert stream == {"Success": 1, "Failure": 2}
    errors = sums(lane.cloud, "AWS/IoT", {**rule, "ActionType": "S3"}, *names)
    assert errors == {"ErrorActionSuccess": 1, "ErrorActionFailure": 1}
    throttled = sums(
        lane.cloud, "AWS/Kinesis", {"StreamName": lane.name}, "WriteProvisionedThroughputExceeded"
    )
    assert throttled == {"WriteProvisionedThroughputExceeded": 2}
