"""The Firehose delivery engine as the core sees it: a process that may be killed and started again.

It is not restarted by itself when it dies: an unexpected end is a fault to be seen, not to be papered over.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from localcloud.processes import StartError, tail
from localcloud.settings import ACCESS_KEY, REGION, SECRET_KEY

START_SECONDS = 30.0
_MODULE = "localcloud.firehose"
_POLL_SECONDS = 0.02


class EngineProcess:
    """Starts, kills and describes the one engine process of a core process.

    The engine says that it serves, and where, by writing ``<workdir>/firehose/control.json``.
    """

    def __init__(self, endpoint: str, workdir: Path) -> None:
        self._endpoint = endpoint
        self._state = workdir / "firehose"
        self._log = workdir / "logs" / "firehose.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._parent_death_pipe: int | None = None
        self._killed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the engine unless it runs, and return when it serves.

        Raises:
            StartError: it ended or stayed silent for ``START_SECONDS``.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._launch()
            self._wait_ready(self._process)

    def launch(self) -> None:
        """Start the engine without waiting for it; ``start`` does that."""
        with self._lock:
            self._launch()

    def kill(self) -> None:
        """End the engine by SIGKILL, as a lost machine would, and wait until it is gone."""
        with self._lock:
            self._killed = True
            self._kill()

    def describe(self) -> dict[str, Any]:
        """``{"state": "running", "pid": .., "control_port": ..}``, or the state and why it is not running."""
        process = self._process
        if process is None:
            return {"state": "not started"}
        if process.poll() is None and not self._control_file.exists():
            return {"state": "starting", "pid": process.pid}
        if process.poll() is None:
            return {"state": "running", "pid": process.pid, "control_port": self._control_port()}
        if self._killed:
            return {"state": "killed"}
        return {
            "state": "died",
            "exit_code": process.returncode,
            "log": str(self._log),
            "tail": tail(self._log),
        }

    def _launch(self) -> None:
        self._kill()
        self._killed = False
        self._state.mkdir(parents=True, exist_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._control_file.unlink(missing_ok=True)
        death_pipe_there, self._parent_death_pipe = os.pipe()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "localcloud.processes", str(death_pipe_there), _MODULE),
                    *("--endpoint", self._endpoint, "--workdir", str(self._state), "--control-port", "0"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[death_pipe_there],
                env={
                    **os.environ,
                    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                    "AWS_REGION": REGION,
                    "AWS_DEFAULT_REGION": REGION,
                },
            )
        os.close(death_pipe_there)

    def _wait_ready(self, process: subprocess.Popen[bytes] | None) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._control_file.exists():
            code = None if process is None else process.poll()
            if code is not None or time.monotonic() > deadline:
                self._kill()
                why = "not ready in time" if code is None else f"ended with exit code {code}"
                raise StartError(f"{_MODULE}: {why}; log {self._log}:\n{tail(self._log)}")
            time.sleep(_POLL_SECONDS)

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        if self._parent_death_pipe is not None:
            os.close(self._parent_death_pipe)
            self._parent_death_pipe = None

    @property
    def _control_file(self) -> Path:
        return self._state / "control.json"

    def _control_port(self) -> int:
        return int(json.loads(self._control_file.read_text())["port"])
