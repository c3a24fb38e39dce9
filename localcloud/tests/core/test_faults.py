"""Injected faults meet the calls they name, and boto3 sees them as the service's own errors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.calls import CallError
from localcloud.faults import Call, _model

CREDENTIAL = "AWS4-HMAC-SHA256 Credential=test/20260301/eu-central-1/{}/aws4_request, SignedHeaders=host"


def call(service: str, method: str, url: str, body: bytes = b"", **headers: str) -> Call:
    """A signed call; keyword arguments are headers, with ``_`` for ``-``."""
    path, _, query = url.partition("?")
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"authorization": CREDENTIAL.format(service), **given}
    scope = {
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in lines.items()],
    }
    return Call.read(scope, body)


@pytest.mark.parametrize(
    ("service", "operation", "made"),
    [
        ("kinesis", "PutRecord", call("kinesis", "POST", "/", x_amz_target="Kinesis_20131202.PutRecord")),
        (
            "sts",
            "AssumeRole",
            call("sts", "POST", "/", b"Action=AssumeRole&RoleArn=x", content_type="application/x-www-form-urlencoded"),
        ),
        ("s3", "PutObject", call("s3", "PUT", "/bucket/a/key")),
        ("s3", "CopyObject", call("s3", "PUT", "/bucket/a/key", x_amz_copy_source="/b/k")),
        ("s3", "UploadPart", call("s3", "PUT", "/bucket/a/key?partNumber=1&uploadId=u")),
        ("s3", "CreateBucket", call("s3", "PUT", "/bucket")),
        ("s3", "ListObjectsV2", call("s3", "GET", "/bucket?list-type=2&prefix=p")),
        ("s3", "ListObjects", call("s3", "GET", "/bucket?prefix=p")),
        ("s3", "GetObject", call("s3", "GET", "/bucket/key")),
        ("s3", "HeadObject", call("s3", "HEAD", "/bucket/key")),
        ("lambda", "Invoke", call("lambda", "POST", "/2015-03-31/functions/f/invocations")),
        ("lambda", "GetFunction", call("lambda", "GET", "/2015-03-31/functions/f")),
        ("iot", "CreateTopicRule", call("iot", "POST", "/rules/r")),
        ("kinesisvideo", "GetDataEndpoint", call("kinesisvideo", "POST", "/getDataEndpoint")),
        ("kinesis-video-archived-media", "GetClip", call("kinesisvideo", "POST", "/getClip")),
    ],
)
def test_a_call_is_known_by_its_operation_alone(service: str, operation: str, made: Call) -> None:
    model = _model(service)
    assert [name for name in model.operation_names if made.is_operation(model, name)] == [operation]


def test_another_services_call_is_not_meant() -> None:
    made = call("firehose", "POST", "/", x_amz_target="Firehose_20150804.PutRecord")
    assert not made.is_operation(_model("kinesis"), "PutRecord")


@pytest.mark.cloud
@pytest.mark.parametrize(
    ("service", "operation", "error", "status", "arguments"),
    [
        (
            "kinesis",
            "PutRecord",
            "ProvisionedThroughputExceededException",
            400,
            {"StreamName": "s", "Data": b"", "PartitionKey": "1"},
        ),
        ("s3", "PutObject", "SlowDown", 503, {"Bucket": "b", "Key": "k"}),
        ("s3", "HeadObject", "403", 403, {"Bucket": "b", "Key": "k"}),
        ("lambda", "Invoke", "TooManyRequestsException", 429, {"FunctionName": "f"}),
        (
            "sts",
            "AssumeRole",
            "PackedPolicyTooLarge",
            400,
            {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "session"},
        ),
        ("glue", "GetTable", "EntityNotFoundException", 400, {"DatabaseName": "d", "Name": "t"}),
    ],
)
def test_boto3_raises_the_injected_error(
    cloud: LocalCloud, service: str, operation: str, error: str, status: Any, arguments: dict[str, Any]
) -> None:
    cloud.faults.add(service=service, operation=operation, error=error, times=None)
    client = cloud.client(service, attempts=1)
    (method,) = [name for name, api in client.meta.method_to_api_mapping.items() if api == operation]
    try:
        with pytest.raises(ClientError) as raised:
            getattr(client, method)(**arguments)
    finally:
        cloud.faults.clear()
    assert raised.value.response["Error"]["Code"] == error
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.cloud
def test_a_fault_meets_as_many_calls_of_its_resource_as_it_says(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    fault = cloud.faults.add(service="s3", operation="PutObject", resource="mine/", error="AccessDenied", times=2)
    s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    assert [_outcome(s3, bucket) for _ in range(3)] == ["AccessDenied", "AccessDenied", "stored"]
    assert cloud.faults.hits(fault) == 2


@pytest.mark.cloud
def test_a_cleared_fault_meets_nothing(cloud: LocalCloud) -> None:
    cloud.faults.add(service="s3", operation="ListBuckets", error="InternalError", times=None)
    cloud.faults.clear()
    assert "Buckets" in cloud.client("s3").list_buckets()


@pytest.mark.cloud
def test_a_delay_alone_lets_the_call_through(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    cloud.faults.add(service="s3", operation="PutObject", resource=bucket, delay=0.4)
    started = time.monotonic()
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    assert time.monotonic() - started >= 0.4
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"


@contextmanager
def held(cloud: LocalCloud, bucket: str, delay: float = 60.0) -> Iterator[str]:
    """A fault (its ID) that holds a put, which is done before its delay once the fault is taken away."""
    s3 = cloud.client("s3")
    fault = cloud.faults.add(service="s3", operation="PutObject", resource=f"{bucket}/mine", delay=delay)
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(s3.put_object, Bucket=bucket, Key="mine", Body=b"body")
        while not cloud.faults.hits(fault):
            assert not put.done()
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
        yield fault
        put.result()
    assert time.monotonic() - started < delay
    assert s3.get_object(Bucket=bucket, Key="mine")["Body"].read() == b"body"


@pytest.mark.cloud
def test_clearing_lets_held_calls_go_on_at_once(cloud: LocalCloud, bucket: str) -> None:
    with held(cloud, bucket):
        cloud.faults.clear()


@pytest.mark.cloud
def test_one_fault_is_taken_away_and_the_others_stay(cloud: LocalCloud, bucket: str) -> None:
    with held(cloud, bucket) as fault:
        stays = cloud.faults.add(service="s3", operation="ListObjectsV2", error="SlowDown", times=None)
        assert cloud.faults.remove(fault) == 1
    with pytest.raises(ClientError, match="SlowDown"):
        cloud.client("s3", attempts=1).list_objects_v2(Bucket=bucket)
    assert cloud.faults.remove(stays) == 1
    with pytest.raises(CallError, match="no fault"):
        cloud.faults.remove(stays)


@pytest.mark.cloud
@pytest.mark.parametrize(("service", "operation"), [("kinesis", "PutRecrod"), ("kinesys", "PutRecord")])
def test_a_fault_that_could_meet_nothing_is_refused(cloud: LocalCloud, service: str, operation: str) -> None:
    with pytest.raises(CallError, match="must be one of"):
        cloud.faults.add(service=service, operation=operation, error="x")


def _outcome(s3: Any, bucket: str) -> str:
    try:
        s3.put_object(Bucket=bucket, Key="mine/k", Body=b"x")
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "stored"
