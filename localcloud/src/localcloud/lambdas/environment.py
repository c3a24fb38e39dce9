"""An execution environment: one process that serves a function's invocations, one at a time."""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import selectors
import shutil
import subprocess
import tempfile
import threading
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from localcloud.lambdas.runtimes import Interpreter, link_packages

INIT_SECONDS: Final = 10.0
"""Limit of the Init phase ("Lambda execution environment lifecycle")."""
_BOOTSTRAP: Final = Path(__file__).with_name("bootstrap.py")
_CHUNK: Final = 1 << 20
_LOG_SECONDS: Final = 2.0


class EnvironmentTimeoutError(RuntimeError):
    """The function did not answer in time; its environment has been killed."""


class EnvironmentExitError(RuntimeError):
    """The function's process ended before it answered."""


@dataclass(frozen=True)
class Reply:
    """What the function answered.

    Attributes:
        status: ``ok``, ``error`` or ``init-error``.
        payload: the JSON of its result or of its error.
        peak_kb: peak resident memory of its process so far; 0 when unknown.
    """

    status: str
    payload: bytes
    peak_kb: int


class Environment:
    """A process with a function's code, variables and credentials, which do not change while it lives.

    Args:
        code: the function's zip.
        variables: the whole environment of the process.
    """

    def __init__(self, handler: str, code: bytes, variables: Mapping[str, str], interpreter: Interpreter) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lambda-"))
        task, scratch = self._folder / "task", self._folder / "tmp"
        scratch.mkdir()
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            archive.extractall(task)
        self._mark = f"\0{secrets.token_hex(8)}\0"
        self._log = _Log(self._mark.encode())
        replies, replies_there = os.pipe()
        self._process = subprocess.Popen(
            [interpreter.python, "-I", "-S", "-u", _BOOTSTRAP, str(replies_there)],
            cwd=task,
            env={**variables, "LAMBDA_TASK_ROOT": str(task), "HOME": str(scratch), "TMPDIR": str(scratch)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[replies_there],
        )
        os.close(replies_there)
        self._replies = replies
        os.set_blocking(self._input, False)
        self._log.follow(self._process.stdout)
        packages = link_packages(interpreter, Path(tempfile.gettempdir()))
        setup = {"handler": handler, "code": str(task), "packages": str(packages), "mark": self._mark}
        self._setup = json.dumps(setup).encode() + b"\n"

    @property
    def _input(self) -> int:
        return self._process.stdin.fileno()  # type: ignore[union-attr] # it is a pipe

    def initialize(self) -> Reply:
        """Load the handler.

        Raises:
            EnvironmentTimeoutError: the Init phase took longer than AWS lets it.
            EnvironmentExitError: the process ended.
        """
        return self._exchange(self._setup, INIT_SECONDS)

    def invoke(self, event: bytes, request_id: str, arn: str, timeout: float) -> Reply:
        """Call the handler with an event, a JSON text.

        Raises:
            EnvironmentTimeoutError: it took longer than ``timeout`` seconds.
            EnvironmentExitError: the process ended.
        """
        header = {"request_id": request_id, "arn": arn, "timeout": timeout, "bytes": len(event)}
        return self._exchange(json.dumps(header).encode() + b"\n" + event, timeout)

    def take_log(self) -> list[str]:
        """The lines that the function has logged since the last time."""
        return self._log.take(_LOG_SECONDS if self._process.poll() is None else 0.5)

    def crash(self) -> None:
        """Kill the process; the caller that waits for its answer gets EnvironmentExitError, and cleans up."""
        self._process.kill()

    def kill(self) -> None:
        """End the process at once and remove its files."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr] # it is a pipe
        if self._replies >= 0:
            os.close(self._replies)
            self._replies = -1
        shutil.rmtree(self._folder, ignore_errors=True)

    def _exchange(self, request: bytes, timeout: float) -> Reply:
        deadline = time.monotonic() + timeout
        left = memoryview(request)
        answer = bytearray()
        header: dict[str, Any] | None = None
        # Not `select.select`, which takes no descriptor from 1,024 on.
        with selectors.DefaultSelector() as pipes:
            pipes.register(self._replies, selectors.EVENT_READ)
            pipes.register(self._input, selectors.EVENT_WRITE)
            while header is None or len(answer) < header["bytes"]:
                patience = deadline - time.monotonic()
                ready = {key.fd for key, _ in pipes.select(patience)} if patience > 0 else set()
                if not ready:
                    self._process.kill()
                    raise EnvironmentTimeoutError(f"Task timed out after {timeout:.2f} seconds")
                if self._input in ready:
                    with contextlib.suppress(BrokenPipeError):
                        left = left[os.write(self._input, left[:_CHUNK]) :]
                    if not left:
                        pipes.unregister(self._input)
                if self._replies in ready:
                    chunk = os.read(self._replies, _CHUNK)
                    if not chunk:
                        raise EnvironmentExitError(f"exit status {self._process.wait()}")
                    answer += chunk
                    if header is None and b"\n" in answer:
                        line, _, rest = bytes(answer).partition(b"\n")
                        header, answer = json.loads(line), bytearray(rest)
        return Reply(header["status"], bytes(answer), header["peak_kb"])


class _Log:
    """Collects a process's output up to the mark that ends an invocation."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._text = bytearray()
        self._changed = threading.Condition()
        self._ended = False

    def follow(self, stream: Any) -> None:
        """Read ``stream`` to its end from a thread of its own, which then closes it.

        No other thread may close it, lest the thread read on from whatever gets the descriptor next.
        """
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def take(self, timeout: float) -> list[str]:
        """The lines before the next mark, waiting for it; all there is when the output ends or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._mark in self._text, timeout)
            text, mark, rest = bytes(self._text).partition(self._mark)
            self._text = bytearray(rest if mark else b"")
        return text.decode(errors="replace").splitlines()

    def _read(self, stream: Any) -> None:
        while True:
            chunk = os.read(stream.fileno(), _CHUNK)
            with self._changed:
                self._text += chunk
                self._ended = not chunk
                self._changed.notify_all()
            if not chunk:
                stream.close()
                return
