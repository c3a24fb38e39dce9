"""An independent reckoning: raw samples and events, judged second by second, without spans or SQL.

It shares nothing with `factory_lake.coverage` but the names of the states. All its times are whole seconds.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

#: An arbitrary Monday, in seconds since 1970.
BEGIN = 1_773_014_400
DAY = 86_400
RESUMES = 30
UNDER_WAY = 10
NOTICED = 1800


@dataclass
class Plant:
    """What happened to one tag of one gateway.

    Attributes:
        samples: Those in the table: when each was taken, and when it arrived.
        refused: When samples of the tag were taken that were refused.
        unnamed: When messages of the gateway arrived that name no tag and were refused.
        offline: Begin, end and reason of times without a connection; None is an end that has not come.
        waiting: Begin and end of the arrivals that may be on their way.
    """

    period: int
    start: int
    end: int
    samples: dict[int, int] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    unnamed: set[int] = field(default_factory=set)
    offline: list[tuple[int, int | None, str]] = field(default_factory=list)
    waiting: tuple[int, int] | None = None
    _times: list[int] = field(default_factory=list)

    @property
    def longest(self) -> float:
        """The longest pause that is none: two periods and a tenth of a second."""
        return 2 * self.period + 0.1

    def states(self) -> list[str]:
        """The state of each second."""
        self._times = sorted(self.samples)
        found = [self._state(second) for second in range(self.start, self.end)]
        return self._absorbed(found)

    def _pause(self, second: int) -> tuple[int | None, int]:
        """The sample before or at a second, and the next one, or the range's end."""
        at = bisect_right(self._times, second)
        return self._times[at - 1] if at else None, self._times[at] if at < len(self._times) else self.end

    def _state(self, second: int) -> str:
        before, after = self._pause(second)
        refused = any(at in self.refused for at in range(second - self.period + 1, second + 1))
        if before is None:
            return "refused" if refused else "quiet"
        arrived = "late" if self.samples[before] // DAY > before // DAY else "data"
        if second < before + self.period:
            return arrived
        if refused:
            return "refused"
        if after - before <= self.longest:
            return arrived
        if any(at in self.unnamed for at in range(second - self.period + 1, second + 1)):
            return "refused"
        for begin, end, reason in self.offline:
            seen = begin - NOTICED if reason == "CONNECTION_LOST" else begin
            if before + self.period >= begin - UNDER_WAY:
                seen = min(seen, before + self.period)
            if seen <= second and (end is None or second < end + RESUMES):
                return "gateway_offline"
        if self.waiting and self.waiting[0] <= second < self.waiting[1]:
            return "waiting"
        return "unexplained"

    def _absorbed(self, states: list[str]) -> list[str]:
        """Short rests of a pause belong to the cause beside them."""
        found = list(states)
        causes = {"refused", "gateway_offline", "waiting"}
        at = 0
        while at < len(states):
            if states[at] != "unexplained":
                at += 1
                continue
            end = at
            while end < len(states) and states[end] == "unexplained":
                end += 1
            left = states[at - 1] if at else ""
            right = states[end] if end < len(states) else ""
            cause = left if left in causes else right if right in causes else None
            if cause and end - at <= self.longest:
                found[at:end] = [cause] * (end - at)
            at = end
        return found

    def rows(self) -> list[dict[str, Any]]:
        """What the query of runs answers, worked out from the samples one by one."""
        times = sorted(self.samples)
        pauses = sorted(1000 * (after - before) for before, after in pairwise(times))

        def quantile(share: float) -> int | None:
            return pauses[int((len(pauses) - 1) * share)] if pauses else None

        # A tag's first sample of all has no pause before it.
        longest_before = max(
            [0, *(1000 * (after - before) for before, after in pairwise(times) if after < self.start)]
        )
        has_history = bool(times) and times[0] < self.start
        median = quantile(0.5) or 0
        found = []
        for place, at in enumerate(times, start=1):
            previous = times[place - 2] if place > 1 else None
            late, was_late = (one is not None and self.samples[one] // DAY > one // DAY for one in (at, previous))
            inside = self.start <= at < self.end
            is_first = at >= self.start and (previous is None or previous < self.start)
            is_behind = at >= self.end and previous is not None and previous < self.end
            pause = 1000 * (at - previous) if previous is not None else 0
            turns = previous is not None and late != was_late
            if place == len(times) or is_first or is_behind or (inside and (turns or pause > 1.5 * median)):
                found.append(
                    {
                        "gateway": "line-1",
                        "device_name": "press",
                        "tag_name": "speed",
                        "ts": moment(at),
                        "previous_ts": None if previous is None else moment(previous),
                        "late": int(late),
                        "place": place,
                        "samples": len(times),
                        "tenth_ms": quantile(0.1),
                        "median_ms": quantile(0.5),
                        "ninetieth_ms": quantile(0.9),
                        "rare_ms": quantile(0.99),
                        "longest_before_ms": longest_before if has_history else None,
                    }
                )
        return found


def moment(second: int) -> datetime:
    """A time as the tables have it."""
    return datetime.fromtimestamp(second, UTC).replace(tzinfo=None)


def random_plant(seed: int) -> Plant:
    """A tag with some of what can happen to it."""
    draw = random.Random(seed)
    period = draw.choice((1, 2, 5, 10))
    start = BEGIN + draw.choice((0, 7 * 3600, DAY - 900))
    plant = Plant(period, start, start + draw.choice((600, 1800, 3600)))
    first = start - draw.choice((0, 300, 3600))
    if draw.random() < 0.2:
        first = start + period * draw.randrange(1, 100)
    last = plant.end + draw.choice((-400, 0, 300))
    slots = range(first, last, period)
    plant.samples = {at: at for at in slots}
    for _ in range(draw.randrange(4)):
        _strike(plant, draw, slots)
    if draw.random() < 0.4:
        plant.waiting = (plant.end - draw.randrange(1, 500), plant.end)
    return plant


def _strike(plant: Plant, draw: random.Random, slots: range) -> None:
    """Something goes wrong for a while."""
    kind = draw.choice(("offline", "late", "refused", "one", "unnamed", "lost", "silent", "caught up"))
    if not slots:
        return
    first = draw.randrange(len(slots))
    struck = [slots[first]] if kind == "one" else list(slots[first : first + draw.randrange(1, 120)])
    begin, end = struck[0], struck[-1] + plant.period
    if kind in ("offline", "caught up"):
        reason = draw.choice(("DUPLICATE_CLIENTID", "CLIENT_INITIATED_DISCONNECT"))
        # The last samples may be lost before the connection is.
        plant.offline.append((begin + draw.randrange(min(3 * plant.period, end - begin)), end, reason))
    if kind == "lost":
        noticed = begin + min(draw.randrange(60), end - begin)
        plant.offline.append((noticed, draw.choice((end, None)), "CONNECTION_LOST"))
    if kind in ("caught up", "late"):
        arrives = end if kind == "caught up" else end + DAY
        plant.samples.update({at: arrives for at in struck if at in plant.samples})
        return
    for at in struck:
        if plant.samples.pop(at, None) is None:
            continue
        if kind in ("refused", "one"):
            plant.refused.add(at)
        if kind == "unnamed":
            plant.unnamed.add(at)
