"""The redrive of a range of a data stream: what its delivery stream never read.

A delivery stream that is made anew reads its data stream from that moment on. What arrived while there was
none is on the data stream, and nowhere else. A record of the range counts as skipped when neither its row nor
its bytes lie in the lake; it is redriven with its own partition key. The same key after the range says that
it was redriven before, so a run that is repeated redrives nothing twice.

A batch counts as skipped when that holds for one of its samples, less those that the transform put back: these are
on the data stream again, in records of their own.
"""

import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from factory_lake.gateway.batches import samples_of
from factory_lake.reconcile.expectation import Content
from factory_lake.reconcile.stored import ERROR_ACTION, Found, StoredError, content_of, read_object
from factory_lake.redrive import findings as outcomes
from factory_lake.redrive.datastream import StreamRecord
from factory_lake.redrive.errors import DamagedError, RedriveError, SendError
from factory_lake.redrive.findings import Finding, Findings
from factory_lake.redrive.lines import list_objects
from factory_lake.redrive.objects import LaneParts, Options
from factory_lake.redrive.origins import Origin, envelope, partition_key
from factory_lake.redrive.prediction import Prediction
from factory_lake.redrive.sender import Record, batches

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KIND = "stream"
# What is remembered of a sample takes some 300 bytes.
MOST_SAMPLES = 500_000
_NAMESPACE = uuid.UUID("d1a0c7c4-6f4e-4b0e-9d5c-5b0f3a0e2c11")
_APPEARS_SECONDS = 2.0
_ATTEMPTS = 5


class _Sample(NamedTuple):
    """Where a message must be, or a sample of a batch: digests."""

    row: bytes | None  # of its row; None when the transform refuses it
    payload: bytes  # of its bytes, as they lie in an error object
    put_back: bytes | None  # of its envelope and its bytes, by which a put-back is known; None for what came alone


@dataclass(frozen=True)
class _Expected:
    """Where a record must be, if it was delivered."""

    samples: tuple[_Sample, ...]
    arrival_ms: int
    size: int

    def without(self, put_back: Mapping[bytes, list[tuple[int, int]]]) -> "_Expected":
        """What is left when the samples are gone that the transform put back: later, and in shorter records."""
        return replace(
            self,
            samples=tuple(
                sample
                for sample in self.samples
                if sample.put_back is None
                or not any(at >= self.arrival_ms and size < self.size for at, size in put_back[sample.put_back])
            ),
        )


