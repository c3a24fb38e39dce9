"""A data stream for the transform's put-backs: PutRecords over a list, with faults call by call.

It runs on every Python that the transform runs on.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from tests.support.strict import ModelMismatchError, StrictClient
from transform.put_back import DataStream

NAME = "lake-krakow-measurements"
_MIB = 1024 * 1024


def client_error(code: str, status: int = 400) -> ClientError:
    """The error of a whole call."""
    response: Any = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutRecords")


class Clock:
    """The time that an invocation has left; it passes by sleeping and calling only."""

    def __init__(self, left_ms: int = 120_000) -> None:
        self.left = left_ms
        self.slept: list[float] = []

    def left_ms(self) -> int:
        """Tell how many milliseconds are left."""
        return self.left

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.left -= round(seconds * 1000)


class FakeDataStream:
    """What the stream took, and how it behaves.

    Attributes:
        taken: Keys and data, in their order.
        calls: How many records each call had, refused ones included.
        faults: What happens to the next calls: an error is raised, the records at a set of places are refused, and
            None is no fault. Without more, every call succeeds.
        call_ms: How long a call takes.
        takes_before_error: Whether records are taken although an error is raised: the answer is lost.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.taken: list[tuple[str, bytes]] = []
        self.calls: list[int] = []
        self.faults: list[Any] = []
        self.call_ms = 10
        self.takes_before_error = False
        self.clients = 0

    def stream(self) -> DataStream:
        """Make the transform's side of the stream."""
        return DataStream(NAME, self._client, self.clock.sleep)

    def _client(self) -> Any:
        self.clients += 1
        return StrictClient("kinesis", self)

    def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Put records, as boto3's method of that name."""
        sizes = [len(record["Data"]) + len(record["PartitionKey"].encode()) for record in Records]
        if StreamName != NAME or not 1 <= len(Records) <= 500 or sum(sizes) > 5 * _MIB or max(sizes) > _MIB:
            raise ModelMismatchError(f"PutRecords: {StreamName}, {len(Records)} records of {sum(sizes)} bytes")
        if any(not 1 <= len(record["PartitionKey"]) <= 256 for record in Records):
            raise ModelMismatchError("PutRecords: a partition key has 1 to 256 characters")
        self.calls.append(len(Records))
        self.clock.left -= self.call_ms
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception) and not self.takes_before_error:
            raise fault
        refused = set() if fault is None or isinstance(fault, Exception) else set(fault)
        results: list[dict[str, str]] = []
        for place, record in enumerate(Records):
            if place in refused:
                code = "ProvisionedThroughputExceededException"
                results.append({"ErrorCode": code, "ErrorMessage": "Rate exceeded for shard"})
            else:
                self.taken.append((record["PartitionKey"], record["Data"]))
                results.append({"ShardId": "shardId-000000000000", "SequenceNumber": str(len(self.taken))})
        if isinstance(fault, Exception):
            raise fault
        # The model wants 1 at least, though Kinesis says 0.
        return {"Records": results, **({"FailedRecordCount": len(refused)} if refused else {})}
