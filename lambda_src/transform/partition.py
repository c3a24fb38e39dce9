"""The partition that an instant belongs to."""

from __future__ import annotations

from time import gmtime

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Dict

    _Keys = Dict[str, Dict[str, str]]
    _Days = Dict[int, _Keys]
else:
    _Days = dict

DAY_MS = 86_400_000


class Partitions(_Days):
    """The ``metadata`` of an answer for each day since 1970-01-01, in UTC, made when a day first occurs.

    ``partitions[event_time // DAY_MS]`` is ``{"partitionKeys": {"year": "2026", "month": "03", "day":
    "09"}}``. Answers share it, so nobody may change it. A day that the platform's calendar cannot name raises
    OverflowError or OSError.
    """

    _MOST = 2_000  # a plausible window is about 400 days; beyond this, start over rather than grow

    def __missing__(self, day: int) -> _Keys:
        """Make the keys of a day."""
        if len(self) >= self._MOST:
            self.clear()
        date = gmtime(day * 86_400)
        keys = {"year": f"{date.tm_year:04}", "month": f"{date.tm_mon:02}", "day": f"{date.tm_mday:02}"}
        self[day] = answer = {"partitionKeys": keys}
        return answer
