"""A record on its way from a Kinesis shard to an S3 object."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Receipt:
    """Tells a shard's progress that one of its records has come to its end."""

    sequence: str
    arrival: datetime
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One Kinesis record as Firehose holds it.

    Attributes:
        id: recordId of the transform's event, stable over retries.
        arrival: approximateArrivalTimestamp.
        receipt: Marked when the record is delivered, written as an error, or dropped.
    """

    id: str
    shard_id: str
    sequence: str
    partition_key: str
    arrival: datetime
    data: bytes
    receipt: Receipt

    @property
    def arrival_ms(self) -> int:
        """Arrival in epoch milliseconds."""
        return round(self.arrival.timestamp() * 1000)


@dataclass
class ShardProgress:
    """How far a shard has been delivered.

    The checkpoint moves over a record only when all before it are settled.
    """

    position: str | None = None
    """Sequence number of the last record before which nothing is outstanding; None before the first."""

    _outstanding: deque[Receipt] = field(default_factory=deque)

    def read(self, sequence: str, arrival: datetime) -> Receipt:
        """Note that a record was read; its receipt must be settled once it has come to its end."""
        receipt = Receipt(sequence, arrival)
        self._outstanding.append(receipt)
        return receipt

    def advance(self) -> bool:
        """Move over all settled records at the front; true if that moved the position."""
        moved = False
        while self._outstanding and self._outstanding[0].settled:
            self.position = self._outstanding.popleft().sequence
            moved = True
        return moved

    @property
    def outstanding(self) -> int:
        """Records read and not yet passed by the position."""
        return len(self._outstanding)

    @property
    def oldest(self) -> datetime | None:
        """Arrival of the first record that is not settled."""
        return self._outstanding[0].arrival if self._outstanding else None
