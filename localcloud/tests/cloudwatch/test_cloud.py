"""CloudWatch of a running local cloud, by boto3: what services measure, and who hears of an alarm."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.cloudwatch import wire
from localcloud.testing.datapoints import sums

pytestmark = pytest.mark.cloud


@pytest.fixture
def name() -> str:
    return f"own-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def put_alarm(cloud: LocalCloud) -> Callable[..., None]:
    """Put an alarm on a metric of the namespace Test, which fires above 0."""

    def put(name: str, **changes: Any) -> None:
        arguments = {
            "AlarmName": name,
            "Namespace": "Test",
            "MetricName": name,
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        cloud.client("cloudwatch").put_metric_alarm(**{**arguments, **changes})

    return put


def test_an_alarm_tells_its_topic_when_it_sounds_and_when_it_ends(
    cloud: LocalCloud, name: str, put_alarm: Callable[..., None]
) -> None:
    watch, sqs, sns = cloud.client("cloudwatch"), cloud.client("sqs"), cloud.client("sns")
    topic, forbidden = (sns.create_topic(Name=f"{name}-{kind}")["TopicArn"] for kind in ("own", "forbidden"))
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": forbidden}
    sns.set_topic_attributes(
        TopicArn=forbidden, AttributeName="Policy", AttributeValue=json.dumps({"Statement": [nobody]})
    )
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [anyone]})})
    for one in (topic, forbidden):
        sns.subscribe(TopicArn=one, Protocol="sqs", Endpoint=arn)
    put_alarm(name, AlarmActions=[topic, forbidden], OKActions=[topic])

    watch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": name, "Value": 1}])
    for _ in range(2):  # the second evaluation changes nothing and publishes nothing
        cloud.control("POST", "alarms", {})
    state = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    assert state["StateValue"] == "ALARM"
    assert re.match(
        r"Threshold Crossed: 1 of the last 1 datapoints \[1\.0 \(.*\)\] were greater than", state["StateReason"]
    )
    # A metric without dimensions has no resource to age: an alarm of another threshold is the end of it.
    put_alarm(name, AlarmActions=[topic], OKActions=[topic], Threshold=1)
    cloud.control("POST", "alarms", {})

    published = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            envelope = json.loads(message["Body"])
            body = json.loads(envelope["Message"])
            published.append((envelope["TopicArn"], body["AlarmName"], body["OldStateValue"], body["NewStateValue"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert published == [(topic, name, "INSUFFICIENT_DATA", "ALARM"), (topic, name, "ALARM", "OK")]
    actions = watch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    states = sorted(json.loads(one["HistoryData"])["actionState"] for one in actions)
    assert states == ["Failed", "Succeeded", "Succeeded"]


def test_one_call_answers_one_metrics_insights_query(cloud: LocalCloud) -> None:
    """So does a widget of a dashboard, which draws what this call answers."""
    now = time.time()
    select = 'SELECT SUM(Failure) FROM SCHEMA("AWS/IoT", ActionType, RuleName)'
    queries = [{"Id": name, "Expression": select, "Period": 60} for name in ("one", "two")]

    def ask(*wanted: dict[str, Any]) -> list[Any]:
        answer = cloud.client("cloudwatch").get_metric_data(MetricDataQueries=wanted, StartTime=now - 600, EndTime=now)
        return list(answer["MetricDataResults"])

    assert len(ask(queries[0])) == 1
    with pytest.raises(ClientError, match="at most one Metrics Insights query, got one, two"):
        ask(*queries)


def test_metrics_in_log_events_become_metrics_and_broken_ones_are_logged(cloud: LocalCloud, name: str) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    now_ms = time.time_ns() // 1_000_000
    directive = {"Namespace": "Test", "Dimensions": [["Queue"], ["Queue", "Rule"]], "Metrics": [{"Name": name}]}
    document = {
        "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]},
        "Queue": "configuration",
        "Rule": "blank_string",
        name: 3,
    }
    lines = ["START", json.dumps(document), json.dumps({**document, name: "three"})]
    events = [{"timestamp": now_ms, "message": line} for line in lines]
    logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)

    log = (cloud.workdir / "logs" / "core.log").read_text()
    assert f"{name}: an embedded metric document is not valid: the value of {name} must be a number" in log
    listed = cloud.client("cloudwatch").list_metrics(Namespace="Test", MetricName=name)["Metrics"]
    assert [[one["Name"] for one in metric["Dimensions"]] for metric in listed] == [["Queue"], ["Queue", "Rule"]]
    both = {"Queue": "configuration", "Rule": "blank_string"}
    assert sums(cloud, "Test", both, name) == {name: 3}


def test_a_data_stream_measures_what_goes_through_and_what_it_refuses(cloud: LocalCloud, name: str) -> None:
    kinesis = cloud.client("kinesis", attempts=1)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.put_record(StreamName=name, Data=b"12345", PartitionKey="p")
    kinesis.put_records(StreamName=name, Records=[{"Data": b"678", "PartitionKey": "p"}] * 2)
    for operation in ("PutRecord", "GetRecords"):
        cloud.faults.add(
            service="kinesis",
            operation=operation,
            error="ProvisionedThroughputExceededException",
            resource=name if operation == "PutRecord" else None,
        )
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    cloud.control("POST", "kinesis/age", {"stream": name, "seconds": 3600})
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        kinesis.put_record(StreamName=name, Data=b"", PartitionKey="p")
    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    assert len(kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]) == 3

    expected = {
        "IncomingRecords": 3,
        "IncomingBytes": 11,
        "WriteProvisionedThroughputExceeded": 1,
        "ReadProvisionedThroughputExceeded": 1,
        "GetRecords.Records": 3,
        "GetRecords.Success": 1,
    }
    oldest = "GetRecords.IteratorAgeMilliseconds"
    found = sums(cloud, "AWS/Kinesis", {"StreamName": name}, *expected, oldest)
    age = found.pop(oldest)
    assert found == expected
    assert 3_600_000 <= age < 3_660_000


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"Namespace": "AWS/Own", "MetricData": []}, "InvalidParameterValue"),
        (
            {"Namespace": "Test", "MetricData": [{"MetricName": "m", "Value": 1, "Unit": "Count/Minute"}]},
            "InvalidParameterValue",
        ),
        ({"Namespace": "Test", "MetricData": [{"MetricName": "m"}]}, "InvalidParameterCombination"),
    ],
)
def test_data_that_aws_refuses_is_refused(cloud: LocalCloud, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("cloudwatch").put_metric_data(**arguments)
    assert caught.value.response["Error"]["Code"] == code


def test_all_three_protocols_read_and_say_the_same() -> None:
    """Terraform's provider speaks Query, boto3 and others the newer two."""
    arguments = {
        "AlarmName": "a&b",
        "Threshold": 0.5,
        "ActionsEnabled": False,
        "Metrics": [{"Id": "m", "Expression": "x < 1"}],
    }
    form = (
        "Action=PutMetricAlarm&AlarmName=a%26b&Threshold=0.5&ActionsEnabled=false"
        "&Metrics.member.1.Id=m&Metrics.member.1.Expression=x+%3C+1"
    )
    target = {"x-amz-target": "GraniteServiceVersion20100801.PutMetricAlarm"}
    smithy = "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm"
    requests = [
        wire.read("/", {}, form.encode(), {}),
        wire.read("/", target, json.dumps(arguments).encode(), {}),
        wire.read(smithy, {}, cbor2.dumps(arguments), {}),
    ]
    assert [request.arguments for request in requests] == [arguments] * 3

    moment = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    said = {"MetricAlarms": [{**arguments, "StateUpdatedTimestamp": moment.timestamp(), "Unit": None}]}
    query, newer, cbor = (
        wire.answer(wire.Request(request.protocol, "DescribeAlarms", {}), said)[2] for request in requests
    )
    assert b"<StateUpdatedTimestamp>2026-03-01T12:00:00.250Z</StateUpdatedTimestamp>" in query
    assert b"<AlarmName>a&amp;b</AlarmName>" in query
    assert b"Unit" not in query
    assert json.loads(newer)["MetricAlarms"] == [{**arguments, "StateUpdatedTimestamp": moment.timestamp()}]
    assert cbor2.loads(cbor)["MetricAlarms"] == [{**arguments, "StateUpdatedTimestamp": moment}]
