"""When a message first came, and from which gateway.

An error object of Firehose has neither. The transform's log line for a rejection has both, and the SHA-256
of the payload; where the function could not even be asked, the data stream still has the record and its
partition key, for as long as its retention lasts.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from factory_lake.redrive.datastream import DataStream
from factory_lake.redrive.lines import ErrorLine
from transform.envelope import open_envelope
from transform.events import FirehoseRecord

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

# Clocks of different services differ, and a function's lines carry the time at which it printed them.
_BEFORE_MS, _AFTER_MS = 2_000, 60_000
_PATTERN = '"record rejected"'


@dataclass(frozen=True)
class Origin:
    """Where a message comes from."""

    received_ms: int  # when the broker took it, epoch ms
    gateway: str | None
    rule: str | None = None


@dataclass(frozen=True)
class _Rejection:
    origin: Origin
    logged_ms: int


class RejectionLog:
    """The transform's log, searched for the lines that say why and from where a message was rejected."""

    def __init__(self, logs: "CloudWatchLogsClient", group: str) -> None:
        self._logs = logs
        self._group = group
        self._window = (0, 0)
        # Of the window last read: what an error object's lines need lies close together.
        self._known: dict[bytes, list[_Rejection]] = {}
        self._given: set[tuple[bytes, Origin]] = set()

    def origins(self, lines: Sequence[ErrorLine]) -> dict[int, Origin]:
        """The origins of an object's lines, by their number.

        A rejection was logged between the record's arrival on the data stream and the end of its last
        attempt, which tells it from rejections of the same bytes before and after. Of those that remain the
        nearest in time is taken, each once before any is taken again.
        """
        if not lines:
            return {}
        self._read(
            min(line.arrival_ms for line in lines) - _BEFORE_MS, max(line.ended_ms for line in lines) + _AFTER_MS
        )
        found: dict[int, Origin] = {}
        for line in sorted(lines, key=lambda one: one.arrival_ms):
            digest = hashlib.sha256(line.data).digest()
            candidates = [
                one.origin
                for one in self._known.get(digest, ())
                if line.arrival_ms - _BEFORE_MS <= one.logged_ms <= line.ended_ms + _AFTER_MS
                and one.origin.received_ms <= line.arrival_ms + _BEFORE_MS
            ]
            # A batch that was tried again logged its rejections again: the same origin, so the same answer.
            fresh = [one for one in candidates if (digest, one) not in self._given]
            if candidates:
                nearest = min(fresh or candidates, key=lambda one: abs(line.arrival_ms - one.received_ms))
                self._given.add((digest, nearest))
                found[line.number] = nearest
        return found

    def _read(self, from_ms: int, to_ms: int) -> None:
        if self._window[0] <= from_ms and to_ms <= self._window[1]:
            return
        self._window = (from_ms, to_ms)
        known: dict[bytes, dict[Origin, _Rejection]] = defaultdict(dict)
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, startTime=from_ms, endTime=to_ms, filterPattern=_PATTERN
        )
        for page in pages:
            for event in page["events"]:
                entry = _entry(event["message"])
                if entry is not None:
                    digest, origin = entry
                    known[digest][origin] = _Rejection(origin, event["timestamp"])
        self._known = {digest: list(rejections.values()) for digest, rejections in known.items()}
        self._given = {one for one in self._given if one[0] in known}


class StreamMemory:
    """The data stream, searched for the records that lines of an error object once were."""

    def __init__(self, stream: DataStream) -> None:
        self._stream = stream

    def origins(self, lines: Sequence[ErrorLine]) -> dict[int, Origin]:
        """The origins of lines, by their number, as far as the stream still has them."""
        wanted: dict[bytes, list[ErrorLine]] = defaultdict(list)
        for line in lines:
            wanted[hashlib.sha256(line.data).digest()].append(line)
        found: dict[int, Origin] = {}
        if not lines:
            return found
        from_ms = min(line.arrival_ms for line in lines)
        to_ms = max(line.arrival_ms for line in lines)
        others: list[tuple[int, bytes, Origin]] = []
        for record in self._stream.read(from_ms - _BEFORE_MS, to_ms + _BEFORE_MS):
            digest = hashlib.sha256(record.data).digest()
            if digest not in wanted:
                continue
            origin = envelope(record.partition_key, record.arrival_ms)
            # Shards are read one after the other, and a message that was redriven has the same bytes: the
            # very moment of the arrival, which an error line has from its record, decides before nearness.
            exact = next((one for one in wanted[digest] if one.arrival_ms == record.arrival_ms), None)
            if exact is None:
                others.append((record.arrival_ms, digest, origin))
            else:
                wanted[digest].remove(exact)
                found[exact.number] = origin
        for arrival_ms, digest, origin in others:
            if waiting := wanted[digest]:
                nearest = min(waiting, key=lambda line: abs(line.arrival_ms - arrival_ms))
                waiting.remove(nearest)
                found[nearest.number] = origin
        return found


def envelope(partition_key: str, arrival_ms: int) -> Origin:
    """What the transform reads from a record's partition key."""
    record: FirehoseRecord = {
        "kinesisRecordMetadata": {"partitionKey": partition_key},
        "approximateArrivalTimestamp": arrival_ms,
    }
    return Origin(*open_envelope(record))


def partition_key(origin: Origin, token: object) -> str:
    """The key that makes the transform read this origin from the record.

    Raises:
        ValueError: When the gateway is not known: the message would come again as one that never had any.
    """
    key = f"{origin.received_ms}/{origin.gateway}/{token}"
    read = envelope(key, 0)
    if origin.gateway is None or (read.received_ms, read.gateway) != (origin.received_ms, origin.gateway):
        raise ValueError("the envelope cannot hold this gateway or arrival time")
    return key


def _entry(message: str) -> tuple[bytes, Origin] | None:
    start = message.find("{")
    try:
        line: Mapping[str, Any] = json.loads(message[start:])
        if line["message"] != "record rejected":
            return None
        origin = Origin(int(line["received_at"]), line["gateway"], str(line["rule"]))
        return bytes.fromhex(line["sha256"]), origin
    except (ValueError, KeyError, TypeError):
        return None  # another line that has these words in it, or a record that could not be described


def missing(lines: Iterable[ErrorLine], found: Mapping[int, Origin]) -> list[ErrorLine]:
    """The lines whose gateway is not known yet."""
    return [line for line in lines if line.number not in found or found[line.number].gateway is None]
