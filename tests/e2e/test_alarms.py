"""Every alarm is provoked, notifies, and ends with its cause.

No test waits for time to pass: data points, messages and schedules become older on command, and the alarms
are evaluated at once.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.camera.archiver import run_archiver, schedule_off
from harness.camera.journal import Journal
from harness.lake import LocalLake
from tests.e2e.plant import PATIENCE, Factory, broken_code, film, sample, wait_until

FACTORY, LANE = "malmo", "measurements"
NOT_PROVOKED = {"rule-throttled": "the local rules engine throttles no rule"}
MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass
class Plant:
    """The factory whose alarms are tried, and the queue that gets their notifications."""

    factory: Factory
    queue: str
    journals: Path
    heard: list[tuple[str, str]] = field(default_factory=list)

    @property
    def lake(self) -> LocalLake:
        return self.factory.lake

    @cached_property
    def alarms(self) -> dict[str, str]:
        """Names of the factory's alarms in CloudWatch, by the names that the lake's output has."""
        names: dict[str, dict[str, str]] = self.lake.outputs["alarms"][FACTORY]
        return {**names["messages"], **names["video"]}

    @cached_property
    def stream(self) -> str:
        return str(self.lake.outputs["data_streams"][FACTORY][LANE])

    @cached_property
    def connections(self) -> str:
        return str(self.lake.outputs["connections"][FACTORY]["delivery_stream"])

    @cached_property
    def transform(self) -> str:
        return str(self.lake.outputs["transform_functions"][FACTORY][LANE])

    @cached_property
    def video(self) -> dict[str, Any]:
        found: dict[str, Any] = self.lake.outputs["video"][FACTORY]
        return found

    def named(self, kinds: set[str]) -> set[str]:
        """The alarms in CloudWatch that are of these kinds: of one lane, of its cameras and its schedules."""
        return {
            name for key, name in self.alarms.items() if kind_of(key) in kinds and not key.startswith("configuration-")
        }

    def until(self, state: str, kinds: set[str]) -> None:
        """Evaluates alarms until all of these kinds have a state, and have notified of it."""
        names = self.named(kinds)
        client = self.lake.cloud.client("cloudwatch")
        deadline = time.monotonic() + PATIENCE
        while True:
            self.lake.cloud.control("POST", "alarms", {})
            self._listen()
            found = {one["AlarmName"]: one for one in _pages(client, names)}
            quiet = {name for name in names if found[name]["StateValue"] != state}
            unheard = {name for name in names if (name, state) not in self.heard}
            if not quiet and not unheard:
                self.heard.clear()
                return
            if time.monotonic() > deadline:
                reasons = {name: found[name]["StateReason"] for name in quiet}
                raise AssertionError(f"not {state}: {reasons}; not heard: {unheard}")
            time.sleep(0.2)

    def rest(self, kinds: set[str]) -> None:
        """Evaluates alarms until none of these kinds is firing, whatever went before."""
        client = self.lake.cloud.client("cloudwatch")

        def is_quiet() -> bool:
            self.lake.cloud.control("POST", "alarms", {})
            return all(one["StateValue"] != "ALARM" for one in _pages(client, self.named(kinds)))

        wait_until(is_quiet)
        self._listen()
        self.heard.clear()

    def age(self, seconds: int) -> None:
        """Makes all data points of the factory's metrics older."""
        lanes = ("measurements", "configuration")
        outputs = ("data_streams", "delivery_streams", "transform_functions")
        resources = [str(self.lake.outputs[output][FACTORY][lane]) for output in outputs for lane in lanes]
        rules = self.lake.cloud.client("iot").list_topic_rules()["rules"]
        resources += [rule["ruleName"] for rule in rules if f"/{FACTORY}/" in rule["topicPattern"]]
        resources += [FACTORY, self.connections, self.video["clip_function"], *self.video["schedule_rules"]]
        self.lake.cloud.control("POST", "metrics/age", {"resources": resources, "seconds": seconds})

    def send(self, payloads: list[bytes]) -> None:
        """Sends messages and has them delivered."""
        self.factory.send(payloads)
        self.factory.deliver()

    def put(self, payloads: list[bytes]) -> None:
        """Puts records into the data stream, past the broker."""
        kinesis = self.lake.cloud.client("kinesis")
        for payload_batch in batches(payloads):
            records = [{"Data": data, "PartitionKey": str(at)} for at, data in enumerate(payload_batch)]
            assert kinesis.put_records(StreamName=self.stream, Records=records)["FailedRecordCount"] == 0

    def fail(self, **fault: Any) -> str:
        return self.lake.cloud.faults.add(**fault)

    def run(self) -> None:
        """Runs the archiver, whatever comes of it."""
        run_archiver(self.lake.cloud, self.video["clip_function"])

    def film(self, stream: str, seconds: float, ago: float) -> None:
        """Sends footage that began so long ago."""
        film(self.lake.cloud, stream, Journal(self.journals / f"{stream}.jsonl"), seconds, ago=ago)

    def _listen(self) -> None:
        sqs = self.lake.cloud.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                notification = json.loads(json.loads(message["Body"])["Message"])
                self.heard.append((notification["AlarmName"], notification["NewStateValue"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])


def transform_crashes(plant: Plant) -> Iterator[None]:
    body = "if 'slow' in event:\n        while True: pass\n    raise RuntimeError('bug')"
    with broken_code(plant.lake, plant.transform, body):
        for turn in range(2):
            if turn:
                plant.age(15 * MINUTE)
            plant.fail(
                service="lambda", operation="Invoke", resource=plant.transform, error="TooManyRequestsException"
            )
            plant.send([sample() for _ in range(6)])
        plant.lake.cloud.client("lambda").invoke(FunctionName=plant.transform, Payload=b'{"slow": true}')
        yield


def messages_are_refused(plant: Plant) -> Iterator[None]:
    plant.send([sample() for _ in range(3)] + [b"not JSON"] * 3)
    yield


def rows_do_not_fit(plant: Plant) -> Iterator[None]:
    """Each of 501 records in a day of its own, and none with a number where the table wants one."""
    body = (
        "import base64, json\n"
        "    data = base64.b64encode(json.dumps({'value': 'x'}).encode()).decode()\n"
        "    return {'records': [{'recordId': record['recordId'], 'result': 'Ok', 'data': data, 'metadata': "
        "{'partitionKeys': {'year': '2026', 'month': '1', 'day': str(at)}}} "
        "for at, record in enumerate(event['records'])]}"
    )
    with broken_code(plant.lake, plant.transform, body):
        plant.put([sample()] * 501)
        plant.factory.deliver()
        yield


def the_bucket_refuses(plant: Plant) -> Iterator[None]:
    for turn in range(2):
        if turn:
            plant.age(5 * MINUTE)
        plant.fail(service="s3", operation="PutObject", resource=f"factory={FACTORY}/", error="SlowDown")
        plant.send([sample()])
    yield


def connections_are_not_written(plant: Plant) -> Iterator[None]:
    for turn in range(2):
        if turn:
            plant.age(5 * MINUTE)
        place = f"connections/factory={FACTORY}/"
        plant.fail(service="s3", operation="PutObject", resource=place, error="SlowDown")
        plant.factory.send([sample()])
        plant.lake.cloud.flush([plant.connections])
    yield


def no_engine_reads(plant: Plant) -> Iterator[None]:
    plant.lake.cloud.firehose.kill()
    try:
        plant.age(HOUR)
        yield
    finally:
        plant.lake.cloud.firehose.start()


def messages_wait(plant: Plant) -> Iterator[None]:
    """For most of the stream's retention, and more of them than one GetRecords gives."""
    summary = plant.lake.cloud.client("kinesis").describe_stream_summary(StreamName=plant.stream)
    retention = HOUR * summary["StreamDescriptionSummary"]["RetentionPeriodHours"]
    plant.lake.cloud.firehose.kill()
    try:
        plant.put([bytes(1000 * 1024)] * 11)
        waited = {"stream": plant.stream, "seconds": 0.9 * retention}
        plant.lake.cloud.control("POST", "kinesis/age", waited)
    finally:
        plant.lake.cloud.firehose.start()
    plant.factory.deliver()
    yield


def reads_are_throttled(plant: Plant) -> Iterator[None]:
    for turn in range(3):
        if turn:
            plant.age(5 * MINUTE)
        fault = plant.fail(
            service="kinesis",
            operation="GetRecords",
            resource=plant.stream,
            error="ProvisionedThroughputExceededException",
        )
        wait_until(partial(_has_hit, plant, fault))
        plant.factory.deliver()  # and with it what was measured
    yield


def the_stream_refuses(plant: Plant) -> Iterator[None]:
    throttled = {"operation": "PutRecord", "error": "ProvisionedThroughputExceededException"}
    plant.fail(service="kinesis", resource=plant.stream, **throttled)
    plant.factory.send([sample()])
    yield


def the_error_action_fails_too(plant: Plant) -> Iterator[None]:
    throttled = {"operation": "PutRecord", "error": "ProvisionedThroughputExceededException"}
    plant.fail(service="kinesis", resource=plant.stream, **throttled)
    plant.fail(service="s3", operation="PutObject", resource=f"errors/factory={FACTORY}/", error="SlowDown")
    plant.factory.send([sample()])
    yield


def a_camera_cannot_be_archived(plant: Plant) -> Iterator[None]:
    """Old footage that waits, of a camera that has sent nothing since."""
    stream = plant.video["stream_prefix"] + "tap"
    with schedule_off(plant.lake.cloud, plant.video["schedule_rules"]):
        plant.film(stream, 20, ago=58 * MINUTE)
        plant.fail(
            service="kinesis-video-archived-media", operation="GetClip", error="NotAuthorizedException", times=None
        )
        plant.run()
        plant.age(5 * MINUTE)
        plant.run()
        yield
        plant.film(stream, 20, ago=25)
        plant.run()


def footage_expires(plant: Plant) -> Iterator[None]:
    """Of a camera that Terraform did not make: its retention is shortened over footage that waits.

    What follows arrived before the change, so listings have to show that.
    """
    video, stream = plant.lake.cloud.client("kinesisvideo"), plant.video["stream_prefix"] + "sieve"
    behaviour = "kinesisvideo/behaviour"
    plant.lake.cloud.control("POST", behaviour, {"policy": {"early_list_is_empty": False}})
    arn = video.create_stream(StreamName=stream, DataRetentionInHours=2)["StreamARN"]
    with schedule_off(plant.lake.cloud, plant.video["schedule_rules"]):
        plant.film(stream, 20, ago=110 * MINUTE)
        plant.run()
        plant.film(stream, 20, ago=100 * MINUTE)
        version = video.describe_stream(StreamARN=arn)["StreamInfo"]["Version"]
        video.update_data_retention(
            StreamARN=arn, CurrentVersion=version, Operation="DECREASE_DATA_RETENTION", DataRetentionChangeInHours=1
        )
        plant.film(stream, 20, ago=60)
        plant.run()
        yield
        video.delete_stream(StreamARN=arn)
        plant.lake.cloud.control("POST", behaviour, {"policy": {"early_list_is_empty": True}})


def runs_fail(plant: Plant) -> Iterator[None]:
    function, functions = plant.video["clip_function"], plant.lake.cloud.client("lambda", attempts=1)
    handler = functions.get_function_configuration(FunctionName=function)["Handler"]
    with schedule_off(plant.lake.cloud, plant.video["schedule_rules"]):
        functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
        try:
            for turn in range(2):
                if turn:
                    plant.age(5 * MINUTE)
                with pytest.raises(ClientError, match="TooManyRequests"):
                    functions.invoke(FunctionName=function, Payload=b"{}")
        finally:
            functions.delete_function_concurrency(FunctionName=function)
        functions.update_function_configuration(FunctionName=function, Handler="nowhere.handler")
        try:
            plant.run()
        finally:
            functions.update_function_configuration(FunctionName=function, Handler=handler)
        yield
        plant.run()


def the_schedule_stands_still(plant: Plant) -> Iterator[None]:
    with schedule_off(plant.lake.cloud, plant.video["schedule_rules"]):
        plant.age(HOUR)
        yield
        plant.run()


def the_schedule_may_not_start_it(plant: Plant) -> Iterator[None]:
    function, functions = plant.video["clip_function"], plant.lake.cloud.client("lambda")
    (rule,) = plant.video["schedule_rules"]
    (granted,) = json.loads(functions.get_policy(FunctionName=function)["Policy"])["Statement"]
    functions.remove_permission(FunctionName=function, StatementId=granted["Sid"])
    try:
        plant.lake.cloud.control("POST", "schedules/fire", {"rule": rule})
    finally:
        source = granted["Condition"]["ArnLike"]
        functions.add_permission(
            FunctionName=function,
            StatementId=granted["Sid"],
            Action=granted["Action"],
            Principal=granted["Principal"]["Service"],
            SourceArn=next(value for key, value in source.items() if key.lower() == "aws:sourcearn"),
        )
    yield


PROVOKED: dict[Callable[[Plant], Iterator[None]], set[str]] = {
    transform_crashes: {
        "transform-errors",
        "transform-slow",
        "transform-throttled",
        "transform-calls-failed",
        "unprocessed",
    },
    messages_are_refused: {"rejected"},
    rows_do_not_fit: {"conversion-failed", "partitions-exceeded"},
    the_bucket_refuses: {"delivery-failed"},
    connections_are_not_written: {"connections-delivery-failed"},
    no_engine_reads: {"unread"},
    messages_wait: {"time-to-loss", "behind-latest", "data-freshness"},
    reads_are_throttled: {"read-throttled"},
    the_stream_refuses: {"write-throttled", "rule-failed", "rule-quarantined"},
    the_error_action_fails_too: {"rule-lost"},
    a_camera_cannot_be_archived: {"camera-at-risk", "footage-at-risk", "camera-silent", "cameras-failed"},
    footage_expires: {"footage-expired", "clips-flagged"},
    runs_fail: {"runs-failed", "runs-throttled"},
    the_schedule_stands_still: {"not-running"},
    the_schedule_may_not_start_it: {"start-failed"},
}
KINDS = set().union(*PROVOKED.values()) | NOT_PROVOKED.keys()


@pytest.fixture(scope="module")
def plant(lake: LocalLake, factory: Callable[[str], Factory], tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """The factory, with a queue that gets the notifications of its alarms."""
    sqs, topic = lake.cloud.client("sqs"), lake.outputs["alarm_topic_arn"]
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    lake.cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return Plant(factory(FACTORY), queue, tmp_path_factory.mktemp("alarms"))


def test_every_alarm_is_provoked_or_listed_as_not_provoked(plant: Plant) -> None:
    assert {kind_of(key) for key in plant.alarms} == KINDS
    assert not NOT_PROVOKED.keys() & set().union(*PROVOKED.values())


@pytest.mark.parametrize("provoke", PROVOKED, ids=lambda provoke: provoke.__name__.replace("_", "-"))
def test_an_alarm_fires_notifies_and_ends(plant: Plant, provoke: Callable[[Plant], Iterator[None]]) -> None:
    kinds = PROVOKED[provoke]
    while_it_lasts: Callable[[Plant], AbstractContextManager[None]] = contextmanager(provoke)
    plant.rest(kinds)
    try:
        with while_it_lasts(plant):
            plant.until("ALARM", kinds)
            plant.lake.cloud.faults.clear()
            plant.age(2 * DAY)
    finally:
        plant.lake.cloud.faults.clear()
    plant.until("OK", kinds)


def kind_of(key: str) -> str:
    """What an alarm is about, without the lane, camera or schedule that it is of."""
    kinds = [kind for kind in KINDS if re.fullmatch(rf"(.+-)?{kind}", key)]
    return max(kinds, key=len, default=key)


def batches(payloads: list[bytes]) -> Iterator[list[bytes]]:
    """As PutRecords takes them: at most 500, and 5 MB."""
    batch: list[bytes] = []
    for payload in payloads:
        if len(batch) == 500 or sum(map(len, batch)) + len(payload) > 4_500_000:
            yield batch
            batch = []
        batch.append(payload)
    yield batch


def _has_hit(plant: Plant, fault: str) -> bool:
    return plant.lake.cloud.faults.hits(fault) > 0


def _pages(client: Any, names: set[str]) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("describe_alarms").paginate(AlarmNames=sorted(names)):
        yield from page["MetricAlarms"]
