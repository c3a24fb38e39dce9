"""What the services of the local cloud measure of themselves, on its way to CloudWatch.

A service says what it measured, and knows nothing of CloudWatch, which takes it from here. Without CloudWatch
(in a test of one service, say) it goes nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

Sink = Callable[[str, str, float, str, Mapping[str, str], float], None]
"""Takes a measurement: namespace, name, value, unit, dimensions and epoch seconds."""

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
    """Say what a service measured, in epoch seconds at ``timestamp`` or now; from any thread.

    Names and units are spelled as in the service's guide.
    """
    at = time.time() if timestamp is None else timestamp
    for sink in _sinks:
        sink(namespace, name, value, unit, dimensions, at)
