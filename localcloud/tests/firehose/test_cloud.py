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
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from localcloud import FlushError, LocalCloud
from localcloud.testing.firehose import processing

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
    if data.get("drop"):
        return {"recordId": record["recordId"], "result": "Dropped"}
    data["_envelope"] = record["kinesisRecordMetadata"]["partitionKey"]
    line = (json.dumps(data).encode() + b"\\n") * data.get("lines", 1)
    keys = {"year": "2026", "month": "%02d" % data.get("month", 3)}
    return {"recordId": record["recordId"], "result": "Ok", "data": base64.b64encode(line).decode(),
            "metadata": {"partitionKeys": keys}}
"""

_numbers = itertools.count(1)


def trust(service: str, source: str | None = None) -> str:
    condition = {"Condition": {"ArnLike": {"aws:SourceArn": source}}} if source else {}
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Pipeline:
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

    def build(self, **changes: Any) -> Pipeline:
        """Make all of it; `changes` go into the S3 destination."""
        location = {"LocationConstraint": self.cloud.region}
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=location)
        self.kinesis.create_stream(StreamName=self.name, ShardCount=1)
        self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=trust("firehose.amazonaws.com", self.arn))
        self.allow("station=own/*", "errors/station=own/*")
        self.iam.create_role(RoleName=f"{self.name}-f", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
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
            "Prefix": "station=own/month=!{partitionKeyFromLambda:month}/",
            "ErrorOutputPrefix": "errors/station=own/!{firehose:error-output-type}/",
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
def pipeline(cloud: LocalCloud) -> Iterator[Pipeline]:
    """A pipeline that is not built yet; nothing of it stays to be polled."""
    one = Pipeline(cloud, f"pipeline-{next(_numbers)}")
    yield one
    cloud.faults.clear()
    cloud.firehose.start()
    if one.name in one.firehose.list_delivery_streams(Limit=100)["DeliveryStreamNames"]:
        one.firehose.delete_delivery_stream(DeliveryStreamName=one.name)


def test_records_become_parquet_by_the_glue_table(pipeline: Pipeline) -> None:
    pipeline.converts = True
    pipeline.build()
    pipeline.send(5, ts=1773057600123, month=3)
    pipeline.send(4, ts="2026-04-01 00:00:00.5", month=4)
    pipeline.send(1, ts="soon")
    pipeline.send(1, reject=True)
    pipeline.flush()
    tables = {key: body for key, body in pipeline.objects().items() if not key.startswith("errors/")}
    assert sorted(key.split("/")[1] for key in tables) == ["month=03", "month=04"]
    assert sorted(pipeline.delivered()) == list(range(9))
    rejected, misfit = sorted(pipeline.errors(), key=lambda error: "lastErrorCode" in error)
    assert base64.b64decode(rejected["rawData"]) == pipeline.sent[10]
    assert misfit["lastErrorCode"] == "DataFormatConversion.MalformedData"
    line = json.loads(base64.b64decode(misfit["rawData"]))
    assert (line["n"], line["_envelope"]) == (9, "key-10")


def test_a_result_may_have_several_lines_or_be_dropped(pipeline: Pipeline) -> None:
    pipeline.converts = True
    pipeline.build()
    pipeline.send(1, lines=3)
    pipeline.send(1, drop=True)
    pipeline.send(1, lines=2, ts="soon")
    pipeline.flush()
    assert pipeline.delivered() == [0, 0, 0]
    (misfit,) = pipeline.errors()
    lines = [json.loads(line)["n"] for line in base64.b64decode(misfit["rawData"]).splitlines()]
    assert (misfit["lastErrorCode"], lines) == ("DataFormatConversion.MalformedData", [2, 2])


def test_what_is_put_again_after_a_failure_in_part_brings_its_own_key(pipeline: Pipeline) -> None:
    """The hash key chooses the shard, and the function sees the partition key, whatever it says."""
    pipeline.build()
    error = "ProvisionedThroughputExceededException"
    pipeline.cloud.faults.add(
        service="kinesis", operation="PutRecords", resource=pipeline.name, error=error, entries=[0, 2]
    )
    keys = [f"17723234456{n}/line-1/{uuid.uuid4()}" for n in range(10, 14)]
    owed = [
        {"Data": json.dumps({"n": n}).encode(), "PartitionKey": key, "ExplicitHashKey": str(n)}
        for n, key in enumerate(keys)
    ]
    while owed:
        answer = pipeline.kinesis.put_records(StreamName=pipeline.name, Records=owed)["Records"]
        owed = [record for record, one in zip(owed, answer, strict=True) if "ErrorCode" in one]
    pipeline.flush()
    (body,) = pipeline.objects().values()
    rows = [json.loads(line) for line in body.splitlines()]
    assert [row["n"] for row in rows] == [1, 3, 0, 2]
    assert {row["n"]: row["_envelope"] for row in rows} == dict(enumerate(keys))


def test_a_throttled_function_and_a_slow_bucket_lose_nothing(pipeline: Pipeline) -> None:
    pipeline.build()
    faults = pipeline.cloud.faults
    met = [
        faults.add(service=service, operation=operation, error=error, resource=pipeline.name, times=times)
        for service, operation, error, times in (
            ("lambda", "Invoke", "TooManyRequestsException", 3),
            ("s3", "PutObject", "SlowDown", 1),
            ("s3", "PutObject", "InternalError", 1),
            ("kinesis", "GetRecords", "ProvisionedThroughputExceededException", 1),
        )
    ]
    pipeline.send(20)
    pipeline.flush()
    assert Counter(pipeline.delivered()) == Counter(range(20))
    assert not pipeline.errors()
    assert [faults.hits(fault) for fault in met] == [3, 1, 1, 1]


@pytest.mark.parametrize("trouble", [{"crash": True}, {"sleep": 10}], ids=["crash", "timeout"])
def test_a_function_that_fails_for_good_sends_its_batch_to_the_error_prefix(
    pipeline: Pipeline, trouble: dict[str, Any]
) -> None:
    arn = f"arn:aws:lambda:{pipeline.cloud.region}:{pipeline.cloud.account_id}:function:{pipeline.name}"
    pipeline.build(ProcessingConfiguration=processing(LambdaArn=arn, NumberOfRetries="1"))
    pipeline.send(2)
    pipeline.send(1, **trouble)
    pipeline.flush()
    assert pipeline.delivered() == []
    errors = pipeline.errors()
    assert {(error["errorCode"], error["attemptsMade"]) for error in errors} == {("Lambda.FunctionError", 2)}
    assert sorted(base64.b64decode(error["rawData"]) for error in errors) == sorted(pipeline.sent)
    pipeline.send(1)
    pipeline.flush()
    assert pipeline.delivered() == [3]


def test_a_role_without_the_table_sends_records_to_the_error_prefix(pipeline: Pipeline) -> None:
    pipeline.converts = True
    pipeline.build()
    pipeline.allow("station=own/*", "errors/station=own/*", glue=False)
    pipeline.send(2)
    pipeline.flush()
    assert {error["lastErrorCode"] for error in pipeline.errors()} == {"DataFormatConversion.AccessDenied"}
    assert len(pipeline.errors()) == 2


def test_a_role_cannot_write_under_another_prefix_and_loses_nothing(pipeline: Pipeline) -> None:
    pipeline.build(Prefix="station=other/month=!{partitionKeyFromLambda:month}/")
    pipeline.send(3)
    with pytest.raises(FlushError) as refused:
        pipeline.flush(timeout=1.5)
    left = refused.value.undelivered[pipeline.name]
    assert "AccessDenied" in left["reason"]
    assert left["outstanding_records"] == 3
    assert pipeline.objects() == {}
    pipeline.allow("station=other/*")
    pipeline.flush()
    assert Counter(pipeline.delivered()) == Counter(range(3))


def test_a_buffer_is_delivered_by_its_interval_without_a_flush(pipeline: Pipeline) -> None:
    pipeline.build(
        Prefix="station=own/",
        DynamicPartitioningConfiguration={"Enabled": False},
        BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 1},
        ProcessingConfiguration={"Enabled": False},
    )
    pipeline.send(3)
    wait_for(lambda: len(pipeline.objects()) > 0)
    (key,) = pipeline.objects()
    assert key.startswith(time.strftime("station=own/%Y/%m/%d/", time.gmtime()))


def test_an_update_changes_version_and_prefix_of_later_objects(pipeline: Pipeline) -> None:
    pipeline.build()
    pipeline.send(1)
    pipeline.flush()
    description = pipeline.firehose.describe_delivery_stream(DeliveryStreamName=pipeline.name)[
        "DeliveryStreamDescription"
    ]
    changed = {"Prefix": "station=own/new/!{partitionKeyFromLambda:month}/"}
    pipeline.firehose.update_destination(
        DeliveryStreamName=pipeline.name,
        CurrentDeliveryStreamVersionId=description["VersionId"],
        DestinationId=description["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate=changed,
    )
    pipeline.send(1)
    pipeline.flush()
    old, new = sorted(pipeline.objects())
    assert old.startswith(f"station=own/month=03/{pipeline.name}-1-")
    assert new.startswith(f"station=own/new/03/{pipeline.name}-2-")


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
    pipeline: Pipeline, changes: dict[str, Any], path: str | None
) -> None:
    pipeline.iam.create_role(RoleName=pipeline.name, AssumeRolePolicyDocument=trust("firehose.amazonaws.com"))
    if path is None:
        pipeline.create(**changes)
        return
    with pytest.raises(ClientError) as refused:
        pipeline.create(**changes)
    assert refused.value.response["Error"]["Code"] == "InvalidArgumentException"
    assert path in refused.value.response["Error"]["Message"]
    assert pipeline.name not in pipeline.firehose.list_delivery_streams(Limit=100)["DeliveryStreamNames"]


@pytest.mark.parametrize("seconds", [0, 59])
def test_a_shorter_interval_than_partitioning_allows_cannot_be_set_later_either(
    pipeline: Pipeline, seconds: int
) -> None:
    pipeline.build()
    before = pipeline.firehose.describe_delivery_stream(DeliveryStreamName=pipeline.name)["DeliveryStreamDescription"]
    with pytest.raises(ClientError, match=r"IntervalInSeconds must be at least 60"):
        pipeline.firehose.update_destination(
            DeliveryStreamName=pipeline.name,
            CurrentDeliveryStreamVersionId=before["VersionId"],
            DestinationId=before["Destinations"][0]["DestinationId"],
            ExtendedS3DestinationUpdate={"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": seconds}},
        )
    after = pipeline.firehose.describe_delivery_stream(DeliveryStreamName=pipeline.name)["DeliveryStreamDescription"]
    assert after == before


def test_a_role_that_trusts_another_delivery_stream_is_refused(pipeline: Pipeline) -> None:
    pipeline.iam.create_role(
        RoleName=pipeline.name, AssumeRolePolicyDocument=trust("firehose.amazonaws.com", pipeline.arn + "x")
    )
    with pytest.raises(ClientError, match="unable to assume"):
        pipeline.create()


def test_records_cannot_be_put_past_the_data_stream(pipeline: Pipeline) -> None:
    pipeline.build()
    with pytest.raises(ClientError, match="KinesisStreamAsSource"):
        pipeline.firehose.put_record(DeliveryStreamName=pipeline.name, Record={"Data": b"x"})


def test_resharding_loses_nothing(pipeline: Pipeline) -> None:
    """The data stream is resized up and down between records, and read to its last one."""
    pipeline.build()
    for shards in (1, 2, 4, 2):
        pipeline.kinesis.update_shard_count(
            StreamName=pipeline.name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING"
        )
        pipeline.send(10)
    pipeline.flush()
    assert Counter(pipeline.delivered()) == Counter(range(40))
    pipeline.send(5)
    pipeline.flush()
    assert Counter(pipeline.delivered()) == Counter(range(45))


def test_a_delivery_stream_made_again_reads_what_came_after(pipeline: Pipeline) -> None:
    pipeline.build()
    pipeline.send(2)
    pipeline.flush()
    pipeline.firehose.delete_delivery_stream(DeliveryStreamName=pipeline.name)
    pipeline.send(2)
    sent = time.time()
    wait_for(lambda: time.time() - sent > 0.002)  # arrival times are kept to the millisecond
    pipeline.create()
    pipeline.send(2)
    pipeline.flush()
    assert sorted(pipeline.delivered()) == [0, 1, 4, 5]


def test_sigkill_at_any_moment_loses_nothing(pipeline: Pipeline) -> None:
    """Killed again and again while records arrive and objects are written: each arrives once at least."""
    pipeline.build()
    engine = pipeline.cloud.firehose
    moments = random.Random(7)
    stop = threading.Event()

    def keep_sending() -> None:
        while not stop.is_set():
            pipeline.send(25, month=1 + len(pipeline.sent) % 3)
            stop.wait(0.05)

    def keep_flushing() -> None:
        while not stop.is_set():
            try:
                pipeline.flush(timeout=5)
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
    pipeline.flush()
    delivered = Counter(pipeline.delivered())
    assert killed == 4
    assert set(delivered) == set(range(len(pipeline.sent)))
    assert not pipeline.errors()
