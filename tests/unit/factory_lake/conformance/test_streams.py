"""A data stream's reader finds each record once, however it is paged."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from factory_lake.conformance.streams import Record, StreamReader
from tests.unit.factory_lake.conformance.fixtures import context_of

_ARRIVED = datetime(2026, 3, 9, 8, 0, 0, 123_000, tzinfo=UTC)


class _Stream:
    """A data stream with one shard, of which a call gives one record at most, every other one none."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.calls = 0
        self.expired: set[str] = set()

    def list_shards(self, **_: Any) -> dict[str, Any]:
        shard = {
            "ShardId": "shardId-000000000000",
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
            "SequenceNumberRange": {"StartingSequenceNumber": "0"},
        }
        return {"Shards": [shard]}

    def get_shard_iterator(self, **wanted: Any) -> dict[str, Any]:
        start = wanted.get("StartingSequenceNumber")
        return {"ShardIterator": f"new at {0 if start is None else int(start) + 1}"}

    def get_records(self, **wanted: Any) -> dict[str, Any]:
        iterator = wanted["ShardIterator"]
        if iterator in self.expired:
            raise ClientError({"Error": {"Code": "ExpiredIteratorException"}}, "GetRecords")
        at = int(iterator.rpartition(" ")[2])
        self.calls += 1
        found = self.data[at : at + self.calls % 2]
        records = [
            {
                "SequenceNumber": f"{at}",
                "Data": data,
                "PartitionKey": f"key-{at}",
                "ApproximateArrivalTimestamp": _ARRIVED,
            }
            for data in found
        ]
        return {"Records": records, "NextShardIterator": f"at {at + len(found)}"}


def test_a_stream_is_read_over_empty_answers_and_on_from_there(tmp_path: Path) -> None:
    stream, seconds = _Stream(), itertools.count()
    reader = StreamReader(context_of(stream, tmp_path), "stream", lambda: float(next(seconds)))
    stream.data += [b"a", b"b"]
    counts = [len(reader.records()) for _ in range(4)]
    assert counts == [1, 1, 2, 2]
    assert reader.records()[0] == Record("key-0", b"a", round(_ARRIVED.timestamp() * 1000))
    stream.data.append(b"c")
    reader.records()
    assert [record.data for record in reader.records()] == [b"a", b"b", b"c"]


def test_who_asks_soon_after_another_makes_no_call(tmp_path: Path) -> None:
    stream = _Stream()
    reader = StreamReader(context_of(stream, tmp_path), "stream", lambda: 7.0)
    stream.data += [b"a", b"b", b"c"]
    assert len({len(reader.records()) for _ in range(9)}) == 1
    assert stream.calls == 1


def test_an_iterator_that_has_expired_is_replaced_behind_the_last_record(tmp_path: Path) -> None:
    stream, seconds = _Stream(), itertools.count()
    reader = StreamReader(context_of(stream, tmp_path), "stream", lambda: float(next(seconds)))
    stream.data += [b"a", b"b"]
    reader.records()
    stream.expired = {"at 1"}
    for _ in range(2):
        reader.records()
    assert [record.data for record in reader.records()] == [b"a", b"b"]
