"""The transform function's event, the batches it gets, and what its answer means.

Sources: Amazon Data Firehose Developer Guide, "Transform source data" (status model, 6 MB limit, error
records) and "Monitor with CloudWatch Logs" (Lambda.* error codes); Lambda Developer Guide, quotas.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from localcloud.firehose.errors import InvocationError, RecordError
from localcloud.firehose.records import Record

MAX_PAYLOAD = 6 * 1024 * 1024
"""Bytes of a synchronous invocation's request, and of its response."""

MAX_RECORD = 1000 * 1024
"""Bytes of a record, however many lines it has (quotas)."""

_EVENT_OVERHEAD = 1024  # the event around its records: IDs and ARNs, generously


@dataclass(frozen=True)
class Transformed:
    """A record that goes on, with the partition keys that the function gave."""

    data: bytes
    partition_keys: Mapping[str, Any]


@dataclass(frozen=True)
class Dropped:
    """A record that the function wants no more of."""


Outcome: TypeAlias = Transformed | Dropped | RecordError


@dataclass
class Batcher:
    """Collects records into batches of the transform's buffer hints that fit into one invocation.

    A batch is due when its data reaches `max_bytes` or its first record has waited `max_seconds`; it is cut
    earlier where the event would pass MAX_PAYLOAD, which many small records do before their data does.
    """

    max_bytes: int
    max_seconds: float
    clock: Callable[[], float]
    _full: list[list[Record]] = field(default_factory=list)
    _open: list[Record] = field(default_factory=list)
    _data: int = 0
    _payload: int = _EVENT_OVERHEAD
    _since: float = 0.0

    def add(self, record: Record) -> None:
        """Take a record in."""
        payload = event_size(record)
        if self._open and (self._payload + payload > MAX_PAYLOAD or self._data + len(record.data) > self.max_bytes):
            self._close()
        if not self._open:
            self._since = self.clock()
        self._open.append(record)
        self._data += len(record.data)
        self._payload += payload
        if self._data >= self.max_bytes:
            self._close()

    def due(self, force: bool = False) -> list[list[Record]]:
        """Take out the batches that are due; with `force`, whatever there is."""
        if self._open and (force or self.clock() - self._since >= self.max_seconds):
            self._close()
        batches, self._full = self._full, []
        return batches

    @property
    def wait(self) -> float | None:
        """Seconds until a batch is due, None while there is no record."""
        if self._full:
            return 0.0
        return max(0.0, self.max_seconds - (self.clock() - self._since)) if self._open else None

    @property
    def size(self) -> int:
        """Bytes of record data held."""
        return self._data + sum(len(record.data) for batch in self._full for record in batch)

    def _close(self) -> None:
        self._full.append(self._open)
        self._open, self._data, self._payload = [], 0, _EVENT_OVERHEAD


def event(
    records: Sequence[Record], invocation_id: str, delivery_stream_arn: str, source_arn: str, region: str
) -> dict[str, Any]:
    """The event of one invocation, as a delivery stream with a Kinesis source sends it."""
    return {
        "invocationId": invocation_id,
        "sourceKinesisStreamArn": source_arn,
        "deliveryStreamArn": delivery_stream_arn,
        "region": region,
        "records": [_event_record(record, base64.b64encode(record.data).decode()) for record in records],
    }


def event_size(record: Record) -> int:
    """Bytes that a record takes in the event's JSON."""
    return len(json.dumps(_event_record(record, ""))) + 4 * -(-len(record.data) // 3) + 2


def _event_record(record: Record, data: str) -> dict[str, Any]:
    return {
        "recordId": record.id,
        "approximateArrivalTimestamp": record.arrival_ms,
        "data": data,
        "kinesisRecordMetadata": {
            "sequenceNumber": record.sequence,
            "subsequenceNumber": 0,
            "partitionKey": record.partition_key,
            "shardId": record.shard_id,
            "approximateArrivalTimestamp": record.arrival_ms,
        },
    }


def read_answer(payload: bytes, records: Sequence[Record]) -> list[Outcome]:
    """What became of each record, in the order of the records.

    A record that the answer leaves out or repeats fails alone; an answer that cannot be read fails as a
    whole. IDs that were not requested are ignored.

    Raises:
        InvocationError: The answer is over 6 MB or not what the status model prescribes.
    """
    if len(payload) > MAX_PAYLOAD:
        raise InvocationError(
            "Lambda.FunctionError", f"the answer has {len(payload)} bytes, at most {MAX_PAYLOAD} are allowed"
        )
    try:
        answer = json.loads(payload)
    except ValueError as error:
        raise InvocationError("Lambda.JsonProcessingException", "the answer is not JSON") from error
    entries = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvocationError("Lambda.JsonProcessingException", "the answer has no list of records")
    asked = {record.id for record in records}
    outcomes: dict[str, Outcome] = {}
    for entry in entries:
        record_id = entry.get("recordId")
        if record_id not in asked:
            continue
        if record_id in outcomes:
            outcomes[record_id] = RecordError(
                "Lambda.DuplicatedRecordId", "the answer holds this recordId more than once"
            )
        else:
            outcomes[record_id] = _outcome(entry)
    missing = RecordError("Lambda.MissingRecordId", "the answer lacks this recordId")
    return [outcomes.get(record.id, missing) for record in records]


def _outcome(entry: Mapping[str, Any]) -> Outcome:
    result = entry.get("result")
    if result == "Dropped":
        return Dropped()
    if result == "ProcessingFailed":
        return RecordError("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
    if result != "Ok":
        raise InvocationError("Lambda.JsonProcessingException", "a result is not one of Ok, Dropped, ProcessingFailed")
    data = entry.get("data")
    if not isinstance(data, str):
        return RecordError("Lambda.InvalidReturnFormat", "the record has result Ok but no data")
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvocationError("Lambda.FunctionError", "the data of a record is not base64") from error
    if len(decoded) > MAX_RECORD:
        return RecordError(
            "Lambda.FunctionError", f"the record has {len(decoded)} bytes, at most {MAX_RECORD} are taken"
        )
    metadata = entry.get("metadata")
    keys = metadata.get("partitionKeys") if isinstance(metadata, dict) else None
    return Transformed(decoded, keys if isinstance(keys, dict) else {})
