"""A redrive brings messages into their tables afterwards: once, and as if they had never been late."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from factory_lake.gateway.identities import LANES, Lane
from factory_lake.reconcile.redriven import RECORDS
from factory_lake.redrive import findings as outcomes
from factory_lake.redrive.datastream import DataStream, StreamRecord
from factory_lake.redrive.findings import Findings
from factory_lake.redrive.lake import LaneClients, Settings, lanes, parts_of, prediction_of
from factory_lake.redrive.lines import list_objects, read_lines
from factory_lake.redrive.objects import ObjectRedrive, Options
from factory_lake.redrive.origins import envelope
from factory_lake.redrive.permissions import policy
from factory_lake.redrive.skipped import RangeRedrive
from harness.lake import LocalLake
from harness.lake.functions import function_environment
from tests.e2e.plant import Factory, broken_code, sample, wait_until

FACTORY = "bergen"
_DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def operator(lake: LocalLake) -> LaneClients:
    """Clients of a role that may do what a redrive needs, and nothing else."""
    cloud = lake.cloud
    iam = cloud.client("iam")
    keys = lake.variables["kms_keys"]
    document = policy(
        lanes(lake.outputs, [FACTORY]),
        "aws",
        cloud.region,
        cloud.account_id,
        [keys["streams"]],
        [keys["buckets"]],
        [keys["functions"]],
        tables=True,
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{cloud.account_id}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    role = iam.create_role(RoleName="redrive-operator", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName="redrive-operator", PolicyName="redrive", PolicyDocument=json.dumps(document))
    session = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="operator")["Credentials"]
    return LaneClients(
        cloud.client("s3", session),
        cloud.client("kinesis", session),
        cloud.client("kinesis", session, attempts=1),
        cloud.client("logs", session),
        cloud.client("lambda", session),
    )


def test_messages_in_errors_get_into_their_tables_once_and_with_their_first_arrival(
    lake: LocalLake, factory: Callable[[str], Factory], operator: LaneClients
) -> None:
    bergen = factory(FACTORY)
    function = lake.outputs["transform_functions"][FACTORY]["measurements"]
    old = [sample(timestamp=time.time_ns() // 1_000_000 - 2 * _DAY_MS) for _ in range(3)]
    with function_environment(lake.cloud, function, TIMESTAMP_PAST_DAYS="1"):
        bergen.send([*old, b"not JSON"])
        bergen.deliver()
    with broken_code(lake, function, "import os\n    os._exit(1)"):
        bergen.send([sample() for _ in range(4)])
        bergen.deliver()
    with _no_stream(lake, "measurements"), _no_stream(lake, "configuration"):
        bergen.send([sample(), sample()])
        bergen.send([b'{"recipe": "A-100", "big": 12345678901234567890}', b"{}"], "configuration")
    counts = bergen.reconcile().total
    assert (counts.delivered, counts.rejected, counts.error_action, counts.lost) == (0, 8, 4, 0)
    first = {lane: _keys(lake, lane) for lane in LANES}

    predicted = _redrive(lake, operator, Options())
    assert predicted.total(outcomes.WOULD_REDRIVE) == 11
    assert predicted.total(outcomes.REFUSED_AGAIN) == 1  # nothing helps what is not JSON
    assert bergen.reconcile().total == counts

    done = _redrive(lake, operator, Options(apply=True))
    bergen.deliver()

    assert done.problems == []
    assert done.total(outcomes.REDRIVEN) == 11
    assert {"TIMESTAMP_TOO_OLD", "NOT_JSON"} <= {one.rule for one in predicted.counts}
    report = bergen.reconcile()
    assert report.discrepancies == ()
    assert (report.total.delivered, report.total.rejected, report.total.error_action) == (11, 1, 0)
    # The very millisecond of the first arrival, which the rule stamped or the document's key has.
    for lane in LANES:
        redriven = _keys(lake, lane)[len(first[lane]) :]
        assert Counter(_arrivals(bergen, lane)) == Counter(redriven)
    stamped = Counter(first["measurements"])
    in_table = Counter(_arrivals(bergen, "measurements"))
    assert (in_table & stamped).total() == stamped.total() - 1  # all that the stream had but what is no JSON
    again = _redrive(lake, operator, Options(apply=True))
    assert again.total(outcomes.REDRIVEN) == 0
    assert again.total(outcomes.BEFORE) == 11


def test_a_killed_redrive_goes_on_without_a_second_copy(
    lake: LocalLake, factory: Callable[[str], Factory], operator: LaneClients, tmp_path: Path
) -> None:
    bergen = factory(FACTORY)
    # A redriven message keeps its first arrival, so this leaves out what other tests sent.
    since_ms = time.time_ns() // 1_000_000
    before = bergen.counts().delivered if any(bergen.journals.iterdir()) else 0
    with broken_code(lake, lake.outputs["transform_functions"][FACTORY]["measurements"], "raise RuntimeError('bug')"):
        bergen.send([sample() for _ in range(40)])
        bergen.deliver()
    arguments = ["redrive", "errors", "--lake", str(lake.describe())]
    start = len(_keys(lake, "measurements", since_ms))
    redrive = subprocess.Popen(
        [sys.executable, "-m", "factory_lake.cli", *arguments, "--factory", FACTORY, "--apply", "--max-rate", "8"],
        stdout=subprocess.DEVNULL,
    )
    wait_until(lambda: len(_keys(lake, "measurements", since_ms)) >= start + 16, every=0.3)
    redrive.send_signal(signal.SIGKILL)
    redrive.wait()
    assert len(_keys(lake, "measurements", since_ms)) < start + 40

    # It was killed, so there is no need to wait whether it is still alive.
    done = _redrive(lake, operator, Options(apply=True), take_over_ms=0)
    bergen.deliver()

    assert done.problems == []
    assert len(_keys(lake, "measurements", since_ms)) == start + 40
    report = bergen.reconcile()
    assert report.discrepancies == ()
    assert report.by_lane[f"{FACTORY}/measurements"].delivered == before + 40


def test_what_a_new_delivery_stream_skipped_is_redriven(
    lake: LocalLake, factory: Callable[[str], Factory], operator: LaneClients
) -> None:
    bergen = factory(FACTORY)
    since_ms = time.time_ns() // 1_000_000
    bergen.send([sample() for _ in range(3)])
    bergen.deliver()
    with _without_delivery(lake, "measurements"):
        bergen.send([sample() for _ in range(5)])
        bergen.send([b"not JSON either"])
    bergen.send([sample() for _ in range(3)])
    bergen.deliver()
    until_ms = time.time_ns() // 1_000_000
    assert bergen.reconcile().total.lost == 6

    (names,) = lanes(lake.outputs, [FACTORY], "measurements")
    for redriven in (6, 0):
        findings = Findings()
        parts = parts_of(names, operator, Settings())
        prediction = prediction_of(names, operator, Settings())
        RangeRedrive(operator.s3, parts, prediction, Options(apply=True), findings).redrive(since_ms, until_ms)
        assert findings.total(outcomes.REDRIVEN) == redriven
        assert findings.total(outcomes.IN_PLACE) == 6
    bergen.deliver()

    report = bergen.reconcile()
    assert report.discrepancies == ()
    assert report.total.lost == 0


def test_the_operator_may_do_nothing_else(lake: LocalLake, operator: LaneClients) -> None:
    bucket = lake.outputs["buckets"]["measurements"]
    streams = lake.outputs["data_streams"]
    _denied(operator.s3.put_object, Bucket=bucket, Key=f"errors/factory={FACTORY}/measurements/x", Body=b"")
    _denied(operator.s3.put_object, Bucket=bucket, Key=f"factory={FACTORY}/x", Body=b"")
    _denied(operator.s3.put_object, Bucket=bucket, Key=f"{RECORDS}factory=krakow/measurements/x", Body=b"")
    _denied(operator.s3.list_objects_v2, Bucket=bucket, Prefix="errors/factory=krakow/")
    _denied(operator.kinesis.list_shards, StreamName=streams["krakow"]["measurements"])
    _denied(
        operator.sending.put_records,
        StreamName=streams["krakow"]["measurements"],
        Records=[{"Data": b"x", "PartitionKey": "x"}],
    )
    for key in (f"errors/factory={FACTORY}/measurements/x", f"{RECORDS}factory={FACTORY}/measurements/x"):
        _denied(operator.s3.delete_object, Bucket=bucket, Key=key)


def _redrive(lake: LocalLake, clients: LaneClients, options: Options, take_over_ms: int = 60_000) -> Findings:
    findings = Findings()
    for names in lanes(lake.outputs, [FACTORY]):
        parts = parts_of(names, clients, Settings(predict=True))
        objects = list_objects(clients.s3, names.bucket, names.factory, names.lane)
        redrive = ObjectRedrive(parts, options, findings, "test", take_over_ms=take_over_ms)
        redrive.redrive(objects, partial(read_lines, clients.s3))
    return findings


def _keys(lake: LocalLake, lane: Lane, since_ms: int = 0) -> list[tuple[int | None, str | None]]:
    """Arrival and gateway of every record that the lane's data stream took, in order; none of earlier arrival."""
    stream = DataStream(lake.cloud.client("kinesis"), lake.outputs["data_streams"][FACTORY][lane])
    records: list[StreamRecord] = sorted(stream.read(0), key=lambda record: int(record.sequence))
    origins = [envelope(record.partition_key, record.arrival_ms) for record in records]
    return [(at, origin.gateway) for origin in origins if (at := origin.received_ms or 0) >= since_ms]


