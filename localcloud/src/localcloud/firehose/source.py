"""Reading a Kinesis data stream: every shard in order, children of a split or merge after their parents.

Sources: Amazon Data Firehose Developer Guide, "Configure source settings for Kinesis Data Streams" (one
GetRecords call a second per shard; reading begins at LATEST when the delivery stream is made) and the Kinesis
Data Streams API reference. Here a stream of which there are no news is read less often (see ``localcloud.news``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from localcloud.firehose.checkpoint import ShardCheckpoint
from localcloud.firehose.clients import CALL_ERRORS, error_code, is_stale
from localcloud.firehose.metrics import Meter, Outbox
from localcloud.firehose.records import Record, ShardProgress

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
QUIET_SECONDS = 10.0
"""Between two calls of which the first found nothing, where news would make the second one earlier."""
LIST_SECONDS = 5.0
RECORDS_PER_CALL = 10_000
_THROTTLED = {"ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException"}


@dataclass
class Shard:
    """One shard that is being read.

    Attributes:
        iterator: Where to read on; None before the first read and after an error.
        last_read: Sequence number of the last record read.
        exhausted: The shard is closed and read to its end.
        caught_up: Clock time of the start of the last call that found nothing more to read.
        polled: Clock time of the start of the last call, so that no shard starves another.
        behind_ms: MillisBehindLatest of the last call.
    """

    id: str
    parents: tuple[str, ...]
    progress: ShardProgress
    iterator: str | None = None
    last_read: str | None = None
    exhausted: bool = False
    caught_up: float = float("-inf")
    polled: float = float("-inf")
    behind_ms: int = 0

    @property
    def finished(self) -> bool:
        """Whether it is closed and everything in it is delivered."""
        return self.exhausted and not self.progress.outstanding


@dataclass
class KinesisSource:
    """All shards of one stream.

    Attributes:
        started: Records that arrived earlier are not read.
        clock: Monotonic seconds.
        renew: Called when the role's session is no longer good.
        error: What the last round of calls failed with, None when it did not.
    """

    client: Callable[[], Any]
    stream_arn: str
    started: datetime
    clock: Callable[[], float]
    renew: Callable[[], None]
    meter: Meter = field(default_factory=lambda: Meter("", Outbox()))
    shards: dict[str, Shard] = field(default_factory=dict)
    error: str | None = None
    throttled: int = 0
    _finished: set[str] = field(default_factory=set)
    _listed: float = float("-inf")

    def resume(self, checkpoints: Mapping[str, ShardCheckpoint]) -> None:
        """Go on from stored checkpoints."""
        for shard_id, checkpoint in checkpoints.items():
            if checkpoint.finished:
                self._finished.add(shard_id)
            else:
                progress = ShardProgress(checkpoint.position)
                self.shards[shard_id] = Shard(shard_id, (), progress, last_read=checkpoint.position)

    def checkpoints(self) -> dict[str, ShardCheckpoint]:
        """Checkpoints to store."""
        finished = {shard_id: ShardCheckpoint(None, finished=True) for shard_id in self._finished}
        return finished | {shard.id: ShardCheckpoint(shard.progress.position) for shard in self.shards.values()}

    def advance(self) -> bool:
        """Move every shard's position over what has been settled; true if anything moved."""
        moved = False
        for shard in list(self.shards.values()):
            moved |= shard.progress.advance()
            if shard.finished:
                del self.shards[shard.id]
                self._finished.add(shard.id)
                moved = True
        return moved

    def poll(self, max_bytes: int, refresh: bool = False) -> list[Record]:
        """One GetRecords call for each shard that may be read now.

        Args:
            max_bytes: Stop calling once this much data has been read.
            refresh: List the shards first, whenever they were last listed.

        Errors are kept in `error`, not raised: a stream that cannot be read now is read later.
        """
        self.error = None
        records: list[Record] = []
        size = 0
        if refresh or self.clock() - self._listed >= LIST_SECONDS:
            self._attempt(self._list_shards)
        for shard in sorted(self.shards.values(), key=lambda shard: shard.polled):
            if size >= max_bytes:
                break
            if self._may_read(shard):
                shard.polled = self.clock()
                found = self._attempt(partial(self._get_records, shard)) or []
                records += found
                size += sum(len(record.data) for record in found)
        return records

    def caught_up_since(self, moment: float) -> bool:
        """Whether everything that was in the stream at `moment`, by the clock, has been read."""
        return self._listed > moment and all(
            shard.exhausted or shard.caught_up > moment for shard in self.shards.values()
        )

    @property
    def is_quiet(self) -> bool:
        """Whether the last round found the end of every shard, and no call failed."""
        ends = (shard.exhausted or shard.caught_up >= shard.polled for shard in self.shards.values())
        return self.error is None and self._listed > float("-inf") and all(ends)

    @property
    def outstanding(self) -> int:
        """Records read and not yet settled, up to the first unsettled one of each shard."""
        return sum(shard.progress.outstanding for shard in self.shards.values())

    @property
    def oldest(self) -> datetime | None:
        """Arrival of the oldest record that is read and not delivered."""
        return min(filter(None, (shard.progress.oldest for shard in self.shards.values())), default=None)

    def _may_read(self, shard: Shard) -> bool:
        if shard.exhausted:
            return False
        return all(parent not in self.shards or self.shards[parent].exhausted for parent in shard.parents)

    def _attempt(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except CALL_ERRORS as error:
            if is_stale(error):
                self.renew()
            if error_code(error) in _THROTTLED:
                self.throttled += 1
                operation = getattr(error, "operation_name", "GetRecords")
                self.meter.add(f"Throttled{operation}", 1)
            self.error = f"{self.stream_arn}: {error}"
            log.warning("%s", self.error)
            return None

    def _list_shards(self) -> None:
        began = self.clock()
        arguments: dict[str, Any] = {"StreamARN": self.stream_arn}
        listed: list[dict[str, Any]] = []
        while arguments:
            answer = self.client().list_shards(**arguments)
            listed += answer["Shards"]
            arguments = {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}
        for one in listed:
            parents = tuple(one[key] for key in ("ParentShardId", "AdjacentParentShardId") if one.get(key))
            shard_id = one["ShardId"]
            if shard_id in self.shards:
                self.shards[shard_id].parents = parents
            elif shard_id not in self._finished:
                self.shards[shard_id] = Shard(shard_id, parents, ShardProgress())
        # A shard that the stream no longer knows has expired with its records, and nothing refers to it any more.
        known = {one["ShardId"] for one in listed}
        self._finished &= known
        for shard in [shard for shard in self.shards.values() if shard.id not in known]:
            shard.exhausted = True
        self._listed = began

    def _get_records(self, shard: Shard) -> list[Record]:
        began = self.clock()
        if shard.iterator is None:
            shard.iterator = self._iterator(shard)
        iterator, shard.iterator = shard.iterator, None  # an error makes the next call ask for a new one
        answer = self.client().get_records(StreamARN=self.stream_arn, ShardIterator=iterator, Limit=RECORDS_PER_CALL)
        records = [self._record(shard, one) for one in answer["Records"]]
        shard.iterator = answer.get("NextShardIterator")
        shard.exhausted = shard.iterator is None
        shard.behind_ms = answer.get("MillisBehindLatest", 0)
        self.meter.add("KinesisMillisBehindLatest", shard.behind_ms, "Milliseconds")
        self.meter.records("DataReadFromKinesisStream", len(records), sum(len(one.data) for one in records))
        if shard.behind_ms == 0 and len(records) < RECORDS_PER_CALL:
            shard.caught_up = began
        if shard.exhausted:
            self._listed = float("-inf")  # its children are wanted at once
        return records

    def _iterator(self, shard: Shard) -> str:
        position: dict[str, Any]
        if shard.last_read is None:
            position = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self.started}
        else:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": shard.last_read}
        answer = self.client().get_shard_iterator(StreamARN=self.stream_arn, ShardId=shard.id, **position)
        return str(answer["ShardIterator"])

    def _record(self, shard: Shard, one: Mapping[str, Any]) -> Record:
        sequence = one["SequenceNumber"]
        shard.last_read = sequence
        return Record(
            id=f"{sequence}.{shard.id}",
            shard_id=shard.id,
            sequence=sequence,
            partition_key=one["PartitionKey"],
            arrival=one["ApproximateArrivalTimestamp"],
            data=one["Data"],
            receipt=shard.progress.read(sequence, one["ApproximateArrivalTimestamp"]),
        )
