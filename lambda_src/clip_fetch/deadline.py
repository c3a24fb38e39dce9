"""The deadline of a run."""

from __future__ import annotations

from typing import Callable

from .errors import DeadlineExceededError

#: Kept free at the end of a run for metrics and the summary.
MARGIN_MS = 4_000


class Deadline:
    """The clock of a run, and when the run must end."""

    def __init__(self, now_ms: Callable[[], int], remaining_ms: Callable[[], int]) -> None:
        """Take what gives epoch milliseconds, and the milliseconds until the run is killed."""
        self.now_ms = now_ms
        self._remaining_ms = remaining_ms

    def left_ms(self) -> int:
        """Return the time left to work in."""
        return self._remaining_ms() - MARGIN_MS

    def check(self) -> None:
        """Raise ``DeadlineExceededError`` when the time is up."""
        if self.left_ms() <= 0:
            raise DeadlineExceededError