def _arrivals(factory: Factory, lane: Lane) -> list[tuple[int | None, str | None]]:
    """Arrival and gateway of every row of the lane's table."""
    rows = [one for one in factory.found() if one.place == "table" and one.lane == lane]
    return [(row.received_ms, row.gateway) for row in rows]


@contextmanager
def _no_stream(lake: LocalLake, lane: Lane) -> Iterator[None]:
    """Makes a data stream unavailable to the topic rules for a while."""
    lake.cloud.faults.add(
        service="kinesis",
        operation="PutRecord",
        resource=lake.outputs["data_streams"][FACTORY][lane],
        error="ProvisionedThroughputExceededException",
        times=None,
    )
    try:
        yield
    finally:
        lake.cloud.faults.clear()


@contextmanager
def _without_delivery(lake: LocalLake, lane: Lane) -> Iterator[None]:
    """Takes a delivery stream away for a while, and makes it anew as it was."""
    firehose = lake.cloud.client("firehose")
    name = lake.outputs["delivery_streams"][FACTORY][lane]
    old: dict[str, Any] = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    (destination,) = old["Destinations"]
    source = old["Source"]["KinesisStreamSourceDescription"]
    firehose.delete_delivery_stream(DeliveryStreamName=name)
    try:
        yield
    finally:
        firehose.create_delivery_stream(
            DeliveryStreamName=name,
            DeliveryStreamType=old["DeliveryStreamType"],
            KinesisStreamSourceConfiguration={
                "KinesisStreamARN": source["KinesisStreamARN"],
                "RoleARN": source["RoleARN"],
            },
            ExtendedS3DestinationConfiguration=destination["ExtendedS3DestinationDescription"],
        )


def _denied(call: Callable[..., object], **arguments: Any) -> None:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    assert refused.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}
