"""Data streams as the delivery engine meets them: closed shards, limits and expiry."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.core.responses import AccountRegionScopedDict

from localcloud import LocalCloud
from localcloud.patches import kinesis_shards
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud


@pytest.fixture
def kinesis(cloud: LocalCloud) -> Any:
    return cloud.client("kinesis")


@pytest.fixture
def stream(kinesis: Any, request: pytest.FixtureRequest) -> str:
    """A stream of one shard."""
    name = str(request.node.name).replace("[", "-").replace("]", "")[:100]
    kinesis.create_stream(StreamName=name, ShardCount=1)
    return name


def read_all(kinesis: Any, stream: str, shard_id: str) -> tuple[list[bytes], dict[str, Any]]:
    """A shard's records from its beginning, and the last answer."""
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON")
    answer = kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    records = list(answer["Records"])
    while answer["Records"] and answer.get("NextShardIterator"):
        answer = kinesis.get_records(ShardIterator=answer["NextShardIterator"])
        records += answer["Records"]
    return [record["Data"] for record in records], answer


def resize(kinesis: Any, stream: str, shards: int) -> None:
    kinesis.update_shard_count(StreamName=stream, TargetShardCount=shards, ScalingType="UNIFORM_SCALING")


def test_a_closed_shard_takes_nothing_and_can_be_read_to_its_end(kinesis: Any, stream: str) -> None:
    kinesis.put_record(StreamName=stream, Data=b"before", PartitionKey="k")
    resize(kinesis, stream, 2)
    put = kinesis.put_record(StreamName=stream, Data=b"after", PartitionKey="k")
    records, answer = read_all(kinesis, stream, "shardId-000000000000")
    assert records == [b"before"]
    assert "NextShardIterator" not in answer
    children = {child["ShardId"]: child["ParentShards"] for child in answer["ChildShards"]}
    assert set(children) == {"shardId-000000000001", "shardId-000000000002"}
    assert put["ShardId"] in children
    assert read_all(kinesis, stream, put["ShardId"])[0] == [b"after"]
    listed = {one["ShardId"]: one for one in kinesis.list_shards(StreamName=stream)["Shards"]}
    assert "EndingSequenceNumber" in listed["shardId-000000000000"]["SequenceNumberRange"]
    assert listed["shardId-000000000001"]["ParentShardId"] == "shardId-000000000000"


def test_what_would_lose_records_is_refused(kinesis: Any, stream: str) -> None:
    split = {"ShardToSplit": "shardId-000000000000", "NewStartingHashKey": str(2**127)}
    with pytest.raises(ClientError, match="by UpdateShardCount alone"):
        kinesis.split_shard(StreamName=stream, **split)


def test_the_shard_count_changes_by_a_factor_of_two_at_most(kinesis: Any, stream: str) -> None:
    with pytest.raises(ClientError, match="half and twice"):
        resize(kinesis, stream, 3)
    resize(kinesis, stream, 2)
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 2


def test_an_answer_holds_ten_megabytes_at_most(kinesis: Any, stream: str) -> None:
    for number in range(12):
        kinesis.put_record(StreamName=stream, Data=bytes([number]) * 1_000_000, PartitionKey="k")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    answer = kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    assert len(answer["Records"]) == 10
    rest = kinesis.get_records(ShardIterator=answer["NextShardIterator"])["Records"]
    assert [record["Data"][0] for record in rest] == [10, 11]


def test_a_stream_can_be_on_demand_and_provisioned(kinesis: Any, cloud: LocalCloud) -> None:
    kinesis.create_stream(StreamName="on-demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    summary = kinesis.describe_stream_summary(StreamName="on-demand")["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["StreamModeDetails"]["StreamMode"]) == (4, "ON_DEMAND")
    arn = f"arn:aws:kinesis:{cloud.region}:{cloud.account_id}:stream/on-demand"
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "PROVISIONED"})
    summary = kinesis.describe_stream_summary(StreamName="on-demand")["StreamDescriptionSummary"]
    assert summary["StreamModeDetails"]["StreamMode"] == "PROVISIONED"


def mode_of(kinesis: Any, stream: str) -> tuple[str, int]:
    """A stream's mode and the number of its open shards."""
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return summary["StreamModeDetails"]["StreamMode"], summary["OpenShardCount"]


