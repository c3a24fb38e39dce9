"""What becomes of the samples of a batch: which go on in its record, and which are put back, in which records.

A record has one set of partition keys, so only samples of one day can go on in it. The others go back to the data
stream and come again as records of their own: those of another day as a batch of that day, and each rejected
sample alone, because a result holds for a whole record, and an error object should have the sample's own bytes.

This ends: whatever is put back from a batch is shorter than the batch. A rejected element is put back without the
array around it. Accepted ones are put back together only where another, accepted too, goes on in this record, and
its required keys alone are longer than what is written around the rest. A batch of one element is never put back.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple, Sequence, Tuple, Union

from .errors import BATCH_NOT_SPLIT, EMPTY_BATCH, MessageError
from .events import PartitionMetadata
from .lines import MAX_BYTES, Delivered

#: What the lane says about an element: its line and the day of its partition, or why it is rejected.
Outcome = Union[Tuple[bytes, int], Exception]

#: How many elements of a batch may be rejected. A message of 128 KB, the most that IoT takes, holds some 1,100
#: samples, but 60,000 numbers, and an event millions of these. To put each back would take all of the function's
#: memory and minutes of its time, at the cost of the records beside it.
MAX_REJECTED = 2_000

_HEAD, _TAIL = b'{"samples":[', b"]}"


class PutBack(NamedTuple):
    """A record that is put back: its data, and the places that its elements have in the batch."""

    places: tuple[int, ...]
    data: bytes


class Split:
    """A batch of which samples are put back.

    Attributes:
        lines: Those of the samples that go on; empty where none does.
        metadata: What the answer says of the lines, None where there are none.
        delivered: How many samples go on.
        put_backs: The records that hold the others.
        waiting: How many samples are put back.
    """

    __slots__ = ("delivered", "lines", "metadata", "put_backs", "waiting")

    def __init__(
        self, lines: bytes, metadata: PartitionMetadata | None, delivered: int, put_backs: Sequence[PutBack]
    ) -> None:
        self.lines = lines
        self.metadata = metadata
        self.delivered = delivered
        self.put_backs = put_backs
        self.waiting = sum([len(each.places) for each in put_backs])


def plan(
    texts: Sequence[str], outcomes: Sequence[Outcome], partitions: Mapping[int, PartitionMetadata]
) -> Delivered | Split:
    """Say what becomes of a batch.

    Args:
        texts: The elements as they are spelled.
        outcomes: What the lane says about each.
        partitions: The metadata of an answer, by the day.

    Raises:
        MessageError: The batch is empty, or has an element that no record can hold.
        Exception: The batch has one element; this is why the lane rejects it.
    """
    if not texts:
        raise MessageError(EMPTY_BATCH)
    days: dict[int, list[int]] = {}
    rejected: list[int] = []
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Exception):
            if len(texts) == 1:
                raise outcome
            rejected.append(place)
        else:
            days.setdefault(outcome[1], []).append(place)
    put_backs = [_record(texts, [place]) for place in rejected]
    if not days:
        return Split(b"", None, 0, put_backs)
    today = max(days, key=lambda day: len(days[day]))  # the first of those with the most
    lines = [outcome[0] for outcome in outcomes if not isinstance(outcome, Exception) and outcome[1] == today]
    joined = b"".join(lines)
    if len(joined) > MAX_BYTES:
        fitting = _fitting(lines)
        joined = b"".join(lines[:fitting])
        days[today], rest = days[today][:fitting], days[today][fitting:]
        put_backs += _records(texts, rest)
    for day, places in days.items():
        if day != today:
            put_backs += _records(texts, places)
    delivered = joined, partitions[today], len(days[today])
    return Split(*delivered, put_backs) if put_backs else delivered


def _fitting(lines: Sequence[bytes]) -> int:
    """Return how many of the first lines a record can hold."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line)
        if size > MAX_BYTES:
            return number
    return len(lines)


def _records(texts: Sequence[str], places: Sequence[int]) -> list[PutBack]:
    """Make as few records of the elements at some places as Firehose's limit allows."""
    records: list[PutBack] = []
    begin = size = 0
    for number, place in enumerate(places):
        more = len(texts[place].encode()) + len(",")
        if number > begin and len(_HEAD + _TAIL) + size + more > MAX_BYTES:
            records.append(_record(texts, places[begin:number]))
            begin, size = number, 0
        size += more
    records.append(_record(texts, places[begin:]))
    return records


def _record(texts: Sequence[str], places: Sequence[int]) -> PutBack:
    """Make a record; an element that is alone is put back as the bytes that it is."""
    data = b",".join([texts[place].encode() for place in places])
    if len(places) > 1:
        data = _HEAD + data + _TAIL
    if len(data) > MAX_BYTES:  # possible for a single one, with much white space or under no rule at all
        raise MessageError(BATCH_NOT_SPLIT)
    return PutBack(tuple(places), data)
