"""Who is told of which alarm: what the local cloud sends through the filter of the planned subscriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud import LocalCloud

# Beside the other tests of the planned lake.
pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300), pytest.mark.xdist_group("monitoring")]


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud of its own."""
    with LocalCloud.start(tmp_path_factory.mktemp("notifications")) as started:
        yield started


def test_an_alarm_tells_of_its_beginning_and_its_end_and_not_of_its_making(
    planned: list[dict[str, Any]], cloud: LocalCloud
) -> None:
    """A new alarm goes from no data to OK, and CloudWatch sends that to the topic as it sends the rest."""
    (subscription,) = [
        change["change"]["after"] for change in planned if change["type"] == "aws_sns_topic_subscription"
    ]
    sns, watch = cloud.client("sns"), cloud.client("cloudwatch")
    topic = sns.create_topic(Name="lake-alarms")["TopicArn"]
    everything = _subscribe(cloud, topic, "everything", {})
    mailed = _subscribe(
        cloud,
        topic,
        "mailed",
        {"FilterPolicy": subscription["filter_policy"], "FilterPolicyScope": subscription["filter_policy_scope"]},
    )
    for name in ("quiet", "sounds", "at-once"):
        if name == "at-once":
            watch.put_metric_data(Namespace="Lake", MetricData=[{"MetricName": name, "Value": 1}])
        _put_alarm(watch, name, topic, above=0)
        cloud.control("POST", "alarms", {})
    watch.put_metric_data(Namespace="Lake", MetricData=[{"MetricName": "sounds", "Value": 1}])
    cloud.control("POST", "alarms", {})
    # The data point stays; beyond another threshold the alarm is over.
    _put_alarm(watch, "sounds", topic, above=1)
    cloud.control("POST", "alarms", {})

    told = [("at-once", "INSUFFICIENT_DATA", "ALARM"), ("sounds", "ALARM", "OK"), ("sounds", "OK", "ALARM")]
    made = [("quiet", "INSUFFICIENT_DATA", "OK"), ("sounds", "INSUFFICIENT_DATA", "OK")]
    assert sorted(_received(cloud, mailed)) == told
    assert sorted(_received(cloud, everything)) == sorted([*told, *made])


def _put_alarm(watch: Any, name: str, topic: str, above: float) -> None:
    watch.put_metric_alarm(
        AlarmName=name,
        Namespace="Lake",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=above,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
        OKActions=[topic],
    )


def _subscribe(cloud: LocalCloud, topic: str, name: str, attributes: dict[str, str]) -> str:
    sqs = cloud.client("sqs")
    queue = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [anyone]})})
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return queue


def _received(cloud: LocalCloud, queue: str) -> list[tuple[str, str, str]]:
    sqs, found = cloud.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            body = json.loads(json.loads(message["Body"])["Message"])
            found.append((body["AlarmName"], body["OldStateValue"], body["NewStateValue"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found