@dataclass
class RangeRedrive:
    """Redrives what a delivery stream skipped of one lane's data stream."""

    s3: "S3Client"
    parts: LaneParts
    prediction: Prediction  # the transform with the function's settings; it says which row a record became
    options: Options  # `apply`, `limit` and `gateway` count
    findings: Findings
    sleep: Callable[[float], None] = time.sleep

    def redrive(self, from_ms: int, to_ms: int) -> None:
        """Redrive what was skipped of the records that arrived in a range.

        Args:
            from_ms: The first moment, epoch ms.
            to_ms: The first moment that is out of the range. What arrived before it must have been delivered
                by now, if it ever will: a record that still waits in the delivery stream's buffer would count
                as skipped.

        Raises:
            DamagedError: When an object of the lake cannot be read.
            SendError: When the data stream takes no more.
        """
        wanted, days = self._expected(from_ms, to_ms)
        again, put_back = self._later(wanted, from_ms, to_ms)
        wanted = {key: expected.without(put_back) for key, expected in wanted.items()}
        skipped = self._not_stored(wanted, days, from_ms) - again
        for key, expected in wanted.items():
            if key in again:
                self._count(_day(expected.arrival_ms), outcomes.BEFORE)
            elif key not in skipped:
                self._count(_day(expected.arrival_ms), outcomes.IN_PLACE)
        self._redrive(skipped, from_ms, to_ms)

    def _expected(self, from_ms: int, to_ms: int) -> tuple[dict[str, _Expected], set[tuple[int, int, int]]]:
        """Where each record of the range must be, by the key that it is redriven with; and the rows' days."""
        wanted: dict[str, _Expected] = {}
        days: set[tuple[int, int, int]] = set()
        count = 0
        for record in self.parts.stream.read(from_ms, to_ms):
            key = self._key(record)
            if key is None:
                self._count(_day(record.arrival_ms), outcomes.NO_GATEWAY)
                continue
            verdicts = self.prediction.verdicts(record.data, record.partition_key, record.arrival_ms)
            samples = []
            for verdict in verdicts:
                row = None
                if verdict.line is not None and verdict.day is not None:
                    days.add(verdict.day)
                    row = _digest_row(*content_of(verdict.line.decode(), self.parts.lane))
                put_back = _digest_put_back(verdict.payload, record) if len(verdicts) > 1 else None
                samples.append(_Sample(row, _digest(verdict.payload), put_back))
            wanted[key] = _Expected(tuple(samples), record.arrival_ms, len(record.data))
            count += len(samples)
            if count > MOST_SAMPLES:
                raise RedriveError(
                    "--from, --to", f"the range must hold at most {MOST_SAMPLES} samples; take a shorter one"
                )
        return wanted, days

    def _later(
        self, wanted: Mapping[str, _Expected], from_ms: int, to_ms: int
    ) -> tuple[set[str], dict[bytes, list[tuple[int, int]]]]:
        """The keys that lie on the stream once more; arrival and size of the records that hold samples of batches."""
        put_back: dict[bytes, list[tuple[int, int]]] = {
            sample.put_back: [] for one in wanted.values() for sample in one.samples if sample.put_back is not None
        }
        again = set()
        for record in self.parts.stream.read(from_ms if put_back else to_ms):
            if record.arrival_ms >= to_ms and record.partition_key in wanted:
                again.add(record.partition_key)
            for sample in samples_of(record.data) if put_back else ():
                if (digest := _digest_put_back(sample, record)) in put_back:
                    put_back[digest].append((record.arrival_ms, len(record.data)))
        return again, put_back

    def _not_stored(self, wanted: dict[str, _Expected], days: set[tuple[int, int, int]], from_ms: int) -> set[str]:
        rows, payloads = self._stored(days, from_ms)
        skipped = set()
        for key, expected in wanted.items():
            used: list[tuple[Counter[bytes], bytes]] = []
            for row, payload, _ in expected.samples:
                if row is not None and rows[row] > 0:
                    used.append((rows, row))
                elif payloads[payload] > 0:
                    used.append((payloads, payload))
                else:
                    skipped.add(key)
                    break
                stored, digest = used[-1]
                stored[digest] -= 1
            if key in skipped:
                for stored, digest in used:
                    stored[digest] += 1
        return skipped

    def _stored(self, days: set[tuple[int, int, int]], from_ms: int) -> tuple[Counter[bytes], Counter[bytes]]:
        """Digests of the rows and payloads that were written since the range began."""
        rows: Counter[bytes] = Counter()
        payloads: Counter[bytes] = Counter()
        for found in self._found(days, from_ms):
            if found.content is not None:
                rows[_digest_row(found.content, found.gateway, found.received_ms)] += 1
            elif found.payload is not None:
                payloads[_digest(found.payload)] += 1
        return rows, payloads

    def _found(self, days: set[tuple[int, int, int]], from_ms: int) -> Iterator[Found]:
        bucket, factory, lane = self.parts.bucket, self.parts.factory, self.parts.lane
        failed = (
            source.key
            for source in list_objects(self.s3, bucket, factory, lane)
            # The day in its key is that of its oldest record.
            if source.kind != ERROR_ACTION and (_day(from_ms) - source.day).days <= 1
        )
        for key in chain(self._keys(days, from_ms), failed):
            body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            try:
                yield from read_object(bucket, lane, key, body)
            except StoredError as error:
                raise DamagedError(f"s3://{bucket}/{key}", "must be a stored object") from error

    def _keys(self, days: set[tuple[int, int, int]], from_ms: int) -> Iterator[str]:
        for year, month, day in sorted(days):
            prefix = f"factory={self.parts.factory}/year={year:04}/month={month:02}/day={day:02}/"
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.parts.bucket, Prefix=prefix)
            for page in pages:
                for item in page.get("Contents", []):
                    if item["LastModified"].timestamp() * 1000 >= from_ms - 1000:
                        yield item["Key"]

    def _redrive(self, skipped: set[str], from_ms: int, to_ms: int) -> None:
        limit = self.options.limit
        keys = skipped if limit is None else set(sorted(skipped)[:limit])
        waiting = set(keys)

        def records() -> Iterator[tuple[StreamRecord, Record]]:
            for record in self.parts.stream.read(from_ms, to_ms):
                key = self._key(record)
                if key in waiting:
                    waiting.discard(key)
                    yield record, Record(key, record.data)

        sender = self.parts.sender
        for batch in batches(records(), lambda pair: pair[1].size, sender.most_records, sender.most_bytes):
            if self.options.apply:
                self._send([record for _, record in batch], to_ms)
            outcome = outcomes.REDRIVEN if self.options.apply else outcomes.WOULD_REDRIVE
            for came, _ in batch:
                self._count(_day(came.arrival_ms), outcome)

    def _send(self, batch: list[Record], to_ms: int) -> None:
        self.parts.sender.pace(batch)
        left, problem = batch, ""
        for _ in range(_ATTEMPTS):
            outcome = self.parts.sender.put(left)
            taken = {left[at].partition_key for at in outcome.taken}
            if outcome.unsure:
                self.sleep(_APPEARS_SECONDS)
                unsure = {left[at].partition_key for at in outcome.unsure}
                read = self.parts.stream.read(to_ms)
                taken |= {one.partition_key for one in read if one.partition_key in unsure}
            left = [record for record in left if record.partition_key not in taken]
            if not left:
                return
            problem = outcome.problem
            if outcome.final:
                break
        raise SendError(self.parts.sender.stream, problem)

    def _key(self, record: StreamRecord) -> str | None:
        """The key that a record is redriven with: its own, where that is an envelope."""
        origin = envelope(record.partition_key, record.arrival_ms)
        if origin.gateway is not None:
            return record.partition_key
        if self.options.gateway is None:
            return None
        token = uuid.uuid5(_NAMESPACE, f"{self.parts.stream.name}/{record.shard}/{record.sequence}")
        return partition_key(Origin(origin.received_ms, self.options.gateway), token)

    def _count(self, day: date, outcome: str) -> None:
        found = Finding(self.parts.factory, self.parts.lane, KIND, day.isoformat(), "-", outcome)
        self.findings.counts[found] += 1


def _digest_put_back(sample: bytes, record: StreamRecord) -> bytes:
    return _digest(repr((envelope(record.partition_key, record.arrival_ms), sample)).encode())


def _digest_row(content: Content, gateway: str | None, received_ms: int | None) -> bytes:
    return _digest(repr((content, gateway, received_ms)).encode())


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // 1000, UTC).date()
