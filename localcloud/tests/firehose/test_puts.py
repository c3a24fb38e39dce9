"""What a data stream takes from producers, and a PutRecords that fails in part."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from localcloud import LocalCloud
from localcloud.calls import CallError
from localcloud.testing.datapoints import sums
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud

THROTTLED = "ProvisionedThroughputExceededException"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def kinesis(cloud: LocalCloud) -> Any:
    return cloud.client("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> str:
    """A stream of two shards."""
    name = f"puts-{uuid.uuid4().hex[:12]}"
    kinesis.create_stream(StreamName=name, ShardCount=2)
    return name


def entries(*data: bytes, key: str = "key") -> list[dict[str, Any]]:
    return [{"Data": each, "PartitionKey": key} for each in data]


def held(kinesis: Any, stream: str) -> dict[str, list[bytes]]:
    """What each shard of a stream holds."""
    found = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        start = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        records = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**start)["ShardIterator"])["Records"]
        found[shard["ShardId"]] = [record["Data"] for record in records]
    return found


def test_some_records_of_a_put_fail_and_the_others_are_put(kinesis: Any, stream: str, cloud: LocalCloud) -> None:
    fault = cloud.faults.add(
        service="kinesis", operation="PutRecords", resource=stream, error=THROTTLED, entries=[0, 2, 9]
    )
    answer = kinesis.put_records(StreamName=stream, Records=entries(b"0", b"1", b"2", b"3"))
    assert answer["FailedRecordCount"] == 2
    codes = [record.get("ErrorCode") for record in answer["Records"]]
    assert codes == [THROTTLED, None, THROTTLED, None]
    shard = answer["Records"][1]["ShardId"]
    where = f"shard {shard} in stream {stream} under account {cloud.account_id}"
    assert where in answer["Records"][0]["ErrorMessage"]
    assert set(answer["Records"][0]) == {"ErrorCode", "ErrorMessage"}
    assert held(kinesis, stream)[shard] == [b"1", b"3"]
    assert cloud.faults.hits(fault) == 1
    again = kinesis.put_records(StreamName=stream, Records=entries(b"0", b"2"))
    assert again["FailedRecordCount"] == 0
    assert held(kinesis, stream)[shard] == [b"1", b"3", b"0", b"2"]
    assert sums(
        cloud,
        "AWS/Kinesis",
        {"StreamName": stream},
        *("IncomingRecords", "IncomingBytes", "PutRecords.Success", "WriteProvisionedThroughputExceeded"),
    ) == {
        "IncomingRecords": 4,
        "IncomingBytes": 4,
        "PutRecords.Success": 2,
        "WriteProvisionedThroughputExceeded": 2,
    }


def test_all_records_of_a_put_may_fail_in_an_answer_that_succeeds(
    kinesis: Any, stream: str, cloud: LocalCloud
) -> None:
    cloud.faults.add(
        service="kinesis", operation="PutRecords", resource=stream, error="InternalFailure", entries=range(500)
    )
    answer = kinesis.put_records(StreamName=stream, Records=entries(b"0", b"1"))
    assert answer["FailedRecordCount"] == 2
    assert answer["Records"] == [{"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"}] * 2
    assert not any(held(kinesis, stream).values())
    found = sums(cloud, "AWS/Kinesis", {"StreamName": stream}, "PutRecords.Success", "IncomingRecords")
    assert found == {"PutRecords.Success": 0, "IncomingRecords": 0}


def test_a_fault_of_entries_waits_for_a_call_that_has_them(kinesis: Any, stream: str, cloud: LocalCloud) -> None:
    fault = cloud.faults.add(service="kinesis", operation="PutRecords", resource=stream, error=THROTTLED, entries=[2])
    assert kinesis.put_records(StreamName=stream, Records=entries(b"0", b"1"))["FailedRecordCount"] == 0
    assert cloud.faults.hits(fault) == 0
    assert kinesis.put_records(StreamName=stream, Records=entries(b"2", b"3", b"4"))["FailedRecordCount"] == 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"operation": "PutRecord", "error": THROTTLED, "entries": [0]}, "PutRecord of kinesis does not fail in part"),
        ({"error": "AccessDeniedException", "entries": [0]}, "error must be one of"),
        ({"entries": [0]}, "error must be one of"),
        ({"error": THROTTLED, "entries": []}, "entries must be places"),
        ({"error": THROTTLED, "entries": [-1]}, "entries must be places"),
    ],
)
def test_a_fault_that_cannot_fail_in_part_is_refused(cloud: LocalCloud, wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(CallError, match=message):
        cloud.faults.add(**{"service": "kinesis", "operation": "PutRecords", **wanted})


def test_the_hash_key_chooses_the_shard(kinesis: Any, stream: str) -> None:
    ends = [shard["HashKeyRange"]["EndingHashKey"] for shard in kinesis.list_shards(StreamName=stream)["Shards"]]
    hashes = ["0", *ends]
    records = [
        {**entry, "ExplicitHashKey": each} for entry, each in zip(entries(b"0", b"1", b"2"), hashes, strict=True)
    ]
    kinesis.put_records(StreamName=stream, Records=records)
    kinesis.put_record(StreamName=stream, **records[2])
    assert list(held(kinesis, stream).values()) == [[b"0", b"1"], [b"2", b"2"]]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ExplicitHashKey": "x"}, "ValidationException"),
        ({"ExplicitHashKey": "-1"}, "ValidationException"),
        ({"ExplicitHashKey": "007"}, "ValidationException"),
        ({"ExplicitHashKey": str(2**128)}, "InvalidArgumentException"),
        ({"PartitionKey": "k" * 257}, "ValidationException"),
        ({"Data": b"x" * MEBIBYTE}, "ValidationException"),
    ],
    ids=["hash no number", "negative hash", "leading zeros", "hash beyond 128 bits", "long key", "key beyond 1 MiB"],
)
def test_a_record_that_aws_does_not_take_fails_the_call(
    kinesis: Any, stream: str, changed: dict[str, Any], code: str
) -> None:
    wrong = {**entries(b"x")[0], **changed}
    with refused(code):
        kinesis.put_record(StreamName=stream, **wrong)
    with refused(code):
        kinesis.put_records(StreamName=stream, Records=[*entries(b"good"), wrong])
    assert not any(held(kinesis, stream).values())


def test_a_record_and_a_call_have_their_limits(kinesis: Any, stream: str) -> None:
    kinesis.put_record(StreamName=stream, Data=b"x" * (MEBIBYTE - 3), PartitionKey="key")
    fitting = entries(*[b"x" * (MEBIBYTE - 3)] * 5)
    assert kinesis.put_records(StreamName=stream, Records=fitting)["FailedRecordCount"] == 0
    with refused("ValidationException"):
        kinesis.put_records(StreamName=stream, Records=[*fitting, *entries(b"")])
    assert kinesis.put_records(StreamName=stream, Records=entries(*[b"x"] * 500))["FailedRecordCount"] == 0
    with refused("ValidationException"):
        kinesis.put_records(StreamName=stream, Records=entries(*[b"x"] * 501))
