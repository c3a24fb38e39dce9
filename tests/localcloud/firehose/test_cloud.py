"""The delivery engine in the local cloud: real roles, a real function, real faults, and SIGKILL."""

from __future__ import annotations

import base64
import io
import itertools
import json
import random
import threading
import time
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from tests.localcloud.firehose.fakes import processing
from tools.localcloud import FlushError, LocalCloud

pytestmark = pytest.mark.cloud

# The month is the record's own, so that a test can spread records over partitions; the partition key that the
# function sees goes into the line.
FUNCTION = """
import base64, json, time

def handler(event, context):
    return {"records": [transform(record) for record in event["records"]]}

def transform(record):
    data = json.loads(base64.b64decode(record["data"]))
    if data.get("crash"):
        raise RuntimeError("crash")
    if data.get("sleep"):
        time.sleep(data["sleep"])
    if data.get("reject"):
        return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}
    data["_envelope"] = record["kinesisRecordMetadata"]["partitionKey"]
    line = json.dumps(data).encode() + b"\\n"
    keys = {"year": "2026", "month": "%02d" % data.get("month", 3)}
    return {"recordId": record["recordId"], "result": "Ok", "data": base64.b64encode(line).decode(),
            "metadata": {"partitionKeys": keys}}
"""

_numbers = itertools.count(1)


def trust(service: str, source: str | None = None) -> str:
    condition = {"Condition": {"ArnLike": {"aws:SourceArn": source}}} if source else {}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        **condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Lane:
    """A data stream, a transform function, a bucket and the delivery stream between them."""

    cloud: LocalCloud
    name: str
    converts: bool = False

    def __post_init__(self) -> None:
        client = self.cloud.client
        self.kinesis, self.s3, self.firehose = client("kinesis"), client("s3"), client("firehose")
        self.iam, self.functions, self.glue = client("iam"), client("lambda"), client("glue")
        self.sent: list[bytes] = []
        account = f"{self.cloud.region}:{self.cloud.account_id}"
        self.arn = f"arn:aws:firehose:{account}:deliverystream/{self.name}"
        self.stream_arn = f"arn:aws:kinesis:{account}:stream/{self.name}"
        self.role_arn = f"arn:aws:iam::{self.cloud.account_id}:role/{self.name}"

    def build(self, **changes: Any) -> Lane:
        """Make all of it; `changes` go into the S3 destination."""
        location = {"LocationConstraint": self.cloud.region}
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=location)
        self.kinesis.create_stream(StreamName=self.name, ShardCount=1)
        self.iam.create_role(
            RoleName=self.name, AssumeRolePolicyDocument=trust("firehose.amazonaws.com", self.arn)
        )
        self.allow("factory=own/*", "errors/factory=own/*")
        self.iam.create_role(
            RoleName=f"{self.name}-f", AssumeRolePolicyDocument=trust("lambda.amazonaws.com")
        )
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("transform.py", FUNCTION)
        self.functions.create_function(
            FunctionName=self.name,
            Runtime="python3.13",
            Role=f"{self.role_arn}-f",
            Handler="transform.handler",
            Code={"ZipFile": package.getvalue()},
            Timeout=2,
        )
        if self.converts:
            self.glue.create_database(DatabaseInput={"Name": self.name})
            columns = [{"Name": name, "Type": kind} for name, kind in (("n", "bigint"), ("ts", "timestamp"))]
            table = {"Name": "rows", "StorageDescriptor": {"Columns": columns}}
            self.glue.create_table(DatabaseName=self.name, TableInput=table)
            changes["DataFormatConversionConfiguration"] = self.conversion()
        self.create(**changes)
        return self

    def create(self, **changes: Any) -> None:
        """Make the delivery stream alone."""
        self.firehose.create_delivery_stream(
            DeliveryStreamName=self.name,
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={"KinesisStreamARN": self.stream_arn, "RoleARN": self.role_arn},
            ExtendedS3DestinationConfiguration=self.destination(**changes),
        )

    def destination(self, **changes: Any) -> dict[str, Any]:
        function = f"arn:aws:lambda:{self.cloud.region}:{self.cloud.account_id}:function:{self.name}"
        return {
            "RoleARN": self.role_arn,
            "BucketARN": f"arn:aws:s3:::{self.name}",
            "Prefix": "factory=own/month=!{partitionKeyFromLambda:month}/",
            "ErrorOutputPrefix": "errors/factory=own/!{firehose:error-output-type}/",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 900},
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": processing(LambdaArn=function),
            **changes,
        }

    def conversion(self) -> dict[str, Any]:
        return {
            "Enabled": True,
            "SchemaConfiguration": {"RoleARN": self.role_arn, "DatabaseName": self.name, "TableName": "rows"},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        }

    def allow(self, *prefixes: str, glue: bool = True) -> None:
        """Let the role read the stream, call the function and write under these prefixes alone."""
        region = f"{self.cloud.region}:{self.cloud.account_id}"
        granted: list[tuple[list[str], list[str]]] = [
            (["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"], [self.stream_arn]),
            (["lambda:InvokeFunction"], [f"arn:aws:lambda:{region}:function:{self.name}"]),
            (["s3:PutObject"], [f"arn:aws:s3:::{self.name}/{prefix}" for prefix in prefixes]),
        ]
        if glue:
            granted.append((["glue:GetTableVersions"], ["*"]))
        statements = [{"Effect": "Allow", "Action": actions, "Resource": arns} for actions, arns in granted]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.iam.put_role_policy(RoleName=self.name, PolicyName="deliver", PolicyDocument=document)

    def send(self, count: int, **values: Any) -> None:
        """Put numbered records into the data stream."""
        entries = []
        for _ in range(count):
            data = json.dumps({"n": len(self.sent), **values}).encode()
            self.sent.append(data)
            entries.append({"Data": data, "PartitionKey": f"key-{len(self.sent)}"})
        for start in range(0, count, 500):
            answer = self.kinesis.put_records(StreamName=self.name, Records=entries[start : start + 500])
            assert answer["FailedRecordCount"] == 0

    def flush(self, timeout: float = 30.0) -> None:
        self.cloud.flush([self.name], timeout)

    def objects(self) -> dict[str, bytes]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=self.name, Key=key)["Body"].read() for key in keys}

    def delivered(self) -> list[int]:
        """Numbers of the records in delivered objects."""
        found: list[int] = []
        for key, body in self.objects().items():
            if key.endswith(".parquet"):
                found += [row["n"] for row in pq.read_table(io.BytesIO(body)).to_pylist()]
            elif not key.startswith("errors/"):
                found += [json.loads(line)["n"] for line in body.splitlines()]
        return found

    def errors(self) -> list[dict[str, Any]]:
        bodies = [body for key, body in self.objects().items() if key.startswith("errors/")]
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    def status(self) -> dict[str, Any]:
        return dict(engine_status(self.cloud)["delivery_streams"][self.name])


