from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.unit.factory_lake.redrive.plant import LANE, REGION, Plant


@pytest.fixture
def plant() -> Iterator[Plant]:
    """A lane with its bucket, data stream and log, in moto's AWS."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        s3 = boto3.client("s3", region_name=REGION)
        kinesis = boto3.client("kinesis", region_name=REGION)
        logs = boto3.client("logs", region_name=REGION)
        s3.create_bucket(Bucket=LANE.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        kinesis.create_stream(StreamName=LANE.stream, ShardCount=2)
        logs.create_log_group(logGroupName=LANE.log_group)
        logs.create_log_stream(logGroupName=LANE.log_group, logStreamName="1")
        yield Plant(s3, kinesis, logs)
