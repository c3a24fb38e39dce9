"""What the services of the local cloud measure of themselves, on its way to CloudWatch.

A service says what it measured, and knows nothing of CloudWatch, which takes it from here. Without CloudWatch
(in a test of one service, say) it goes nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol


class Sink(Protocol):
    """Takes measurements."""

    def __call__(
        self,
        namespace: str,
        name: str,
        value: float,
        unit: str,
        dimensions: Mapping[str, str],
        timestamp: float,
    ) -> None:
        """Take one; `timestamp` is in epoch seconds."""
        ...


_sinks: list[Sink] = []


def provide(sink: Sink) -> None:
    """Send what is measured from now on to `sink` as well."""
    _sinks.append(sink)


def record(
    namespace: str,
    name: str,
    value: float,
    dimensions: Mapping[str, str],
    unit: str = "Count",
    timestamp: float | None = None,
) -> None:
    """Say what a service measured; from any thread.

    Args:
        namespace: the service's, as ``AWS/Kinesis``.
        name: the metric's, as the service's guide spells it.
        value: what was measured.
        dimensions: the metric's dimensions.
        unit: as CloudWatch spells it.
        timestamp: when, in epoch seconds; now without.
    """
    at = time.time() if timestamp is None else timestamp
    for sink in _sinks:
        sink(namespace, name, value, unit, dimensions, at)
