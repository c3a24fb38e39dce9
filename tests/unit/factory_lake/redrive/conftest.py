import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto.kinesis.models import Shard

from tests.unit.factory_lake.fixtures import aws_in_memory
from tests.unit.factory_lake.redrive.plant import LANE, REGION, Plant


def one_at_a_time(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, under a lock: of two records that threads put at the same time, moto loses one."""
    lock = threading.Lock()

    def locked(*arguments: Any, **more: Any) -> Any:
        with lock:
            return call(*arguments, **more)

    return locked


@pytest.fixture
def plant() -> Iterator[Plant]:
    with aws_in_memory(), pytest.MonkeyPatch.context() as patches:
        patches.setattr(Shard, "put_record", one_at_a_time(Shard.put_record))
        s3 = boto3.client("s3", region_name=REGION)
        kinesis = boto3.client("kinesis", region_name=REGION)
        logs = boto3.client("logs", region_name=REGION)
        s3.create_bucket(Bucket=LANE.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        kinesis.create_stream(StreamName=LANE.stream, ShardCount=2)
        logs.create_log_group(logGroupName=LANE.log_group)
        logs.create_log_stream(logGroupName=LANE.log_group, logStreamName="1")
        yield Plant(s3, kinesis, logs)