def engine_status(cloud: LocalCloud) -> dict[str, Any]:
    port = cloud.firehose.describe()["control_port"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=10) as response:
        return dict(json.load(response))


def wait_for(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.05)


@pytest.fixture
def lane(cloud: LocalCloud) -> Iterator[Lane]:
    """A lane that is not built yet; nothing of it stays to be polled."""
    one = Lane(cloud, f"lane-{next(_numbers)}")
    yield one
    cloud.faults.clear()
    cloud.firehose.start()
    if one.name in one.firehose.list_delivery_streams(Limit=100)["DeliveryStreamNames"]:
        one.firehose.delete_delivery_stream(DeliveryStreamName=one.name)


def test_records_become_parquet_by_the_glue_table(lane: Lane) -> None:
    lane.converts = True
    lane.build()
    lane.send(5, ts=1773057600123, month=3)
    lane.send(4, ts="2026-04-01 00:00:00.5", month=4)
    lane.send(1, ts="soon")
    lane.send(1, reject=True)
    lane.flush()
    tables = {key: body for key, body in lane.objects().items() if not key.startswith("errors/")}
    assert sorted(key.split("/")[1] for key in tables) == ["month=03", "month=04"]
    assert sorted(lane.delivered()) == list(range(9))
    rejected, misfit = sorted(lane.errors(), key=lambda error: "lastErrorCode" in error)
    assert base64.b64decode(rejected["rawData"]) == lane.sent[10]
    assert misfit["lastErrorCode"] == "DataFormatConversion.MalformedData"
    line = json.loads(base64.b64decode(misfit["rawData"]))
    assert (line["n"], line["_envelope"]) == (9, "key-10")


def test_a_throttled_function_and_a_slow_bucket_lose_nothing(lane: Lane) -> None:
    lane.build()
    faults = lane.cloud.faults
    met = [
        faults.add(service=service, operation=operation, error=error, resource=lane.name, times=times)
        for service, operation, error, times in (
            ("lambda", "Invoke", "TooManyRequestsException", 3),
            ("s3", "PutObject", "SlowDown", 1),
            ("s3", "PutObject", "InternalError", 1),
            ("kinesis", "GetRecords", "ProvisionedThroughputExceededException", 1),
        )
    ]
    lane.send(20)
    lane.flush()
    assert Counter(lane.delivered()) == Counter(range(20))
    assert not lane.errors()
    assert [faults.hits(fault) for fault in met] == [3, 1, 1, 1]


