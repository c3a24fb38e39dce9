"""One delivery stream at work: read, transform, partition, buffer, convert, put, then move the checkpoint.

A `Delivery` does a round of this at a time, on its caller's thread, and keeps no state outside itself but the
checkpoint file. Nothing that it has read counts as done before the object that holds it is in S3, so a process that is
killed between any two statements loses nothing; what was put but not yet checkpointed is put again.
"""

from __future__ import annotations

import logging
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from localcloud.firehose import buffers as keys
from localcloud.firehose import error_output, parquet
from localcloud.firehose import transform as transforms
from localcloud.firehose.buffers import Buffer, BufferKey, Buffers, Item, partition
from localcloud.firehose.checkpoint import Checkpoint, CheckpointFile
from localcloud.firehose.clients import CALL_ERRORS, ClientFactory, error_code, is_stale
from localcloud.firehose.direct import DirectSource
from localcloud.firehose.errorlog import ErrorLog
from localcloud.firehose.errors import InvocationError, PartitionLimitError, PrefixError, RecordError, SchemaError
from localcloud.firehose.invoke import invoke
from localcloud.firehose.metrics import Meter, Outbox
from localcloud.firehose.openx import Deserializer
from localcloud.firehose.prefix import error_prefix, object_prefix
from localcloud.firehose.records import Record
from localcloud.firehose.schema import TableSchema
from localcloud.firehose.settings import MEBIBYTE, Settings, Transform
from localcloud.firehose.source import POLL_SECONDS, QUIET_SECONDS, KinesisSource

log = logging.getLogger(__name__)

MAX_HELD_BYTES = 192 * MEBIBYTE
"""Data that a delivery stream holds in memory; beyond it the largest buffer goes out early, reads pause."""
READ_BYTES = 16 * MEBIBYTE
"""Data read in one round."""
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
"""Seconds between tries of what failed: doubled each time, from the first to the longest."""


MEASURE_SECONDS = 5.0
"""Between two measurements of what is held."""
SHORTEST_WAIT = 0.02
"""Seconds between two rounds that are not part of a flush."""


