"""Threads whose first failure is raised where they are watched."""

import threading
from collections.abc import Callable


class Workers:
    """Threads that are started one by one, and joined together."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []

    def start(self, work: Callable[[], object], name: str) -> None:
        """Do some work on a thread of its own."""
        thread = threading.Thread(target=self._run, args=(work,), name=name)
        self._threads.append(thread)
        thread.start()

    def join(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join()

    def check(self) -> None:
        """Raise what a thread failed with first, if any did."""
        if self._failures:
            raise self._failures[0]

    @property
    def are_done(self) -> bool:
        """Whether no thread is alive."""
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # `check` raises it
            self._failures.append(error)