def test_a_change_of_mode_keeps_the_shards_and_is_possible_twice_a_day(kinesis: Any, cloud: LocalCloud) -> None:
    name = "changes-its-mode"
    kinesis.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    arn = f"arn:aws:kinesis:{cloud.region}:{cloud.account_id}:stream/{name}"

    def change(mode: str) -> None:
        kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": mode})

    with refused("ValidationException"):
        resize(kinesis, name, 2)
    change("ON_DEMAND")  # as it is, which is no change
    change("PROVISIONED")
    assert mode_of(kinesis, name) == ("PROVISIONED", 4)
    with refused("InvalidArgumentException"):
        resize(kinesis, name, 1)
    resize(kinesis, name, 2)
    change("ON_DEMAND")
    with refused("LimitExceededException"):
        change("PROVISIONED")
    assert mode_of(kinesis, name) == ("ON_DEMAND", 2)
    cloud.control("POST", "kinesis/age", {"stream": name, "seconds": 86_400})
    change("PROVISIONED")
    assert mode_of(kinesis, name) == ("PROVISIONED", 2)


@pytest.mark.parametrize(("target", "possible"), [(1, False), (2, True), (6, True), (7, False)])
def test_shards_are_halved_or_doubled_at_most(kinesis: Any, cloud: LocalCloud, target: int, possible: bool) -> None:
    name = f"from-three-to-{target}"
    kinesis.create_stream(StreamName=name, ShardCount=3)
    with nullcontext() if possible else refused("InvalidArgumentException"):
        resize(kinesis, name, target)
    assert mode_of(kinesis, name)[1] == (target if possible else 3)


def test_shards_are_changed_ten_times_a_day(kinesis: Any, cloud: LocalCloud, stream: str) -> None:
    for count in [2, 1] * 5:
        resize(kinesis, stream, count)
    with refused("LimitExceededException"):
        resize(kinesis, stream, 2)
    cloud.control("POST", "kinesis/age", {"stream": stream, "seconds": 86_400})
    resize(kinesis, stream, 2)


def test_expiry_leaves_iterators_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """An iterator stands at the fifth record; the first two expire: it still stands at the same one."""
    iterators = {
        "mine": {"stream_arn": "arn", "shard_id": "s", "position": 4},
        "behind": {"stream_arn": "arn", "shard_id": "s", "position": 1},
        "other": {"stream_arn": "other", "shard_id": "s", "position": 4},
    }
    monkeypatch.setattr("ministack.services.kinesis._shard_iterators", iterators)
    monkeypatch.setattr("localcloud.patches.kinesis_shards.time.time", lambda: 86_400.0 + 2)
    records = [{"ApproximateArrivalTimestamp": float(second)} for second in range(6)]
    stream = {"StreamARN": "arn", "RetentionPeriodHours": 24, "shards": {"s": {"records": records}}}
    kinesis_shards.expire_records(stream)
    assert len(records) == 4
    positions = {name: state["position"] for name, state in iterators.items()}
    assert positions == {"mine": 2, "behind": 0, "other": 4}


def test_iterators_end_after_five_minutes_and_only_the_oldest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    iterators = AccountRegionScopedDict()
    monkeypatch.setattr("ministack.services.kinesis._shard_iterators", iterators)
    monkeypatch.setattr("localcloud.patches.kinesis_shards.time.time", lambda: 1_000.0)
    for name, created_at in {"first": 698.0, "second": 699.9, "third": 700.1}.items():
        iterators[name] = {"created_at": created_at}
    iterators["newest"] = {}  # would fail if it were looked at
    kinesis_shards.expire_iterators()
    assert list(iterators) == ["third", "newest"]


def test_the_versions_of_a_table_can_be_read(cloud: LocalCloud) -> None:
    glue = cloud.client("glue")
    glue.create_database(DatabaseInput={"Name": "versions"})
    table = {"Name": "t", "StorageDescriptor": {"Columns": [{"Name": "a", "Type": "int"}]}}
    glue.create_table(DatabaseName="versions", TableInput=table)
    glue.update_table(DatabaseName="versions", TableInput=table)
    where = {"DatabaseName": "versions", "TableName": "t"}
    (version,) = glue.get_table_versions(**where)["TableVersions"]
    assert version["VersionId"] == "2"
    assert version["Table"]["StorageDescriptor"]["Columns"] == [{"Name": "a", "Type": "int"}]
    found = glue.get_table_version(**where, VersionId="2")["TableVersion"]
    assert json.loads(json.dumps(found, default=str))["VersionId"] == "2"
    for absent in ({**where, "TableName": "u"}, {**where, "VersionId": "9"}):
        with pytest.raises(ClientError, match="EntityNotFoundException"):
            glue.get_table_version(**absent)