@pytest.mark.parametrize("trouble", [{"crash": True}, {"sleep": 10}], ids=["crash", "timeout"])
def test_a_function_that_fails_for_good_sends_its_batch_to_the_error_prefix(
    lane: Lane, trouble: dict[str, Any]
) -> None:
    arn = f"arn:aws:lambda:{lane.cloud.region}:{lane.cloud.account_id}:function:{lane.name}"
    lane.build(ProcessingConfiguration=processing(LambdaArn=arn, NumberOfRetries="1"))
    lane.send(2)
    lane.send(1, **trouble)
    lane.flush()
    assert lane.delivered() == []
    errors = lane.errors()
    assert {(error["errorCode"], error["attemptsMade"]) for error in errors} == {("Lambda.FunctionError", 2)}
    assert sorted(base64.b64decode(error["rawData"]) for error in errors) == sorted(lane.sent)
    lane.send(1)
    lane.flush()
    assert lane.delivered() == [3]


def test_a_role_without_the_table_sends_records_to_the_error_prefix(lane: Lane) -> None:
    lane.converts = True
    lane.build()
    lane.allow("factory=own/*", "errors/factory=own/*", glue=False)
    lane.send(2)
    lane.flush()
    assert {error["lastErrorCode"] for error in lane.errors()} == {"DataFormatConversion.AccessDenied"}
    assert len(lane.errors()) == 2


def test_a_role_cannot_write_under_another_prefix_and_loses_nothing(lane: Lane) -> None:
    lane.build(Prefix="factory=other/month=!{partitionKeyFromLambda:month}/")
    lane.send(3)
    with pytest.raises(FlushError) as refused:
        lane.flush(timeout=1.5)
    left = refused.value.undelivered[lane.name]
    assert "AccessDenied" in left["reason"]
    assert left["outstanding_records"] == 3
    assert lane.objects() == {}
    lane.allow("factory=other/*")
    lane.flush()
    assert Counter(lane.delivered()) == Counter(range(3))


def test_a_stream_that_cannot_write_its_errors_stands_still(lane: Lane) -> None:
    lane.build()
    lane.allow("factory=own/*")
    lane.send(1, reject=True)
    with pytest.raises(FlushError) as refused:
        lane.flush(timeout=1.5)
    assert refused.value.undelivered[lane.name]["blocked"]
    lane.send(2)
    with pytest.raises(FlushError):
        lane.flush(timeout=0.5)
    assert lane.objects() == {}
    lane.allow("factory=own/*", "errors/factory=own/*")
    lane.flush()
    assert (len(lane.errors()), sorted(lane.delivered())) == (1, [1, 2])


def test_a_buffer_is_delivered_by_its_interval_without_a_flush(lane: Lane) -> None:
    lane.build(
        Prefix="factory=own/",
        DynamicPartitioningConfiguration={"Enabled": False},
        BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 1},
        ProcessingConfiguration={"Enabled": False},
    )
    lane.send(3)
    wait_for(lambda: len(lane.objects()) > 0)
    (key,) = lane.objects()
    assert key.startswith(time.strftime("factory=own/%Y/%m/%d/", time.gmtime()))


def test_an_update_changes_version_and_prefix_of_later_objects(lane: Lane) -> None:
    lane.build()
    lane.send(1)
    lane.flush()
    description = lane.firehose.describe_delivery_stream(DeliveryStreamName=lane.name)[
        "DeliveryStreamDescription"
    ]
    changed = {"Prefix": "factory=own/new/!{partitionKeyFromLambda:month}/"}
    lane.firehose.update_destination(
        DeliveryStreamName=lane.name,
        CurrentDeliveryStreamVersionId=description["VersionId"],
        DestinationId=description["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate=changed,
    )
    lane.send(1)
    lane.flush()
    old, new = sorted(lane.objects())
    assert old.startswith(f"factory=own/month=03/{lane.name}-1-")
    assert new.startswith(f"factory=own/new/03/{lane.name}-2-")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 60}}, "BufferingHints.SizeInMBs"),
        ({"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 59}}, "BufferingHints.IntervalInSeconds"),
        ({"ErrorOutputPrefix": "errors/"}, None),
        ({"ErrorOutputPrefix": "errors/!{timestamp:yyyy}/"}, "ErrorOutputPrefix"),
        ({"RoleARN": "arn:aws:iam::000000000000:role/nobody"}, "unable to assume"),
    ],
    ids=["small buffer", "short interval", "plain error prefix", "no error type", "no such role"],
)
def test_the_control_plane_refuses_what_aws_refuses(
    lane: Lane, changes: dict[str, Any], path: str | None
) -> None:
    lane.iam.create_role(RoleName=lane.name, AssumeRolePolicyDocument=trust("firehose.amazonaws.com"))
    if path is None:
        lane.create(**changes)
        return
    with pytest.raises(ClientError) as refused:
        lane.create(**changes)
    assert refused.value.response["Error"]["Code"] == "InvalidArgumentException"
    assert path in refused.value.response["Error"]["Message"]
    assert lane.name not in lane.firehose.list_delivery_streams(Limit=100)["DeliveryStreamNames"]


