"""The deadline of a run."""

from __future__ import annotations

from typing import Callable

from .errors import DeadlineExceededError

#: Kept free at the end of a run for metrics and the summary.
MARGIN_MS = 4_000


class Deadline:
    """The clock of a run, and when the run must end.

    Attributes:
        now_ms: Gives epoch milliseconds.
    """

    def __init__(self, now_ms: Callable[[], int], remaining_ms: Callable[[], int]) -> None:
        """Take what tells the time.

        Args:
            now_ms: Gives epoch milliseconds.
            remaining_ms: Gives the milliseconds until the run is killed.
        """
        self.now_ms = now_ms
        self._remaining_ms = remaining_ms

    def left_ms(self) -> int:
        """Return the time left to work in."""
        return self._remaining_ms() - MARGIN_MS

    def check(self) -> None:
        """Stop here when the time is up.

        Raises:
            DeadlineExceededError: It is.
        """
        if self.left_ms() <= 0:
            raise DeadlineExceededError
