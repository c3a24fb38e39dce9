"""The last step of both lanes: a line within the limit on its length, and the partition that it goes to."""

from __future__ import annotations

from time import gmtime
from typing import Dict, Tuple

from .errors import LINE_TOO_LONG, NOT_MILLISECONDS, OUT_OF_RANGE, MessageError
from .events import PartitionMetadata

#: Amazon Data Firehose, quotas: "the maximum size of a record ... is 1,000 KiB", the line feed included.
MAX_BYTES = 1_000 * 1_024
#: A day of the calendar.
DAY_MS = 86_400_000
#: What OpenX, Firehose's reader of JSON, takes for milliseconds (probed on AWS): an integer nearer to 0 is
#: seconds to it, and one whose nanoseconds need more than 64 bits wraps, both without an error. In time these
#: are 2001-09-09 and 2262-04-11, and as long before 1970.
MIN_MS, MAX_MS = 10**12, 9_223_372_036_854

#: What a lane makes of a record of which everything goes on: its lines, the metadata of its answer, and how many
#: samples the lines are.
Delivered = Tuple[bytes, PartitionMetadata, int]


def finish(body: str, suffix: str) -> bytes:
    """Encode a line; raise ``MessageError`` where it is too long for Firehose."""
    line = (body + suffix).encode()
    if len(line) > MAX_BYTES:
        raise MessageError(LINE_TOO_LONG)
    return line


def check_milliseconds(key: str, time: int) -> None:
    """Raise ``MessageError`` for a time that is not one of milliseconds to OpenX."""
    if abs(time) < MIN_MS:
        raise MessageError(NOT_MILLISECONDS, key)
    if abs(time) > MAX_MS:
        raise MessageError(OUT_OF_RANGE, key)


class Partitions(Dict[int, PartitionMetadata]):
    """The ``metadata`` of an answer for each day since 1970-01-01, in UTC, made when a day first occurs.

    ``partitions[event_time // DAY_MS]`` is ``{"partitionKeys": {"year": "2026", "month": "03", "day":
    "09"}}``. Answers share it, so none may change it. A day that the platform's calendar cannot name raises
    OverflowError or OSError.
    """

    _MAX_DAYS = 2_000  # a plausible window is about 400 days; beyond this, start over rather than grow

    def __missing__(self, day: int) -> PartitionMetadata:
        """Make the keys of a day."""
        if len(self) >= self._MAX_DAYS:
            self.clear()
        date = gmtime(day * 86_400)
        keys = {"year": f"{date.tm_year:04}", "month": f"{date.tm_mon:02}", "day": f"{date.tm_mday:02}"}
        self[day] = answer = {"partitionKeys": keys}
        return answer
