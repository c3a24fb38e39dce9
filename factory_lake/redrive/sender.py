"""Batches of records onto a data stream, at a measured pace.

Amazon Kinesis Data Streams API Reference, "PutRecords": at most 500 records a call, each at most 1 MiB with
its partition key, at most 5 MiB together (newer streams take more). The answer says for each record whether
it was taken; a throttled one is to be sent again.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from botocore import exceptions
from botocore.exceptions import ClientError, HTTPClientError

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

MOST_RECORDS = 500
MOST_BATCH_BYTES = 4 * 1024 * 1024
MOST_RECORD_BYTES = 1024 * 1024
# A shard takes 1,000 records a second, or 1 MiB, so one record is as much as a KiB.
_UNIT = 1024

_THROTTLED = {
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "KMSThrottlingException",
    "ThrottlingException",
}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_SERVER_ERROR = 500

T = TypeVar("T")


@dataclass(frozen=True)
class Record:
    """What is put on a data stream."""

    partition_key: str  # the envelope of the message
    data: bytes

    @property
    def size(self) -> int:
        """Bytes that Kinesis counts."""
        return len(self.data) + len(self.partition_key.encode())


@dataclass(frozen=True)
class Outcome:
    """What became of a batch."""

    taken: frozenset[int]  # positions of the records that the stream has
    unsure: frozenset[int] = frozenset()  # positions of those that it may have: the answer did not come
    problem: str = ""  # why the rest was given up; empty when there is no rest
    final: bool = False  # whether it is no use to try again


@dataclass
class Sender:
    """Puts batches on one data stream."""

    # A client that makes each call once: one that it repeated by itself after a lost answer would put its records
    # twice, unseen.
    kinesis: "KinesisClient"
    stream: str  # the data stream's name
    rate: float  # the most records a second; a record counts as one for each KiB that it begins
    patience: float = 20.0  # seconds that a batch may take while the stream takes no more
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._free_at = self.clock()
        self._pacing = Lock()

    @property
    def most_bytes(self) -> int:
        """How many bytes a batch may have: no more than a second's, unless one record has."""
        return min(MOST_BATCH_BYTES, round(self.rate * _UNIT))

    @property
    def most_records(self) -> int:
        """How many records a batch may have: no more than a second's."""
        return max(1, min(MOST_RECORDS, int(self.rate)))

    def put(self, records: Sequence[Record]) -> Outcome:
        """Put one batch, and again what of it the stream did not take, with growing pauses."""
        taken: set[int] = set()
        left = list(range(len(records)))
        give_up_at = self.clock() + self.patience
        pause = _FIRST_PAUSE
        while left:
            try:
                answer = self.kinesis.put_records(
                    StreamName=self.stream,
                    Records=[{"PartitionKey": records[at].partition_key, "Data": records[at].data} for at in left],
                )
            except (HTTPClientError, exceptions.ConnectionError):
                return Outcome(frozenset(taken), unsure=frozenset(left), problem="no answer came")
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_ERROR:
                    return Outcome(frozenset(taken), unsure=frozenset(left), problem=code)
                if code not in _THROTTLED:
                    problem = f"{code}: {error.response['Error']['Message']}"
                    return Outcome(frozenset(taken), problem=problem, final=True)
                problem = code
            else:
                results = answer["Records"]
                taken |= {at for at, result in zip(left, results, strict=True) if not result.get("ErrorCode")}
                problem = next((one["ErrorCode"] for one in results if one.get("ErrorCode")), "")
                left = [at for at in left if at not in taken]
            if left and self.clock() >= give_up_at:
                return Outcome(frozenset(taken), problem=f"{problem} for {self.patience:g} s")
            if left:
                self.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads calls, hides nothing
                pause = min(2 * pause, _LONGEST_PAUSE)
        return Outcome(frozenset(taken))

    def pace(self, records: Sequence[Record]) -> None:
        """Wait until records may be put."""
        units = sum(max(1, -(-record.size // _UNIT)) for record in records)
        with self._pacing:
            now = self.clock()
            free_at = max(now, self._free_at)
            self._free_at = free_at + units / self.rate
        if now < free_at:
            self.sleep(free_at - now)


def batches(
    items: Iterable[T], size: Callable[[T], int], most: int = MOST_RECORDS, most_bytes: int = MOST_BATCH_BYTES
) -> Iterator[list[T]]:
    """Cut items into batches of at most so many, and of no more bytes where they are not one item."""
    batch: list[T] = []
    total = 0
    for item in items:
        if batch and (len(batch) == most or total + size(item) > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch
