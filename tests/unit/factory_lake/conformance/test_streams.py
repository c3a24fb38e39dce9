"""A data stream's reader finds each record once, however it is paged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from factory_lake.conformance.streams import Record, StreamReader
from tests.unit.factory_lake.conformance.fixtures import context_of

_ARRIVED = datetime(2026, 3, 9, 8, 0, 0, 123_000, tzinfo=UTC)


class _Stream:
    """A data stream with one shard, of which a call gives one record at most, every other one none."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.calls = 0

    def list_shards(self, **_: Any) -> dict[str, Any]:
        shard = {
            "ShardId": "shardId-000000000000",
            "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"},
            "SequenceNumberRange": {"StartingSequenceNumber": "0"},
        }
        return {"Shards": [shard]}

    def get_shard_iterator(self, **wanted: Any) -> dict[str, Any]:
        start = wanted.get("StartingSequenceNumber")
        return {"ShardIterator": f"at {0 if start is None else int(start) + 1}"}

    def get_records(self, **wanted: Any) -> dict[str, Any]:
        at = int(wanted["ShardIterator"].removeprefix("at "))
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
        end = at + len(found)
        return {
            "Records": records,
            "NextShardIterator": f"at {end}",
            "MillisBehindLatest": 1000 * (end < len(self.data)),
        }


def test_a_stream_is_read_over_empty_answers_and_on_from_there(tmp_path: Path) -> None:
    stream = _Stream()
    reader = StreamReader(context_of(stream, tmp_path), "stream")
    stream.data += [b"a", b"b"]
    assert [record.data for record in reader.records()] == [b"a", b"b"]
    assert reader.records()[0] == Record("key-0", b"a", round(_ARRIVED.timestamp() * 1000))
    stream.data.append(b"c")
    assert [record.data for record in reader.records()] == [b"a", b"b", b"c"]
