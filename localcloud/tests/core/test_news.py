"""What the delivery engine is told of: puts of their stream, and all else that may change what a read answers."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from localcloud import LocalCloud

pytestmark = pytest.mark.cloud


@pytest.fixture
def stream(cloud: LocalCloud) -> str:
    """The ARN of a data stream."""
    kinesis, name = cloud.client("kinesis"), f"news-{uuid.uuid4().hex[:12]}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    return str(kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"])


def news(cloud: LocalCloud, number: int, seconds: float = 0.0) -> dict[str, Any]:
    return cloud.control("POST", "news", {"number": number, "seconds": seconds})


def put(cloud: LocalCloud, stream: str) -> None:
    cloud.client("kinesis").put_record(StreamARN=stream, Data=b"1", PartitionKey="k")


def put_many(cloud: LocalCloud, stream: str) -> None:
    cloud.client("kinesis").put_records(StreamARN=stream, Records=[{"Data": b"1", "PartitionKey": "k"}])


def read(cloud: LocalCloud, stream: str) -> None:
    kinesis = cloud.client("kinesis")
    (shard,) = kinesis.list_shards(StreamARN=stream)["Shards"]
    start = {"StreamARN": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**start)["ShardIterator"])
    cloud.client("firehose").list_delivery_streams()
    cloud.client("s3").list_buckets()


def make_role(cloud: LocalCloud, _: str) -> None:
    cloud.client("iam").create_role(RoleName=f"news-{uuid.uuid4().hex[:12]}", AssumeRolePolicyDocument="{}")


def make_key(cloud: LocalCloud, _: str) -> None:
    cloud.client("kms").create_key()


def reshard(cloud: LocalCloud, stream: str) -> None:
    cloud.client("kinesis").update_shard_count(StreamARN=stream, TargetShardCount=2, ScalingType="UNIFORM_SCALING")


def make_fault(cloud: LocalCloud, _: str) -> None:
    cloud.faults.remove(cloud.faults.add(service="kinesis", operation="GetRecords", resource="none"))


@pytest.mark.parametrize("change", [make_role, make_key, reshard, make_fault])
def test_what_may_change_reads_is_news_of_all(cloud: LocalCloud, stream: str, change: Any) -> None:
    number = news(cloud, 0)["number"]
    change(cloud, stream)
    told = news(cloud, number)
    assert told["all"]
    assert told["number"] > number


@pytest.mark.parametrize("change", [put, put_many])
def test_a_put_is_news_of_its_stream(cloud: LocalCloud, stream: str, change: Any) -> None:
    number = news(cloud, 0)["number"]
    change(cloud, stream)
    told = news(cloud, number)
    assert not told["all"]
    assert told["streams"] == [stream]
    assert news(cloud, told["number"])["streams"] == []


def test_a_read_is_no_news(cloud: LocalCloud, stream: str) -> None:
    number = news(cloud, 0)["number"]
    read(cloud, stream)
    assert news(cloud, number) == {"number": number, "all": False, "streams": []}


def test_who_waits_is_told_at_once(cloud: LocalCloud, stream: str) -> None:
    number = news(cloud, 0)["number"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(news, cloud, number, 60.0)
        put(cloud, stream)
        assert waiting.result(timeout=50)["streams"] == [stream]
