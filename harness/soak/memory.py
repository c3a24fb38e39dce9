"""How much memory the processes of a soak take, sampled while it runs."""

import os
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping

_SECONDS = 2.0
_ROLES = (("core", "localcloud.server"), ("delivery engine", "localcloud.firehose"))
_OTHERS = "functions"
_DRIVER = "driver"


def resident_mb(listing: str, group: int, driver: int) -> dict[str, float]:
    """Resident memory by role, in MB of 2**20 bytes.

    The processes of the local cloud are those of its process group. Memory that processes share counts in
    each of them.

    Args:
        listing: Lines of `pid pgid rss command`, rss in KiB, as `ps` gives them.
        group: The local cloud's process group.
        driver: Process ID of the soak itself.
    """
    by_role: Counter[str] = Counter()
    for line in listing.splitlines():
        pid, pgid, kib, command = line.split(None, 3)
        if int(pid) == driver:
            by_role[_DRIVER] += int(kib)
        elif int(pgid) == group:
            role = next((role for role, marker in _ROLES if marker in command), _OTHERS)
            by_role[role] += int(kib)
    return {role: kib / 1024 for role, kib in by_role.items()}


class Memory:
    """Samples the memory of a local cloud and of this process, MB by role, on a thread of its own."""

    def __init__(self, group: int, processes: Callable[[], str] | None = None) -> None:
        self._group = group
        self._processes = processes or _processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory")
        self.first: Mapping[str, float] = {}
        self.last: Mapping[str, float] = {}
        self.peak: Mapping[str, float] = {}

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def sample(self) -> None:
        """Take one sample."""
        self.last = resident_mb(self._processes(), self._group, os.getpid())
        self.first = self.first or self.last
        if sum(self.last.values()) > sum(self.peak.values()):
            self.peak = self.last

    def _watch(self) -> None:
        while True:
            self.sample()
            if self._stop.wait(_SECONDS):
                return


def _processes() -> str:
    return subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,pgid=,rss=,command="], capture_output=True, text=True, check=True
    ).stdout
