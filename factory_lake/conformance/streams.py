"""What lies in the data stream and in the bucket of a set-up, read once for all probes that look."""

import io
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from factory_lake.conformance.context import Context

_READ_SECONDS = 0.25


@dataclass(frozen=True)
class Record:
    """A record of a data stream."""

    partition_key: str
    data: bytes
    arrived_ms: int


class StreamReader:
    """All records of a data stream with one shard, from its beginning on.

    A shard takes five reads a second of all readers together. Probes ask more often, so that one who asks soon after
    another gets what that one found.
    """

    def __init__(self, context: Context, stream: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kinesis = context.client("kinesis")
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._iterator = ""
        self._last = ""
        self._next_read = -math.inf

    def records(self) -> list[Record]:
        """Those that have been found by now."""
        with self._lock:
            if self._clock() >= self._next_read:
                self._read()
                self._next_read = self._clock() + _READ_SECONDS
            return list(self._records)

    def _read(self) -> None:
        try:
            answer = self._kinesis.get_records(ShardIterator=self._iterator or self._begin())
        except ClientError as error:
            # An iterator is good for five minutes.
            if error.response["Error"]["Code"] != "ExpiredIteratorException":
                raise
            answer = self._kinesis.get_records(ShardIterator=self._begin())
        for one in answer["Records"]:
            arrived = round(one["ApproximateArrivalTimestamp"].timestamp() * 1000)
            self._records.append(Record(one["PartitionKey"], one["Data"], arrived))
            self._last = one["SequenceNumber"]
        self._iterator = str(answer["NextShardIterator"])

    def _begin(self) -> str:
        shard = self._kinesis.list_shards(StreamName=self._stream)["Shards"][0]["ShardId"]
        after: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if self._last:
            after = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self._last}
        found = self._kinesis.get_shard_iterator(StreamName=self._stream, ShardId=shard, **after)
        return str(found["ShardIterator"])


@dataclass
class BucketReader:
    """The objects of a bucket; each is fetched once, since nothing writes over one."""

    context: Context
    bucket: str
    _bodies: dict[str, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Keys and bodies of those that are there by now."""
        s3 = self.context.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        with self._lock:
            for key in keys:
                if key not in self._bodies:
                    self._bodies[key] = s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            return {key: self._bodies[key] for key in keys}

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """The rows of the Parquet objects below a prefix."""
        return [row for body in self.objects(prefix).values() for row in pq.read_table(io.BytesIO(body)).to_pylist()]
