"""A data stream, read from a moment on.

Amazon Kinesis Data Streams Developer Guide: GetRecords may be called five times a second for each shard,
which the delivery stream shares; an empty answer says nothing while `MillisBehindLatest` is not 0.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import StreamDescriptionSummaryTypeDef

_BETWEEN_CALLS = 0.25
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class StreamRecord:
    """A record of a data stream."""

    partition_key: str
    data: bytes
    arrival_ms: int  # when the stream took it, epoch ms
    shard: str
    sequence: str


class DataStream:
    """Reads one data stream."""

    def __init__(self, kinesis: "KinesisClient", name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._kinesis = kinesis
        self.name = name
        self._sleep = sleep

    def retention_ms(self) -> int:
        """For how long it keeps records."""
        return self._summary["RetentionPeriodHours"] * _HOUR_MS

    @cached_property
    def _summary(self) -> "StreamDescriptionSummaryTypeDef":
        return self._kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]

    def read(self, from_ms: int, to_ms: int | None = None) -> Iterator[StreamRecord]:
        """Records that arrived in a time range, shard after shard.

        Args:
            from_ms: The first moment, epoch ms. What retention has taken already is not there.
            to_ms: The first moment that is out of the range; without one, what has arrived so far.
        """
        for shard in self._shards():
            yield from self._read_shard(shard, from_ms, to_ms)

    def _shards(self) -> Iterator[str]:
        wanted: dict[str, Any] = {"StreamName": self.name}
        while True:
            answer = self._kinesis.list_shards(**wanted)
            yield from (shard["ShardId"] for shard in answer["Shards"])
            if not answer.get("NextToken"):
                return
            wanted = {"NextToken": answer["NextToken"]}

    def _read_shard(self, shard: str, from_ms: int, to_ms: int | None) -> Iterator[StreamRecord]:
        iterator: str | None = self._kinesis.get_shard_iterator(
            StreamName=self.name,
            ShardId=shard,
            ShardIteratorType="AT_TIMESTAMP",
            # boto3 sends whole seconds (botocore#3255); the range's ends are looked at below.
            Timestamp=datetime.fromtimestamp(from_ms // 1000, UTC),
        )["ShardIterator"]
        while iterator:
            # The ARN tells IAM whose iterator it is; without it a permission on one stream does not count.
            answer = self._kinesis.get_records(StreamARN=self._summary["StreamARN"], ShardIterator=iterator)
            for item in answer["Records"]:
                arrival_ms = round(item["ApproximateArrivalTimestamp"].timestamp() * 1000)
                if to_ms is not None and arrival_ms >= to_ms:
                    return
                if arrival_ms >= from_ms:
                    yield StreamRecord(item["PartitionKey"], item["Data"], arrival_ms, shard, item["SequenceNumber"])
            iterator = answer.get("NextShardIterator")
            if answer.get("MillisBehindLatest", 0) == 0:
                return
            self._sleep(_BETWEEN_CALLS)
