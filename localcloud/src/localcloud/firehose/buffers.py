"""Buffers of records by partition, each sealed into one S3 object when it is full or old enough.

Source: Amazon Data Firehose Developer Guide, "Configure buffering hints" and "Dynamic partitioning" (a buffer
per partition, the limit of active partitions).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.firehose.errors import RecordError
from localcloud.firehose.records import Record

MAX_ACTIVE_PARTITIONS = 500
"""Partitions of one delivery stream that hold undelivered records at a time (default quota)."""

PARTITIONING_FAILED = "partitioning-failed"
PARTITION_LIMIT = "activePartitionExceeded"
"""Where records beyond the limit go, as the guide's "Buffer data for dynamic partitioning" spells it."""
PROCESSING_FAILED = "processing-failed"
FORMAT_CONVERSION_FAILED = "format-conversion-failed"


@dataclass(frozen=True, order=True)
class BufferKey:
    """Which object a record belongs to: delivered ones by partition values, error records by error type."""

    error_type: str | None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """A record and the bytes that stand for it in the object."""

    record: Record
    data: bytes


@dataclass
class Buffer:
    """Records that will become one object.

    Attributes:
        since: When its first record came in, by the clock of `Buffers`.
    """

    key: BufferKey
    since: float
    items: list[Item] = field(default_factory=list)
    size: int = 0


class Buffers:
    """All open buffers of a delivery stream."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[BufferKey, Buffer] = {}

    def add(self, key: BufferKey, item: Item, since: float | None = None) -> None:
        """Put a record into its buffer; `since` is when it began to wait, if that was earlier than now."""
        began = self._clock() if since is None else since
        buffer = self._open.get(key)
        if buffer is None:
            buffer = self._open[key] = Buffer(key, began)
        buffer.since = min(buffer.since, began)
        buffer.items.append(item)
        buffer.size += len(item.data)

    def due(self, max_bytes: int, max_seconds: float, force: bool = False) -> list[Buffer]:
        """Take out the buffers that are full or old enough; with `force`, all. Oldest first."""
        now = self._clock()
        ready = [
            buffer
            for buffer in self._open.values()
            if force or buffer.size >= max_bytes or now - buffer.since >= max_seconds
        ]
        return self._take(ready)

    def largest(self) -> list[Buffer]:
        """Take out the largest buffer, to free memory."""
        return self._take(sorted(self._open.values(), key=lambda buffer: buffer.size)[-1:])

    def wait(self, max_seconds: float) -> float | None:
        """Seconds until the next buffer is old enough, None while there is none."""
        oldest = min((buffer.since for buffer in self._open.values()), default=None)
        return None if oldest is None else max(0.0, oldest + max_seconds - self._clock())

    @property
    def partitions(self) -> set[BufferKey]:
        """Keys of the open buffers that hold records to deliver."""
        return {key for key in self._open if key.error_type is None}

    def __contains__(self, key: BufferKey) -> bool:
        return key in self._open

    @property
    def largest_size(self) -> int:
        """Bytes in the largest buffer."""
        return max((buffer.size for buffer in self._open.values()), default=0)

    @property
    def size(self) -> int:
        """Bytes held in all buffers."""
        return sum(buffer.size for buffer in self._open.values())

    @property
    def count(self) -> int:
        """Records held in all buffers."""
        return sum(len(buffer.items) for buffer in self._open.values())

    def _take(self, ready: Sequence[Buffer]) -> list[Buffer]:
        for buffer in ready:
            del self._open[buffer.key]
        return sorted(ready, key=lambda buffer: buffer.since)


def partition(keys: Sequence[str], given: Mapping[str, Any]) -> tuple[str, ...]:
    """Values of the partition keys that a prefix names, in its order.

    Raises:
        RecordError: A key is missing, or its value is not a text of at least one character.
    """
    values = []
    for key in keys:
        value = given.get(key)
        if not isinstance(value, str) or not value:
            raise RecordError(
                "DynamicPartitioning.MetadataMissing", f"metadata.partitionKeys has no text for the key {key!r}"
            )
        values.append(value)
    return tuple(values)
