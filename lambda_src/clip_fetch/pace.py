"""Time: the run's deadline, and calls that are tried again inside it."""

from __future__ import annotations

import random
import threading
from typing import Any, Callable, TypeVar

from clip_fetch.errors import OutOfTime, is_transient

_T = TypeVar("_T")

#: Kept free at the end of a run for metrics and the summary.
MARGIN_MS = 4_000

_FIRST_PAUSE_MS = 200
_LONGEST_PAUSE_MS = 10_000
_ATTEMPTS = 8

#: Bytes a second that are assumed before any were measured, for a download and the upload after it together.
_ASSUMED_RATE = 5_000_000
_CALL_MS = 2_000


class Pace:
    """The clock of one run and what it implies.

    Args:
        now_ms: Epoch milliseconds.
        remaining_ms: Until the run is killed.
        sleep: Takes seconds.
        jitter: Makes pauses differ between runs and threads.
    """

    def __init__(
        self,
        now_ms: Callable[[], int],
        remaining_ms: Callable[[], int],
        sleep: Callable[[float], Any],
        jitter: random.Random,
    ) -> None:
        self.now_ms = now_ms
        self._remaining_ms = remaining_ms
        self._sleep = sleep
        self._jitter = jitter
        self._lock = threading.Lock()
        self._rate = float(_ASSUMED_RATE)
        self._budget_ms = self.left_ms()

    def left_ms(self) -> int:
        """Time left to work in."""
        return self._remaining_ms() - MARGIN_MS

    def check(self) -> None:
        """Stop here when the time is up.

        Raises:
            OutOfTime: It is.
        """
        if self.left_ms() <= 0:
            raise OutOfTime

    def affords(self, size: int) -> bool:
        """Whether a download of ``size`` bytes and its upload can still finish."""
        return self._needs_ms(size) <= self.left_ms()

    def is_too_much(self, size: int) -> bool:
        """Whether it would take most of a run, so that waiting for the next one is of no use."""
        return self._needs_ms(size) > self._budget_ms / 2

    def _needs_ms(self, size: int) -> float:
        """Twice the time that a download and its upload are likely to take."""
        return 2 * (_CALL_MS + size * 1000 / self._rate)

    def took(self, size: int, spent_ms: int) -> None:
        """Learn from a clip that was downloaded and stored."""
        if size > 0 and spent_ms > 0:
            rate = size * 1000 / spent_ms
            with self._lock:
                # down at once, up slowly: a deadline that is missed costs more than one that is kept early
                self._rate = rate if rate < self._rate else 0.8 * self._rate + 0.2 * rate

    def call(self, function: Callable[[], _T]) -> _T:
        """Call, and again after a pause when the failure is one that passes.

        Raises:
            OutOfTime: The next pause would pass the deadline.
            Exception: The last failure, or the first that does not pass.
        """
        pause_ms = _FIRST_PAUSE_MS
        for attempt in range(1, _ATTEMPTS + 1):
            self.check()
            try:
                return function()
            except Exception as error:
                if attempt == _ATTEMPTS or not is_transient(error):
                    raise
            pause = self._jitter.uniform(pause_ms / 2, pause_ms)
            if pause >= self.left_ms():
                raise OutOfTime
            self._sleep(pause / 1000)
            pause_ms = min(2 * pause_ms, _LONGEST_PAUSE_MS)
        raise AssertionError("unreachable: the last attempt returns or raises")