def pause(attempts: int) -> float:
    """Seconds to wait after so many failed attempts."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1)))


@dataclass
class Invocation:
    """A batch that is with the transform function, or waits to be sent again."""

    records: list[Record]
    attempts: int = 0
    outages: int = 0
    not_before: float = float("-inf")

    @property
    def is_failing(self) -> bool:
        """Whether it is to be tried again."""
        return self.attempts > 0 or self.outages > 0


@dataclass
class Put:
    """An object that is to be written; it keeps its key over all tries."""

    partition: BufferKey
    key: str
    body: bytes
    records: list[Record]
    attempts: int = 0
    not_before: float = float("-inf")

    @property
    def is_error(self) -> bool:
        """Whether it holds records that could not be delivered."""
        return self.partition.error_type is not None

    @property
    def is_failing(self) -> bool:
        """Whether it is to be tried again."""
        return self.attempts > 0


@dataclass
class Delivery:
    """The pipeline of one delivery stream.

    Attributes:
        renew: Called when a role's session is no longer good.
        clock: Monotonic seconds.
        intake: Asks the core process for the records that were put, with Direct PUT.
        has_news: Whether somebody calls `poll_soon` when there is something to read.
        last_error: What failed last, None when nothing waits for another try.
    """

    settings: Settings
    clients: ClientFactory
    checkpoints: CheckpointFile
    renew: Callable[[], None]
    clock: Callable[[], float]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    meter: Meter = field(default_factory=lambda: Meter("", Outbox()))
    intake: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {"records": [], "more": False}
    has_news: bool = False
    last_error: str | None = None

    def __post_init__(self) -> None:
        settings = self.settings
        self.source = self._make_source()
        self.source.resume(self.checkpoints.load(self._identity).shards)
        self._batcher = self._make_batcher(settings.transform)
        self._batches: deque[Invocation] = deque()
        self._buffers = Buffers(self.clock)
        self._puts: list[Put] = []
        self._schema = self._make_schema()
        self._error_log = self._make_error_log()
        self._schema_attempts = 0
        self._schema_not_before = float("-inf")
        self._polled = self._next_poll = float("-inf")
        self._next_measure = float("-inf")

    def reconfigure(self, settings: Settings) -> None:
        """Go on by new settings; what is buffered by the old ones goes out first."""
        if settings == self.settings:
            return
        self._seal(force=True)
        if self._buffers.count:  # they cannot go out now; the next call tries again
            return
        waiting = [record for batch in self._batcher.due(force=True) for record in batch]
        self.settings = settings
        self._batcher = self._make_batcher(settings.transform)
        for record in waiting:
            self._batcher.add(record)
        self._schema = self._make_schema()
        self._error_log = self._make_error_log()

    def round(self, flush_since: float | None = None) -> float:
        """Do all that can be done now.

        Args:
            flush_since: Deliver everything that was in the stream at this clock time, without waiting for buffers.

        Returns:
            Seconds until there is more to do, if nothing happens before.
        """
        caught_up = flush_since is not None and self.source.caught_up_since(flush_since)
        if not caught_up and self._has_room and (flush_since is not None or self.clock() >= self._next_poll):
            self._read(refresh=flush_since is not None)
            caught_up = flush_since is not None and self.source.caught_up_since(flush_since)
        self._transform(force=caught_up)
        self._seal(force=caught_up and not self._batches)
        self._put()
        self._measure()
        if self.source.advance():
            self.checkpoints.store(Checkpoint(self._identity, self.source.checkpoints()))
        if not self._is_failing:
            self.last_error = None
        return self._wait(flush_since)

    def poll_soon(self) -> None:
        """Read the stream in the next round, but not within a second of the last time."""
        self._next_poll = min(self._next_poll, self._polled + POLL_SECONDS)

    def retry_now(self) -> None:
        """Try again at once what waits for its next try."""
        waiting: list[Put | Invocation] = [*self._puts, *self._batches]
        for one in waiting:
            one.not_before = float("-inf")
        self._schema_not_before = float("-inf")

    def is_flushed(self, since: float) -> bool:
        """Whether everything that was in the stream at this clock time has been delivered."""
        return self.source.caught_up_since(since) and not self.held_records

    @property
    def held_records(self) -> int:
        """Records that are read and not delivered."""
        return self.source.outstanding

    @property
    def held_bytes(self) -> int:
        """Bytes of data held in memory."""
        batches = sum(len(record.data) for batch in self._batches for record in batch.records)
        return self._batcher.size + batches + self._buffers.size + sum(len(put.body) for put in self._puts)

    def status(self) -> dict[str, Any]:
        """A snapshot for people and for tests: JSON values only."""
        oldest = self.source.oldest
        return {
            "version": self.settings.version,
            "source": self.settings.source_arn or "DirectPut",
            "shards": {
                shard.id: {
                    "position": shard.progress.position,
                    "outstanding": shard.progress.outstanding,
                    "millis_behind_latest": shard.behind_ms,
                }
                for shard in list(self.source.shards.values())
            },
            "outstanding_records": self.held_records,
            "held_bytes": self.held_bytes,
            "objects_to_write": len(self._puts),
            "seconds_behind": 0.0 if oldest is None else round((self.now() - oldest).total_seconds(), 3),
            "blocked": self._is_blocked,
            "last_error": self.last_error,
            "throttled_reads": self.source.throttled,
        }

    def _make_source(self) -> KinesisSource | DirectSource:
        source_arn, role_arn = self.settings.source_arn, self.settings.source_role_arn
        if source_arn is None or role_arn is None:
            return DirectSource(self.intake, self.clock, self.meter)
        return KinesisSource(
            lambda: self.clients("kinesis", role_arn),
            source_arn,
            self.settings.started,
            self.clock,
            self.renew,
            self.meter,
        )

    @property
    def _identity(self) -> str:
        return f"{self.settings.arn} {self.settings.started.isoformat()}"

    def _make_batcher(self, transform: Transform | None) -> transforms.Batcher:
        if transform is None:  # nothing to collect for: every record goes on at once
            return transforms.Batcher(READ_BYTES, 0.0, self.clock)
        return transforms.Batcher(transform.buffer_bytes, transform.buffer_seconds, self.clock)

    def _make_schema(self) -> TableSchema | None:
        conversion = self.settings.conversion
        if conversion is None:
            return None
        return TableSchema(lambda: self.clients("glue", conversion.role_arn), conversion, self.clock)

    def _make_error_log(self) -> ErrorLog:
        role_arn = self.settings.role_arn
        return ErrorLog(self.settings, lambda: self.clients("logs", role_arn), self.clock, self.now)

    @property
    def _is_blocked(self) -> bool:
        """Whether an error object cannot be written: delivery stands still until it can, as on AWS."""
        return any(put.is_error and put.is_failing for put in self._puts)

    @property
    def _is_failing(self) -> bool:
        waiting: list[Put | Invocation] = [*self._puts, *self._batches]
        return any(one.is_failing for one in waiting) or self._schema_attempts > 0 or self.source.error is not None

    # -- reading

    @property
    def _has_room(self) -> bool:
        return not self._is_blocked and self.held_bytes < MAX_HELD_BYTES

    def _read(self, refresh: bool) -> None:
        self._polled = self.clock()
        records = self.source.poll(READ_BYTES, refresh)
        is_quiet = self.has_news and not records and self.source.is_quiet
        self._next_poll = self._polled + (QUIET_SECONDS if is_quiet else POLL_SECONDS)
        if self.source.error:
            self.last_error = self.source.error
            if self.settings.source_arn is not None:
                self._error_log.write("Kinesis.ReadFailed", self.source.error)
        for record in records:
            self._batcher.add(record)

    # -- transforming

    def _transform(self, force: bool) -> None:
        self._batches.extend(Invocation(batch) for batch in self._batcher.due(force))
        while self._batches and not self._is_blocked:
            invocation = self._batches[0]
            if self.clock() < invocation.not_before or not self._transform_batch(invocation):
                return
            self._batches.popleft()

    def _transform_batch(self, invocation: Invocation) -> bool:
        """Whether the batch is through, one way or the other."""
        transform = self.settings.transform
        if transform is None:
            for record in invocation.records:
                self._accept(record, transforms.Transformed(record.data, {}))
            return True
        try:
            outcomes = self._invoke(transform, invocation)
        except InvocationError as failure:
            return self._invocation_failed(transform, invocation, failure)
        except CALL_ERRORS as error:
            self._failed(f"Lambda.{error_code(error)}", f"invoke {transform.function_arn}", error)
            invocation.outages += 1
            invocation.not_before = self.clock() + pause(invocation.outages)
            return False
        done = [outcome for outcome in outcomes if not isinstance(outcome, RecordError)]
        sizes = [len(outcome.data) for outcome in done if isinstance(outcome, transforms.Transformed)]
        self.meter.records("SucceedProcessing", len(done), sum(sizes))
        for record, outcome in zip(invocation.records, outcomes, strict=True):
            if isinstance(outcome, RecordError):
                self._processing_failed(record, outcome, 1, transform)
            elif isinstance(outcome, transforms.Dropped):
                record.receipt.settled = True
            else:
                self._accept(record, outcome)
        return True

    def _invoke(self, transform: Transform, invocation: Invocation) -> list[transforms.Outcome]:
        settings = self.settings
        source_arn = settings.source_arn or ""  # only records of data streams are transformed
        event = transforms.event(invocation.records, str(uuid.uuid4()), settings.arn, source_arn, settings.region)
        began, succeeded = self.clock(), False
        try:
            payload = invoke(lambda: self.clients("lambda", transform.role_arn), transform.function_arn, event)
            outcomes = transforms.read_answer(payload, invocation.records)
            succeeded = True
        finally:
            self.meter.add("ExecuteProcessing.Success", float(succeeded))
            self.meter.add("ExecuteProcessing.Duration", (self.clock() - began) * 1000, "Milliseconds")
        return outcomes

    def _invocation_failed(self, transform: Transform, invocation: Invocation, failure: InvocationError) -> bool:
        invocation.attempts += 1
        self._failed(failure.code, f"invoke {transform.function_arn}", failure)
        if invocation.attempts <= transform.retries:
            invocation.not_before = self.clock() + pause(invocation.attempts)
            return False
        for record in invocation.records:
            record_failure = RecordError(failure.code, failure.message)
            self._processing_failed(record, record_failure, invocation.attempts, transform)
        return True

    def _processing_failed(self, record: Record, failure: RecordError, attempts: int, transform: Transform) -> None:
        line = error_output.processing_failed(record, failure, attempts, self._now_ms, transform.function_arn)
        self._buffer_error(keys.PROCESSING_FAILED, record, line)

    # -- partitioning and buffering

    def _accept(self, record: Record, outcome: transforms.Transformed) -> None:
        try:
            key = self._partition(outcome)
        except RecordError as failure:
            self._partitioning_failed(record, failure, outcome.data)
        else:
            self._buffers.add(key, Item(_without_data(record), outcome.data))

    def _partition(self, outcome: transforms.Transformed) -> BufferKey:
        key = BufferKey(None, partition(self.settings.prefix.lambda_keys, outcome.partition_keys))
        if key not in self._buffers and self._active_partitions() >= keys.MAX_ACTIVE_PARTITIONS:
            self.meter.add("PartitionCountExceeded", 1)
            raise PartitionLimitError(
                "DynamicPartitioning.ActivePartitionLimitExceeded",
                f"more than {keys.MAX_ACTIVE_PARTITIONS} partitions are active",
            )
        return key

    def _active_partitions(self) -> int:
        """Partitions with records that are not delivered yet."""
        return len(self._buffers.partitions | {put.partition for put in self._puts if not put.is_error})

    def _partitioning_failed(self, record: Record, failure: RecordError, data: bytes) -> None:
        line = error_output.partitioning_failed(record, failure, self._now_ms, data)
        beyond = isinstance(failure, PartitionLimitError)
        self._buffer_error(keys.PARTITION_LIMIT if beyond else keys.PARTITIONING_FAILED, record, line)

    def _buffer_error(self, error_type: str, record: Record, line: bytes, since: float | None = None) -> None:
        self._buffers.add(BufferKey(error_type), Item(_without_data(record), line), since)

    # -- sealing

    def _seal(self, force: bool) -> None:
        settings = self.settings
        full = self.held_bytes >= MAX_HELD_BYTES
        wait = self._buffers.wait(settings.buffer_seconds)
        due = full or force or wait == 0.0 or self._buffers.largest_size >= settings.buffer_bytes
        if wait is None or not due or self.clock() < self._schema_not_before:
            return
        try:
            schema = self._read_schema()
            self._schema_attempts = 0
        except CALL_ERRORS as error:
            self._schema_attempts += 1
            self._schema_not_before = self.clock() + pause(self._schema_attempts)
            self._failed(f"DataFormatConversion.{error_code(error)}", "read the Glue table", error)
            return
        if full:
            for buffer in self._buffers.largest():
                self._seal_buffer(buffer, schema)
        # Again, because conversion puts the records that do not fit into an error buffer that is as old.
        while buffers := self._buffers.due(settings.buffer_bytes, settings.buffer_seconds, force):
            for buffer in buffers:
                self._seal_buffer(buffer, schema)

    def _read_schema(self) -> Deserializer | SchemaError | None:
        """How to convert records, or why none can be; a fault of Glue that passes is raised."""
        if self._schema is None:
            return None
        try:
            return self._schema.deserializer()
        except SchemaError as failure:
            return failure

    def _seal_buffer(self, buffer: Buffer, schema: Deserializer | SchemaError | None) -> None:
        if buffer.key.error_type is not None or schema is None:
            self._queue(buffer, buffer.items, b"".join(item.data for item in buffer.items), "")
        elif isinstance(schema, SchemaError):
            self._error_log.write(schema.code, schema.message)
            for item in buffer.items:
                self._conversion_failed(item, schema, buffer.since)
        else:
            self._convert(buffer, schema)

    def _convert(self, buffer: Buffer, deserializer: Deserializer) -> None:
        rows: list[tuple[Any, ...]] = []
        items: list[Item] = []
        for item in buffer.items:
            try:
                rows += deserializer.rows(item.data)
            except RecordError as failure:
                self._conversion_failed(item, failure, buffer.since)
            else:
                items.append(item)
        self.meter.records("SucceedConversion", len(items), sum(len(item.data) for item in items))
        if items:
            self._queue(buffer, items, parquet.write(deserializer.columns, rows), ".parquet")

    def _conversion_failed(self, item: Item, failure: RecordError | SchemaError, since: float) -> None:
        self.meter.records("FailedConversion", 1, len(item.data))
        line = error_output.conversion_failed(item.record, failure, self._now_ms, item.data, self.settings)
        self._buffer_error(keys.FORMAT_CONVERSION_FAILED, item.record, line, since)

    def _queue(self, buffer: Buffer, items: list[Item], body: bytes, extension: str) -> None:
        try:
            key = self._object_key(buffer, items, extension)
        except PrefixError as error:
            failure = RecordError("DynamicPartitioning.InvalidPrefix", str(error))
            for item in items:
                self._partitioning_failed(item.record, failure, item.data)
            return
        self._puts.append(Put(buffer.key, key, body, [item.record for item in items]))

    def _object_key(self, buffer: Buffer, items: list[Item], extension: str) -> str:
        settings = self.settings
        arrival = min(item.record.arrival for item in items).astimezone(UTC)
        if buffer.key.error_type is not None:
            prefix = error_prefix(settings.prefix, settings.error_output_prefix)
            evaluated = prefix.evaluate(arrival, error_type=buffer.key.error_type)
        else:
            values = dict(zip(settings.prefix.lambda_keys, buffer.key.values, strict=True))
            evaluated = object_prefix(settings.prefix, settings.dynamic).evaluate(arrival, values)
        stem = f"{settings.name}-{settings.version}-{arrival:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}"
        return f"{evaluated}{stem}{extension}"

    # -- writing

    def _put(self) -> None:
        remaining: list[Put] = []
        # Error objects first: while one cannot be written, nothing else moves.
        for put in sorted(self._puts, key=lambda put: not put.is_error):
            held_back = any(other.is_error for other in remaining)
            if held_back or self.clock() < put.not_before or not self._put_object(put):
                remaining.append(put)
        self._puts = remaining

    def _put_object(self, put: Put) -> bool:
        settings = self.settings
        try:
            self.clients("s3", settings.role_arn).put_object(
                Bucket=settings.bucket, Key=put.key, Body=put.body, ContentType="application/octet-stream"
            )
        except CALL_ERRORS as error:
            put.attempts += 1
            put.not_before = self.clock() + pause(put.attempts)
            self.meter.add("DeliveryToS3.Success", 0)
            self._failed(f"S3.{error_code(error)}", f"put s3://{settings.bucket}/{put.key}", error)
            return False
        self.meter.add("DeliveryToS3.Success", 1)
        if not put.is_error:
            self.meter.records("DeliveryToS3", len(put.records), len(put.body))
            self.meter.add("DeliveryToS3.ObjectCount", 1)
        # Before they are settled: how old the oldest was when it was delivered belongs to the freshness.
        self._measure_freshness()
        for record in put.records:
            record.receipt.settled = True
        return True

    # -- measuring

    def _measure(self) -> None:
        """What is true for a time, once in a while."""
        if self.clock() < self._next_measure:
            return
        self._next_measure = self.clock() + MEASURE_SECONDS
        self._measure_freshness()
        if self.settings.dynamic and (active := self._active_partitions()):
            self.meter.add("PartitionCount", active)
            self.meter.add("PartitionCountExceeded", 0)

    def _measure_freshness(self) -> None:
        """The age of the oldest record that is not delivered."""
        oldest = self.source.oldest
        if oldest is not None:
            self.meter.add("DeliveryToS3.DataFreshness", (self.now() - oldest).total_seconds(), "Seconds")

    # -- the rest

    @property
    def _now_ms(self) -> int:
        return round(self.now().timestamp() * 1000)

    def _failed(self, code: str, what: str, error: Exception) -> None:
        if is_stale(error):
            self.renew()
        self.last_error = f"{what}: {error}"
        self._error_log.write(code, self.last_error)
        log.warning("%s: %s", self.settings.name, self.last_error)

    def _wait(self, flush_since: float | None) -> float:
        now = self.clock()
        if flush_since is not None and not self._is_failing:
            return 0.0
        waits = [LONGEST_PAUSE]
        waits += [batch.not_before - now for batch in list(self._batches)[:1]]
        waits += [put.not_before - now for put in self._puts]
        if self._has_room and not (flush_since is not None and self.source.caught_up_since(flush_since)):
            waits.append(self._next_poll - now)
        if self.held_records:
            waits.append(self._next_measure - now)
        if self._schema_attempts:
            waits.append(self._schema_not_before - now)
        elif (due := self._buffers.wait(self.settings.buffer_seconds)) is not None:
            waits.append(due)
        if (due := self._batcher.wait) is not None:
            waits.append(due)
        return max(SHORTEST_WAIT, min(waits))


def _without_data(record: Record) -> Record:
    """The record without its original bytes, which nothing needs any more."""
    return replace(record, data=b"")
