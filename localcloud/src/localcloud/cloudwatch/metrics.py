"""Metrics: data points by namespace, name and dimensions, kept as CloudWatch keeps them.

CloudWatch user guide, "CloudWatch concepts": a metric is its namespace, its name and exactly its dimensions;
standard resolution is a minute, high resolution a second, kept for three hours; after that minutes are kept,
for 15 days.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

MINUTE: Final = 60
KEPT_SECONDS: Final = 15 * 24 * 3600
HIGH_RESOLUTION_SECONDS: Final = 3 * 3600
STATISTICS: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MetricId:
    """What makes a metric."""

    namespace: str
    name: str
    dimensions: Dimensions = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricId:
        """The metric with these dimensions, whose order means nothing."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass
class Stat:
    """A statistic set, with the values themselves while they are known."""

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    values: dict[float, float] | None = field(default_factory=dict)

    @classmethod
    def of(cls, value: float, count: float = 1.0) -> Stat:
        """One value, seen so many times."""
        return cls(count, value * count, value, value, {value: count})

    def add(self, other: Stat) -> None:
        """Take another statistic set in."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        if self.values is None or other.values is None:
            self.values = None
            return
        for value, count in other.values.items():
            self.values[value] = self.values.get(value, 0.0) + count

    def statistic(self, name: str) -> float | None:
        """A statistic by its name in the API, None where there is none.

        Raises:
            ValueError: the local cloud has no such statistic.
        """
        check_statistic(name)
        if not self.count:
            return None
        known = {
            "SampleCount": self.count,
            "Average": self.total / self.count,
            "Sum": self.total,
            "Minimum": self.least,
            "Maximum": self.most,
        }
        return known[name] if name in known else self._percentile(float(name[1:]))

    def _percentile(self, rank: float) -> float | None:
        """Between the two nearest values; none for statistic sets and negative values, as in CloudWatch."""
        if self.values is None or self.least < 0:
            return None
        place = rank / 100 * (self.count - 1)
        low, high = self._at(math.floor(place)), self._at(math.ceil(place))
        return low + (high - low) * (place - math.floor(place))

    def _at(self, index: int) -> float:
        seen = 0.0
        for value, count in sorted((self.values or {}).items()):
            seen += count
            if index < seen:
                return value
        return self.most


def check_statistic(name: str) -> None:
    """Check the name of a statistic.

    Raises:
        ValueError: CloudWatch may have it, the local cloud does not.
    """
    if name not in STATISTICS and not _PERCENTILE.fullmatch(name):
        raise ValueError(f"the statistic must be one of {', '.join(STATISTICS)} or pNN here, got {name!r}")


@dataclass
class _Series:
    """The data points of a metric, by the start of their slot and by unit."""

    standard: dict[int, dict[str, Stat]] = field(default_factory=dict)
    fine: dict[int, dict[str, Stat]] = field(default_factory=dict)

    def add(self, start: int, unit: str, stat: Stat, *, fine: bool) -> None:
        slots = self.fine if fine else self.standard
        slots.setdefault(start, {}).setdefault(unit, Stat()).add(stat)

    def forget(self, now: float) -> None:
        """Drop what is too old, and of seconds that are three hours old keep their minutes."""
        for start in [start for start in self.fine if start < now - HIGH_RESOLUTION_SECONDS]:
            for unit, stat in self.fine.pop(start).items():
                self.add(start - start % MINUTE, unit, stat, fine=False)
        for start in [start for start in self.standard if start < now - KEPT_SECONDS]:
            del self.standard[start]

    def window(self, start: int, end: int, unit: str | None) -> Stat | None:
        """All data points in [start, end), of one unit or of any."""
        whole = Stat()
        first = start + -start % MINUTE
        for slots, times in ((self.standard, range(first, end, MINUTE)), (self.fine, range(start, end))):
            for at in times if slots else ():
                for name, stat in slots.get(at, {}).items():
                    if unit is None or name == unit:
                        whole.add(stat)
        return whole if whole.count else None

    def slots(self) -> Iterator[tuple[int, dict[str, Stat]]]:
        yield from list(self.standard.items())
        yield from list(self.fine.items())


class Metrics:
    """All metrics of the cloud. Any thread may add to them."""

    def __init__(self) -> None:
        self._series: dict[MetricId, _Series] = {}
        self._lock = threading.Lock()

    def add(self, metric: MetricId, timestamp: float, stat: Stat, unit: str = "None", *, fine: bool = False) -> None:
        """Take a data point in.

        Args:
            metric: the metric.
            timestamp: in epoch seconds.
            stat: its value or values.
            unit: its unit, as the API spells it.
            fine: whether it is of high resolution.
        """
        start = math.floor(timestamp) if fine else math.floor(timestamp) // MINUTE * MINUTE
        with self._lock:
            self._series.setdefault(metric, _Series()).add(start, unit, stat, fine=fine)

    def forget(self, now: float) -> None:
        """Drop what CloudWatch no longer keeps."""
        with self._lock:
            for metric, series in list(self._series.items()):
                series.forget(now)
                if not series.standard and not series.fine:
                    del self._series[metric]

    def age(self, metric: MetricId, seconds: int) -> None:
        """Make a metric's data points older, as if they had come so many seconds earlier."""
        with self._lock:
            series = self._series[metric]
            series.standard = {at - seconds: units for at, units in series.standard.items()}
            series.fine = {at - seconds: units for at, units in series.fine.items()}

    def ids(self) -> list[MetricId]:
        """The metrics that have data points."""
        with self._lock:
            return list(self._series)

    def units(self, metric: MetricId) -> set[str]:
        """The units that a metric has data points in."""
        with self._lock:
            series = self._series.get(metric)
            return set() if series is None else {unit for _, units in series.slots() for unit in units}

    def windows(
        self, metric: MetricId, starts: Iterable[int], period: int, unit: str | None = None
    ) -> list[Stat | None]:
        """The data points in the windows that begin at `starts` (epoch seconds) and last `period`."""
        with self._lock:
            series = self._series.get(metric)
            if series is None:
                return [None for _ in starts]
            return [series.window(start, start + period, unit) for start in starts]

    def span(self, metric: MetricId, first: float, last: float) -> list[int]:
        """The starts of the slots with data points in [first, last)."""
        with self._lock:
            series = self._series.get(metric)
            return [] if series is None else sorted(at for at, _ in series.slots() if first <= at < last)