@pytest.mark.parametrize("seconds", [0, 59])
def test_a_shorter_interval_than_partitioning_allows_cannot_be_set_later_either(
    lane: Lane, seconds: int
) -> None:
    lane.build()
    before = lane.firehose.describe_delivery_stream(DeliveryStreamName=lane.name)["DeliveryStreamDescription"]
    with pytest.raises(ClientError, match=r"IntervalInSeconds must be at least 60"):
        lane.firehose.update_destination(
            DeliveryStreamName=lane.name,
            CurrentDeliveryStreamVersionId=before["VersionId"],
            DestinationId=before["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate={"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": seconds}},
        )
    after = lane.firehose.describe_delivery_stream(DeliveryStreamName=lane.name)["DeliveryStreamDescription"]
    assert after == before


def test_a_role_that_trusts_another_delivery_stream_is_refused(lane: Lane) -> None:
    lane.iam.create_role(
        RoleName=lane.name, AssumeRolePolicyDocument=trust("firehose.amazonaws.com", lane.arn + "x")
    )
    with pytest.raises(ClientError, match="unable to assume"):
        lane.create()


def test_records_cannot_be_put_past_the_data_stream(lane: Lane) -> None:
    lane.build()
    with pytest.raises(ClientError, match="KinesisStreamAsSource"):
        lane.firehose.put_record(DeliveryStreamName=lane.name, Record={"Data": b"x"})


def test_a_flush_of_an_unknown_stream_says_so(cloud: LocalCloud) -> None:
    with pytest.raises(FlushError, match="no such delivery stream"):
        cloud.flush(["nobody"])


def test_resharding_loses_nothing(lane: Lane) -> None:
    """The data stream is split, merged and resized between records, and read to its last one."""
    lane.build()
    lane.send(10)
    half = str(2**127)
    lane.kinesis.split_shard(
        StreamName=lane.name, ShardToSplit="shardId-000000000000", NewStartingHashKey=half
    )
    lane.send(10)
    lane.kinesis.update_shard_count(StreamName=lane.name, TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    lane.send(20)
    shards = lane.kinesis.list_shards(StreamName=lane.name)["Shards"]
    first, second = [
        one["ShardId"] for one in shards if "EndingSequenceNumber" not in one["SequenceNumberRange"]
    ][:2]
    lane.kinesis.merge_shards(StreamName=lane.name, ShardToMerge=first, AdjacentShardToMerge=second)
    lane.send(10)
    lane.flush()
    assert Counter(lane.delivered()) == Counter(range(50))
    assert (
        lane.kinesis.describe_stream_summary(StreamName=lane.name)["StreamDescriptionSummary"][
            "OpenShardCount"
        ]
        == 3
    )
    lane.send(5)
    lane.flush()
    assert Counter(lane.delivered()) == Counter(range(55))


def test_a_delivery_stream_made_again_reads_what_came_after(lane: Lane) -> None:
    lane.build()
    lane.send(2)
    lane.flush()
    lane.firehose.delete_delivery_stream(DeliveryStreamName=lane.name)
    lane.send(2)
    sent = time.time()
    wait_for(lambda: time.time() - sent > 0.002)  # arrival times are kept to the millisecond
    lane.create()
    lane.send(2)
    lane.flush()
    assert sorted(lane.delivered()) == [0, 1, 4, 5]


def test_sigkill_at_any_moment_loses_nothing(lane: Lane) -> None:
    """Killed again and again while records arrive and objects are written: each arrives once at least."""
    lane.build()
    engine = lane.cloud.firehose
    moments = random.Random(7)
    stop = threading.Event()

    def keep_sending() -> None:
        while not stop.is_set():
            lane.send(25, month=1 + len(lane.sent) % 3)
            stop.wait(0.05)

    def keep_flushing() -> None:
        while not stop.is_set():
            try:
                lane.flush(timeout=5)
            except FlushError:
                stop.wait(0.02)

    threads = [threading.Thread(target=work) for work in (keep_sending, keep_flushing)]
    for thread in threads:
        thread.start()
    killed = 0
    for _ in range(4):
        time.sleep(moments.uniform(0.05, 0.8))
        engine.kill()
        killed += 1
        engine.start()
    stop.set()
    for thread in threads:
        thread.join()
    lane.flush()
    delivered = Counter(lane.delivered())
    assert killed == 4
    assert set(delivered) == set(range(len(lane.sent)))
    assert not lane.errors()
