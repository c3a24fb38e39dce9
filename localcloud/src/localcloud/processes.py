"""Processes that cannot outlive the one that wants them.

Two pipes tie a server to its starter: the *parent-death pipe*, whose writing end only the starter holds, shows
the server by its end-of-file that the starter has ended, however it ended; the *readiness* pipe shows the starter
that the server serves, or, by its end-of-file, that it never will. A server in a process group of its own takes
whatever it has started along when it ends.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 8.0
"""What a process group gets to end by itself before it is killed."""

_POLL_SECONDS = 0.02
_LOG_TAIL_LINES = 15


class StartError(RuntimeError):
    """A server did not come up; the message says why and names its log."""


@dataclass
class Child:
    """A server that this process started, with the ends of its two pipes that stay here."""

    process: subprocess.Popen[bytes]
    log: Path
    parent_death_pipe: int | None
    ready: int

    @property
    def pid(self) -> int:
        """The process ID, which is that of its own process group if it has one."""
        return self.process.pid

    def wait_ready(self, timeout: float) -> str:
        """What the server has reported once it serves.

        Raises:
            StartError: it ended, or was still silent after ``timeout`` seconds. It has been stopped by then.
        """
        with selectors.DefaultSelector() as pipe:  # `select.select` takes no descriptor from 1,024 on
            pipe.register(self.ready, selectors.EVENT_READ)
            readable = pipe.select(timeout)
        said = os.read(self.ready, 64) if readable else b""
        os.close(self.ready)
        if said:
            return said.decode()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1 if readable else 0)
        code = self.process.returncode
        self.stop()
        why = f"not ready after {timeout:g} s" if code is None else f"ended with exit code {code}"
        raise StartError(f"{self.log.stem}: {why}; log {self.log}:\n{tail(self.log)}")

    def stop(self) -> None:
        """End the server and its process group: politely, and after ``GRACE_SECONDS`` by SIGKILL."""
        self._close_parent_death_pipe()
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=GRACE_SECONDS)
        _kill_group(self.pid)
        self.process.wait()

    def kill(self) -> None:
        """End the server alone by SIGKILL, as the loss of its machine would."""
        self._close_parent_death_pipe()
        self.process.kill()
        self.process.wait()

    def _close_parent_death_pipe(self) -> None:
        if self.parent_death_pipe is not None:
            os.close(self.parent_death_pipe)
            self.parent_death_pipe = None


def spawn(
    command: Callable[[int | None, int], Sequence[str]],
    *,
    log: Path,
    environment: Mapping[str, str],
    tied: bool,
    own_group: bool = True,
) -> Child:
    """Start a server.

    Args:
        command: makes the command line from the parent-death pipe's descriptor (``None`` when not tied) and
            the readiness pipe's descriptor.
        log: file that the server's output is appended to.
        environment: the server's whole environment.
        tied: whether it ends when this process does.
        own_group: whether it leads a process group of its own, or belongs to this process's.
    """
    ready_here, ready_there = os.pipe()
    death_pipe_there, death_pipe_here = os.pipe() if tied else (None, None)
    passed = [fd for fd in (ready_there, death_pipe_there) if fd is not None]
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command(death_pipe_there, ready_there),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                pass_fds=passed,
                start_new_session=own_group,
            )
    except BaseException:
        for fd in (ready_here, death_pipe_here):
            if fd is not None:
                os.close(fd)
        raise
    finally:
        for fd in passed:
            os.close(fd)
    return Child(process, log, death_pipe_here, ready_here)


def watch_parent_death_pipe(fd: int, then: Callable[[], None]) -> None:
    """Call ``then`` from a thread of its own when the other end of the pipe ``fd`` is closed."""

    def watch() -> None:
        while os.read(fd, 64):
            pass
        then()

    threading.Thread(target=watch, name="parent-death-pipe", daemon=True).start()


def end_group_of(pid: int, *, marker: str) -> bool:
    """End the process group that the server ``pid`` leads, when ``pid`` is still that server.

    Args:
        pid: the server's process ID.
        marker: text that the server's command line holds. Process IDs are used again, so a number alone is no
            reason to kill anything.

    Returns:
        Whether there was one to end.
    """
    if not is_running(pid, marker=marker):
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while is_running(pid, marker=marker) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    _kill_group(pid)
    return True


def is_running(pid: int, *, marker: str) -> bool:
    """Whether ``pid`` is a live process with ``marker`` in its command line (a zombie has none)."""
    listing = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return marker in listing.stdout


def tail(log: Path) -> str:
    """The last lines of a log, for an error message."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-_LOG_TAIL_LINES:])


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
