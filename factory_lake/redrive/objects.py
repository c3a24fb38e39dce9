"""The redrive of error objects: each line once, with the envelope that it first came with.

An object is worked through in batches of one PutRecords call. The order is: write the batch down as pending,
send it, write it down as redriven together with the next one's pending. Every record carries a UUID made from
its object and line, so after a crash or a lost answer the data stream itself tells which records of the one
batch in doubt it has.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby, islice
from threading import Lock

from factory_lake.gateway.identities import Lane
from factory_lake.reconcile.redriven import Lines, Redriven
from factory_lake.reconcile.stored import ERROR_ACTION, ORIGINAL
from factory_lake.redrive import findings as outcomes
from factory_lake.redrive.checkpoint import Checkpoints
from factory_lake.redrive.datastream import DataStream
from factory_lake.redrive.errors import BusyError, DamagedError, SendError
from factory_lake.redrive.findings import Finding, Findings
from factory_lake.redrive.lines import ErrorLine, ErrorObject, spellings
from factory_lake.redrive.origins import Origin, RejectionLog, StreamMemory, missing, partition_key
from factory_lake.redrive.prediction import Prediction
from factory_lake.redrive.restore import Restorer
from factory_lake.redrive.sender import MOST_RECORD_BYTES, Outcome, Record, Sender, batches
from transform.errors import MessageError

_NAMESPACE = uuid.UUID("9b6f5a5e-51a5-4d1b-8a58-0b9a4f4d0a5c")
# Longer than a batch can be under way: the sender's patience (20 s) and one call after it, which the command
# line's client gives up after 25 s.
TAKE_OVER_MS = 60_000
_CLOCKS_DIFFER_MS = 60_000
# How long a record whose answer was lost may take to appear on the data stream.
_APPEARS_SECONDS = 2.0
_ATTEMPTS = 5
# Objects of the error action that are redriven at the same time.
AT_ONCE = 16


@dataclass(frozen=True)
class LaneParts:
    """One lane of one factory, and what reaches its parts."""

    factory: str
    lane: Lane
    bucket: str
    checkpoints: Checkpoints
    stream: DataStream  # its data stream, to read
    sender: Sender  # its data stream, to write
    log: RejectionLog
    # Its transform function's code and settings, where refusals shall be predicted.
    prediction: Prediction | None = None


@dataclass(frozen=True)
class Options:
    """What to redrive, and how."""

    apply: bool = False  # do it; otherwise only count
    kinds: frozenset[str] = frozenset()  # error types, in any of AWS's spellings; all of them when empty
    from_day: date = date.min
    to_day: date = date.max
    limit: int | None = None  # the most messages of the run
    gateway: str | None = None  # whose the messages are that nothing else tells the gateway of

    def wants(self, source: ErrorObject) -> bool:
        """Whether an object is among those that shall be redriven."""
        of_kind = not self.kinds or bool(self.kinds & spellings(source.kind))
        return of_kind and self.from_day <= source.day <= self.to_day


@dataclass(frozen=True)
class _Message:
    number: int
    origin: Origin
    record: Record


@dataclass
class _Reading:
    """The lines of an object that are not redriven yet, up to its end or a damaged one."""

    source: Iterator[ErrorLine]
    before: Lines
    lines: int = 0
    problem: DamagedError | None = None

    def __iter__(self) -> Iterator[ErrorLine]:
        try:
            for line in self.source:
                self.lines += 1
                if line.number not in self.before:
                    yield line
        except DamagedError as problem:
            # The good lines before it still wait in a batch.
            self.problem = problem


@dataclass
class _Work:
    """One object in work: its record as it shall be, as it is stored, and the stored one's ETag."""

    source: ErrorObject
    record: Redriven
    stored: Redriven
    etag: str | None


def now_ms() -> int:
    """Epoch ms."""
    return time.time_ns() // 1_000_000


