"""The partition that an instant belongs to."""

from __future__ import annotations

from time import gmtime
from typing import Dict

from .events import PartitionMetadata

#: A day of the calendar.
DAY_MS = 86_400_000


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
