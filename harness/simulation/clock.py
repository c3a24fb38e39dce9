"""Simulated time, and runs that overlap in it.

Every run is a thread, but only one of them moves at any moment: whoever waits hands over to the one that is
due next. So a history runs the same way each time.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable


class Killed(BaseException):
    """The process of a run has ended where it stands."""


class Clock:
    """The time of a history, and what is due when."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.under_way = 0
        self.quiet_since_ms = now_ms
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._scheduler = threading.Lock()
        self._scheduler.acquire()

    def at(self, at_ms: int, action: Callable[[], object]) -> None:
        """Do something at a time; it must not wait."""
        heapq.heappush(self._due, (at_ms, next(self._order), action))

    def start(self, at_ms: int, body: Callable[[], None]) -> None:
        """Begin a run at a time; it may wait, and raise :class:`Killed`."""

        def in_thread() -> None:
            try:
                body()
            finally:
                self.under_way -= 1
                self.quiet_since_ms = self.now_ms
                self._scheduler.release()

        def begin() -> None:
            self.under_way += 1
            threading.Thread(target=in_thread, daemon=True).start()
            self._scheduler.acquire()

        self.at(at_ms, begin)

    def wait_until(self, at_ms: int) -> None:
        """Let the time pass, in a run."""
        if not self._due or self._due[0][0] > at_ms:
            self.now_ms = max(self.now_ms, at_ms)
            return
        mine = threading.Lock()
        mine.acquire()

        def resume() -> None:
            mine.release()
            self._scheduler.acquire()

        self.at(at_ms, resume)
        self._scheduler.release()
        mine.acquire()

    def run(self) -> None:
        """Let everything happen that is due, until nothing is."""
        while self._due:
            at_ms, _, action = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, at_ms)
            action()
