"""The record beside each error object: which of its lines were redriven.

An error object is never changed or deleted. What `factory_lake.redrive` redrives is written down in an
object of its own, `errors-redriven/...` for `errors/...`, so that nothing is redriven twice and a
reconciliation knows which lines stand for a message no longer.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

ERRORS = "errors/"
RECORDS = "errors-redriven/"


@dataclass(frozen=True)
class Lines:
    """Line numbers of an object, as ranges."""

    # First and last number of each range, both included; sorted, with gaps between them.
    ranges: tuple[tuple[int, int], ...] = ()

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.ranges, number, key=lambda one: one[0]) - 1
        return at >= 0 and number <= self.ranges[at][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def plus(self, numbers: Iterable[int]) -> "Lines":
        """These lines and others."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted([*self.ranges, *((number, number) for number in numbers)]):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return Lines(tuple(merged))


@dataclass(frozen=True)
class Redriven:
    """What was redriven of one error object."""

    object: str
    etag: str
    redriven: Lines = field(default_factory=Lines)
    # Lines that were under way when this was written; after a crash only the data stream tells what became of them.
    pending: Lines = field(default_factory=Lines)
    since_ms: int = 0  # when they were first sent, epoch ms
    alive_ms: int = 0  # when they were last sent: how long ago the run was certainly alive
    lines: int | None = None  # how many lines the object has; None until all were read
    run: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing of the object is left to redrive."""
        return self.lines is not None and len(self.redriven) == self.lines and not self.pending

    def to_bytes(self) -> bytes:
        """The record as it is stored."""
        document = {**vars(self), "redriven": self.redriven.ranges, "pending": self.pending.ranges}
        return json.dumps(document).encode() + b"\n"

    @classmethod
    def from_bytes(cls, body: bytes) -> "Redriven":
        """Read a stored record.

        Raises:
            ValueError: When it is none.
        """
        try:
            document = json.loads(body)
            return cls(
                str(document["object"]),
                str(document["etag"]),
                _lines(document["redriven"]),
                _lines(document["pending"]),
                int(document["since_ms"]),
                int(document["alive_ms"]),
                None if document["lines"] is None else int(document["lines"]),
                str(document["run"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("is no record of redriven lines") from error


def record_key(key: str) -> str:
    """The key of an error object's record."""
    return f"{RECORDS}{key.removeprefix(ERRORS)}.json"


def object_key(key: str) -> str:
    """The key of the error object that a record is of."""
    return ERRORS + key.removeprefix(RECORDS).removesuffix(".json")


def _lines(ranges: list[list[int]]) -> Lines:
    return Lines(tuple((int(first), int(last)) for first, last in ranges))
