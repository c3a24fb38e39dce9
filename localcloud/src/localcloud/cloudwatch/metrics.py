"""Metrics: data points by namespace, name and dimensions, kept as CloudWatch keeps them.

CloudWatch user guide, "CloudWatch concepts": a metric is its namespace, its name and exactly its dimensions;
standard resolution, the one known here, is a minute, kept for 15 days.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60
KEPT_SECONDS: Final = 15 * 24 * 3600
STATISTICS: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


@dataclass(frozen=True)
class MetricId:
    """What makes a metric."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricId:
        """The metric with these dimensions, whose order means nothing."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass
class Stat:
    """A statistic set."""

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    @classmethod
    def of(cls, value: float) -> Stat:
        """One value."""
        return cls(1.0, value, value, value)

    def add(self, other: Stat) -> None:
        """Take another statistic set in."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    def statistic(self, name: str) -> float | None:
        """A statistic by its name in the API, None where there is none."""
        if not self.count:
            return None
        values = (self.count, self.total / self.count, self.total, self.least, self.most)
        return dict(zip(STATISTICS, values, strict=True))[name]


def check_statistic(name: str) -> None:
    """Check the name of a statistic.

    Raises:
        ValueError: CloudWatch may have it, the local cloud does not.
    """
    if name not in STATISTICS:
        raise ValueError(f"the statistic must be one of {', '.join(STATISTICS)} here, got {name!r}")


_Slots = dict[int, dict[str, Stat]]
"""The data points of a metric, by the start of their minute (epoch seconds) and by unit."""


class Metrics:
    """All metrics of the cloud. Any thread may add to them."""

    def __init__(self) -> None:
        self._slots: dict[MetricId, _Slots] = {}
        self._lock = threading.Lock()

    def add(self, metric: MetricId, timestamp: float, stat: Stat, unit: str = "None") -> None:
        """Take a data point in, at a timestamp in epoch seconds, its unit as the API spells it."""
        start = math.floor(timestamp) // MINUTE * MINUTE
        with self._lock:
            self._slots.setdefault(metric, {}).setdefault(start, {}).setdefault(unit, Stat()).add(stat)

    def forget(self, now: float) -> None:
        """Drop what CloudWatch no longer keeps."""
        with self._lock:
            for metric, slots in list(self._slots.items()):
                for start in [start for start in slots if start < now - KEPT_SECONDS]:
                    del slots[start]
                if not slots:
                    del self._slots[metric]

    def age(self, metric: MetricId, seconds: int) -> None:
        """Make a metric's data points older, as if they had come so many seconds earlier."""
        with self._lock:
            self._slots[metric] = {start - seconds: units for start, units in self._slots[metric].items()}

    def ids(self) -> list[MetricId]:
        """The metrics that have data points."""
        with self._lock:
            return list(self._slots)

    def units(self, metric: MetricId) -> set[str]:
        """The units that a metric has data points in."""
        with self._lock:
            return {unit for units in self._slots.get(metric, {}).values() for unit in units}

    def windows(
        self, metric: MetricId, starts: Iterable[int], period: int, unit: str | None = None
    ) -> list[Stat | None]:
        """The data points, of one unit or of any, in the windows that begin at `starts` and last `period` seconds."""
        with self._lock:
            slots = self._slots.get(metric, {})
            return [_window(slots, start, start + period, unit) for start in starts]


def _window(slots: _Slots, start: int, end: int, unit: str | None) -> Stat | None:
    whole = Stat()
    for at in range(start + -start % MINUTE, end, MINUTE):
        for name, stat in slots.get(at, {}).items():
            if unit is None or name == unit:
                whole.add(stat)
    return whole if whole.count else None
