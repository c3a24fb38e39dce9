from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.support.fixture_lake import BUCKETS, FixtureLake
from tests.unit.factory_lake.fixtures import aws_in_memory

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def s3() -> Iterator["S3Client"]:
    with aws_in_memory():
        client = boto3.client("s3", region_name="eu-central-1")
        for bucket in BUCKETS.by_lane.values():
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


@pytest.fixture
def lake(s3: "S3Client", tmp_path: Path) -> Iterator[FixtureLake]:
    made = FixtureLake(s3, tmp_path / "journals")
    yield made
    made.close()
    for bucket in BUCKETS.by_lane.values():
        for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=item["Key"])