@dataclass
class ObjectRedrive:
    """Redrives the error objects of one lane."""

    parts: LaneParts
    options: Options
    findings: Findings  # what is counted, over all lanes of a run
    run: str  # the run's ID, for the record
    clock_ms: Callable[[], int] = now_ms  # epoch ms
    sleep: Callable[[float], None] = time.sleep
    take_over_ms: int = TAKE_OVER_MS  # how old another run's pending batch must be before it counts as that of a crash

    def __post_init__(self) -> None:
        self._memory = StreamMemory(self.parts.stream)
        self._restorer = Restorer()
        self._counting = Lock()
        self._predicting = Lock()

    def redrive(self, objects: Iterable[ErrorObject], lines_of: Callable[[ErrorObject], Iterator[ErrorLine]]) -> None:
        """Redrive what the options want of some objects.

        Raises:
            SendError: When the data stream takes no more.
        """
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for group in self._groups(one for one in objects if self.options.wants(one)):
                if len(group) == 1:
                    self._tried(group[0], lines_of)
                    continue
                # All of them end before the first one's error is raised.
                done = [threads.submit(self._tried, source, lines_of) for source in group]
                wait(done)
                for one in done:
                    one.result()

    def _groups(self, objects: Iterable[ErrorObject]) -> Iterator[list[ErrorObject]]:
        """Objects to redrive at the same time, until the limit is reached.

        An error action writes an object for each message, so one at a time would be slow. An object of
        Firehose's holds many, and the next may need what the log said for it, so it goes alone.
        """
        for single, run in groupby(objects, key=lambda one: one.kind != ERROR_ACTION):
            waiting = iter(run)
            while True:
                left = self._left()
                if left == 0:
                    return
                group = list(islice(waiting, 1 if single else min(AT_ONCE, left or AT_ONCE)))
                if not group:
                    break
                yield group

    def _tried(self, source: ErrorObject, lines_of: Callable[[ErrorObject], Iterator[ErrorLine]]) -> None:
        try:
            self._object(source, lines_of(source))
        except (DamagedError, BusyError) as problem:
            self.findings.problems.append(str(problem))

    def _left(self) -> int | None:
        """How many messages the limit leaves."""
        if self.options.limit is None:
            return None
        done = self.findings.total(outcomes.REDRIVEN, outcomes.WOULD_REDRIVE)
        return max(0, self.options.limit - done)

    def _object(self, source: ErrorObject, lines: Iterator[ErrorLine]) -> None:
        record, etag = self.parts.checkpoints.read(source)
        work = _Work(source, record, record, etag)
        if record.pending and self.options.apply:
            self._settle(work)
        if len(work.record.redriven):
            self._count(source, "-", outcomes.BEFORE, len(work.record.redriven))
        if work.record.is_complete:
            return
        reading = _Reading(lines, work.record.redriven)
        finished = True
        try:
            sender = self.parts.sender
            for batch in batches(reading, lambda line: len(line.data), sender.most_records, sender.most_bytes):
                if self._left() == 0:
                    finished = False
                    break
                self._batch(work, batch)
            if reading.problem is not None:
                raise reading.problem
            if finished:
                work.record = replace(work.record, lines=reading.lines)
        finally:
            # Whatever ended the work: what the stream has taken is written down.
            self._write(work)

    def _batch(self, work: _Work, lines: Sequence[ErrorLine]) -> None:
        messages = list(self._messages(work.source, lines))[: self._left()]
        if not self.options.apply:
            for message in messages:
                self._count(work.source, message.origin.rule or "-", outcomes.WOULD_REDRIVE)
            return
        if not messages:
            return
        self.parts.sender.pace([message.record for message in messages])
        since_ms = self.clock_ms()
        left, problem = messages, ""
        for _ in range(_ATTEMPTS):
            pending = Lines().plus(message.number for message in left)
            work.record = replace(work.record, pending=pending, since_ms=since_ms, alive_ms=self.clock_ms())
            self._write(work)
            outcome = self.parts.sender.put([message.record for message in left])
            left = self._note(work, left, outcome, since_ms)
            problem = outcome.problem
            if not left or outcome.final:
                break
        work.record = replace(work.record, pending=Lines())
        if left:
            raise SendError(self.parts.sender.stream, problem)

    def _note(self, work: _Work, messages: list[_Message], outcome: Outcome, since_ms: int) -> list[_Message]:
        """Note what the stream took of a batch, and return what it did not."""
        taken = [messages[at] for at in outcome.taken]
        if outcome.unsure:
            self.sleep(_APPEARS_SECONDS)
            unsure = [messages[at] for at in outcome.unsure]
            there = self._arrived(work.source, [message.number for message in unsure], since_ms)
            taken += [message for message in unsure if message.number in there]
        numbers = {message.number for message in taken}
        work.record = replace(work.record, redriven=work.record.redriven.plus(numbers))
        for message in taken:
            self._count(work.source, message.origin.rule or "-", outcomes.REDRIVEN)
        return [message for message in messages if message.number not in numbers]

    def _settle(self, work: _Work) -> None:
        """Find out what became of the batch that an earlier run left pending."""
        record = work.record
        age_ms = self.clock_ms() - record.alive_ms
        if age_ms < self.take_over_ms:
            wait = (self.take_over_ms - age_ms) / 1000
            raise BusyError(work.source, f"run {record.run} sent a batch a moment ago; try again in {wait:.0f} s")
        there = self._arrived(work.source, record.pending, record.since_ms)
        if self.clock_ms() - record.since_ms > self.parts.stream.retention_ms():
            self.findings.in_doubt += len(record.pending) - len(there)
        work.record = replace(record, redriven=record.redriven.plus(there), pending=Lines())

    def _arrived(self, source: ErrorObject, numbers: Iterable[int], since_ms: int) -> set[int]:
        """Which lines of an object are on the data stream."""
        wanted = {str(_token(source, number)): number for number in numbers}
        return {
            wanted[token]
            for record in self.parts.stream.read(since_ms - _CLOCKS_DIFFER_MS)
            if (token := record.partition_key.rpartition("/")[2]) in wanted
        }

    def _messages(self, source: ErrorObject, lines: Sequence[ErrorLine]) -> Iterator[_Message]:
        """The messages of lines, with their envelopes; those that are held back are counted here."""
        payloads, origins = self._read(source, lines)
        for line in lines:
            if line.number not in payloads:
                continue
            payload = payloads[line.number]
            origin = origins.get(line.number) or Origin(line.arrival_ms, None)
            rule = origin.rule or line.reason
            origin = replace(origin, gateway=origin.gateway or self.options.gateway, rule=rule)
            try:
                key = partition_key(origin, _token(source, line.number))
            except ValueError:
                self._count(source, rule, outcomes.NO_GATEWAY)
                continue
            record = Record(key, payload)
            if record.size > MOST_RECORD_BYTES:
                self._count(source, rule, outcomes.TOO_LARGE)
                continue
            if self.parts.prediction is not None:
                with self._predicting:
                    refusal = self.parts.prediction.refusal(payload, key, origin.received_ms)
                if refusal is not None:
                    self._count(source, refusal, outcomes.REFUSED_AGAIN)
                    continue
            yield _Message(line.number, origin, record)

    def _read(self, source: ErrorObject, lines: Sequence[ErrorLine]) -> tuple[dict[int, bytes], dict[int, Origin]]:
        """Payloads and, as far as they are known, origins of lines, by number."""
        payloads = {line.number: line.data for line in lines}
        if source.kind == ERROR_ACTION:
            return payloads, {line.number: Origin(line.arrival_ms, line.gateway) for line in lines}
        if source.kind == ORIGINAL:
            origins = self.parts.log.origins(lines)
            return payloads, {**origins, **self._memory.origins(missing(lines, origins))}
        origins = {}
        for line in lines:
            try:
                restored = self._restorer.restore(self.parts.lane, line.data)
            except (MessageError, ValueError):
                del payloads[line.number]
                self._count(source, line.reason, outcomes.NOT_RESTORED)
                continue
            if restored is not None:
                payloads[line.number] = restored.payload
                origins[line.number] = Origin(restored.received_ms, restored.gateway)
        originals = [line for line in lines if line.number in payloads and line.number not in origins]
        return payloads, {**origins, **self._memory.origins(originals)}

    def _write(self, work: _Work) -> None:
        if work.record == work.stored or not self.options.apply:
            return
        work.record = replace(work.record, run=self.run)
        # Set before the write: a run that lost a race must not write once more when it is left.
        work.stored = work.record
        work.etag = self.parts.checkpoints.write(work.source, work.record, work.etag)

    def _count(self, source: ErrorObject, rule: str, outcome: str, messages: int = 1) -> None:
        day = source.day.isoformat()
        found = Finding(self.parts.factory, self.parts.lane, source.kind, day, rule, outcome)
        with self._counting:
            self.findings.counts[found] += messages


def _token(source: ErrorObject, number: int) -> uuid.UUID:
    """The UUID of a line's record, the same in every run."""
    return uuid.uuid5(_NAMESPACE, f"{source.bucket}/{source.key}#{number}")
