"""Calls to AWS that are repeated before the deadline."""

from __future__ import annotations

import random
from typing import Any, Callable, TypeVar

from .deadline import Deadline
from .errors import DeadlineExceededError, is_transient

_T = TypeVar("_T")

#: How often a call is made, at most.
MAX_ATTEMPTS = 8

#: The pause after the first failure doubles with each further one.
MIN_PAUSE_MS = 200
MAX_PAUSE_MS = 10_000


class RetryPolicy:
    """Repeats calls with exponential pauses and jitter, inside the deadline."""

    def __init__(self, deadline: Deadline, sleep: Callable[[float], Any], jitter: random.Random) -> None:
        """Take the run's deadline, what sleeps for seconds, and what makes pauses differ between runs and threads."""
        self._deadline = deadline
        self._sleep = sleep
        self._jitter = jitter

    def call(self, function: Callable[[], _T]) -> _T:
        """Call, and again after a pause when the failure is transient; raise the last one, or the first that is not.

        Raises:
            DeadlineExceededError: The next pause would pass the deadline.
        """
        pause_ms = MIN_PAUSE_MS
        for attempt in range(1, MAX_ATTEMPTS + 1):
            self._deadline.check()
            try:
                return function()
            except Exception as error:
                if attempt == MAX_ATTEMPTS or not is_transient(error):
                    raise
            pause = self._jitter.uniform(pause_ms / 2, pause_ms)
            if pause >= self._deadline.left_ms():
                raise DeadlineExceededError
            self._sleep(pause / 1000)
            pause_ms = min(2 * pause_ms, MAX_PAUSE_MS)
        raise AssertionError("unreachable: the last attempt returns or raises")
