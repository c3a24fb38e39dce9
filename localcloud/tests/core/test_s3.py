"""S3 stores conditionally, lists in order and keeps metadata."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud

pytestmark = pytest.mark.cloud


def test_of_racing_conditional_puts_one_wins_and_its_body_stays(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")

    def put(body: bytes) -> str:
        try:
            s3.put_object(Bucket=bucket, Key="clip", Body=body, IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return body.decode()

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(put, [str(n).encode() for n in range(8)]))
    (winner,) = [outcome for outcome in outcomes if outcome != "PreconditionFailed"]
    assert s3.get_object(Bucket=bucket, Key="clip")["Body"].read().decode() == winner


def test_metadata_comes_back_with_the_object(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    given = {"first-fragment": "91343852333181432392682062607750161", "clip-seconds": "60"}
    s3.put_object(Bucket=bucket, Key="clip", Body=b"x", Metadata=given, ContentType="video/mp4")
    assert s3.head_object(Bucket=bucket, Key="clip")["Metadata"] == given


def test_listing_is_in_key_order_after_a_key_and_by_pages(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    for n in (3, 1, 2, 10):
        s3.put_object(Bucket=bucket, Key=f"camera=a/{n:02}", Body=b"x")
    s3.put_object(Bucket=bucket, Key="camera=ab/00", Body=b"x")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="camera=a/", StartAfter="camera=a/01")
    assert [each["Key"] for each in listed["Contents"]] == ["camera=a/02", "camera=a/03", "camera=a/10"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [len(page["Contents"]) for page in pages] == [2, 2, 1]
    tops = s3.list_objects_v2(Bucket=bucket, Delimiter="/")["CommonPrefixes"]
    assert [each["Prefix"] for each in tops] == ["camera=a/", "camera=ab/"]


@pytest.mark.parametrize(
    ("may_list", "condition", "status"),
    [(True, {}, 404), (False, {}, 403), (True, {"StringLike": {"s3:prefix": "own/*"}}, 403)],
)
def test_only_who_may_list_the_bucket_hears_that_an_object_is_missing(
    cloud: LocalCloud,
    bucket: str,
    make_role: Callable[..., str],
    may_list: bool,
    condition: dict[str, Any],
    status: int,
) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    listing = [{"Action": "s3:ListBucket", "Resource": arn, **({"Condition": condition} if condition else {})}]
    reading = {"Action": "s3:GetObject", "Resource": f"{arn}/own/*"}
    role = make_role("lambda.amazonaws.com", reading, *(listing if may_list else []))
    wanted = {"role_arn": role, "service": "lambda.amazonaws.com", "source_arn": "arn:aws:lambda:::function:any"}
    s3 = cloud.client("s3", cloud.control("POST", "service-credentials", wanted))
    for call in (s3.head_object, s3.get_object):
        with pytest.raises(ClientError) as refused:
            call(Bucket=bucket, Key="own/missing")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    cloud.client("s3").put_object(Bucket=bucket, Key="own/there", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="own/there")["Body"].read() == b"x"
