"""Direct PUT: records that producers put into a delivery stream itself.

The core process takes them (``Intake``) and keeps each until the delivery engine, a process of its own, says that it
is in S3; the engine reads them (``DirectSource``) in the order in which they came. So the end of the engine at any
moment loses none.

Sources: Amazon Data Firehose API reference, PutRecord and PutRecordBatch; Developer Guide, quotas.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.calls import CallError
from localcloud.firehose.checkpoint import ShardCheckpoint
from localcloud.firehose.metrics import Meter
from localcloud.firehose.records import Record, ShardProgress
from localcloud.firehose.source import Shard

MAX_RECORD: Final = 1000 * 1024
MAX_BATCH: Final = 500
MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
POLL_RECORDS: Final = 10_000
_ID: Final = "direct"
"""What stands for a shard."""


class IntakeError(ValueError):
    """A record that Firehose does not take."""


@dataclass
class Intake:
    """The records of one delivery stream that are not delivered, each with its number and its time in ms.

    Numbers grow over delivery streams of one name as well, so that one made anew owes nothing to the one before.
    """

    _waiting: deque[tuple[int, int, bytes]] = field(default_factory=deque)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(time.time_ns()))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, data: bytes) -> int:
        """Take a record; its number."""
        with self._lock:
            number = next(self._numbers)
            self._waiting.append((number, time.time_ns() // 1_000_000, data))
            return number

    def read(self, after: int, delivered: int) -> tuple[list[tuple[int, int, bytes]], bool]:
        """Records behind the number ``after``, and whether there are more; what is delivered is forgotten."""
        with self._lock:
            while self._waiting and self._waiting[0][0] <= delivered:
                self._waiting.popleft()
            found = [one for one in self._waiting if one[0] > after]
        return found[:POLL_RECORDS], len(found) > POLL_RECORDS


def decoded(record: Mapping[str, Any]) -> bytes:
    """The data of a record as a request has it.

    Raises:
        IntakeError: it is no Base64, or too large.
    """
    try:
        data = base64.b64decode(record.get("Data") or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise IntakeError("Record.Data must be Base64") from error
    if len(data) > MAX_RECORD:
        raise IntakeError(f"Record.Data must be at most {MAX_RECORD} bytes, got {len(data)}")
    return data


def decoded_batch(records: list[Mapping[str, Any]]) -> list[bytes]:
    """The data of a batch's records.

    Raises:
        IntakeError: there are none, too many, or too large ones.
    """
    if not 1 <= len(records) <= MAX_BATCH:
        raise IntakeError(f"Records must be 1 to {MAX_BATCH}, got {len(records)}")
    found = [decoded(record) for record in records]
    if (size := sum(map(len, found))) > MAX_BATCH_BYTES:
        raise IntakeError(f"Records must be at most {MAX_BATCH_BYTES} bytes, got {size}")
    return found


@dataclass
class DirectSource:
    """Reads a delivery stream's intake, as ``KinesisSource`` does a data stream.

    Attributes:
        call: asks the core process for records: ``after`` and ``delivered`` to its answer.
        clock: Monotonic seconds.
        error: What the last call failed with, None when it did not.
    """

    call: Callable[[dict[str, Any]], dict[str, Any]]
    clock: Callable[[], float]
    meter: Meter
    error: str | None = None
    throttled: int = 0
    _shard: Shard = field(default_factory=lambda: Shard(_ID, (), ShardProgress()))
    _last_read: int = 0
    _caught_up: float = float("-inf")

    @property
    def shards(self) -> dict[str, Shard]:
        """The one that stands for all records."""
        return {_ID: self._shard}

    def resume(self, checkpoints: Mapping[str, ShardCheckpoint]) -> None:
        """Go on from a stored checkpoint."""
        if (checkpoint := checkpoints.get(_ID)) is not None and checkpoint.position is not None:
            self._shard.progress = ShardProgress(checkpoint.position)
            self._last_read = int(checkpoint.position)

    def checkpoints(self) -> dict[str, ShardCheckpoint]:
        """The checkpoint to store."""
        return {_ID: ShardCheckpoint(self._shard.progress.position)}

    def advance(self) -> bool:
        """Move the position over what has been settled; true if that moved it."""
        return self._shard.progress.advance()

    def poll(self, max_bytes: int, refresh: bool = False) -> list[Record]:
        """The records that came since the last call. An error is kept in `error`: they are read later."""
        del max_bytes, refresh  # a delivery holds what it is given; the intake is bounded by the core's memory
        began = self.clock()
        try:
            answer = self.call({"after": self._last_read, "delivered": int(self._shard.progress.position or 0)})
        except (CallError, OSError) as error:
            self.error = f"read the records that were put: {error}"
            return []
        self.error = None
        if not answer["more"]:
            self._caught_up = began
        records = [self._record(*one) for one in answer["records"]]
        if records:
            self.meter.add("IncomingRecords", len(records))
            self.meter.add("IncomingBytes", sum(len(record.data) for record in records), "Bytes")
        return records

    def caught_up_since(self, moment: float) -> bool:
        """Whether everything that had been put at `moment`, by the clock, has been read."""
        return self._caught_up > moment

    @property
    def is_quiet(self) -> bool:
        """Never: nobody tells of what is put."""
        return False

    @property
    def outstanding(self) -> int:
        """Records read and not yet settled, up to the first unsettled one."""
        return self._shard.progress.outstanding

    @property
    def oldest(self) -> datetime | None:
        """Arrival of the oldest record that is read and not delivered."""
        return self._shard.progress.oldest

    def _record(self, number: int, arrived_ms: int, data: str) -> Record:
        self._last_read = number
        arrival = datetime.fromtimestamp(arrived_ms / 1000, UTC)
        return Record(
            id=str(number),
            shard_id=_ID,
            sequence=str(number),
            partition_key="",
            arrival=arrival,
            data=base64.b64decode(data),
            receipt=self._shard.progress.read(str(number), arrival),
        )
