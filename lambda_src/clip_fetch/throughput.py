"""How long a clip takes, learnt from those before it."""

from __future__ import annotations

import threading

from .deadline import Deadline

#: Bytes a second that are assumed before any were measured, for a download and the upload after it together.
ASSUMED_BYTES_PER_SECOND = 5_000_000

#: What the calls for a clip take beside its bytes.
ASSUMED_CALL_MS = 2_000


class Throughput:
    """The estimate of one run, shared by its threads."""

    def __init__(self, deadline: Deadline) -> None:
        """Begin with what is assumed; the time that is left now is the run's whole budget."""
        self._deadline = deadline
        self._budget_ms = deadline.left_ms()
        self._lock = threading.Lock()
        self._bytes_per_second = float(ASSUMED_BYTES_PER_SECOND)

    def affords(self, size: int) -> bool:
        """Tell whether a download of ``size`` bytes and its upload can still finish."""
        return self._needed_ms(size) <= self._deadline.left_ms()

    def exceeds_any_run(self, size: int) -> bool:
        """Tell whether it would take most of a run, so that waiting for the next one is of no use."""
        return self._needed_ms(size) > self._budget_ms / 2

    def record(self, size: int, spent_ms: int) -> None:
        """Learn from a clip that was downloaded and stored."""
        if size > 0 and spent_ms > 0:
            rate = size * 1000 / spent_ms
            with self._lock:
                # down at once, up slowly: a deadline that is missed costs more than one that is kept early
                known = self._bytes_per_second
                self._bytes_per_second = rate if rate < known else 0.8 * known + 0.2 * rate

    def _needed_ms(self, size: int) -> float:
        """Return twice the time that a download and its upload are likely to take."""
        return 2 * (ASSUMED_CALL_MS + size * 1000 / self._bytes_per_second)
