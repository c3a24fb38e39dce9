"""The Firehose delivery engine as the core sees it: a process that may be killed and started again.

It is not restarted by itself when it dies: an unexpected end is a fault to be seen, not to be papered over.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localcloud.processes import Child, spawn, tail
from localcloud.settings import ACCESS_KEY, REGION, SECRET_KEY

START_SECONDS = 30.0


class EngineProcess:
    """Starts, kills and describes the one engine process of a core process."""

    def __init__(self, endpoint: str, workdir: Path) -> None:
        self._endpoint = endpoint
        self._state = workdir / "firehose"
        self._log = workdir / "logs" / "firehose.log"
        self._child: Child | None = None
        self._control_port: int | None = None
        self._killed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the engine unless it runs, and return when it serves.

        Raises:
            StartError: it ended or stayed silent for ``START_SECONDS``.
        """
        with self._lock:
            child = self._child
            if child is None or child.process.poll() is not None:
                child = self._launch()
            if self._control_port is None:
                self._control_port = int(child.wait_ready(START_SECONDS))

    def launch(self) -> None:
        """Start the engine without waiting for it; ``start`` does that."""
        with self._lock:
            self._launch()

    def kill(self) -> None:
        """End the engine by SIGKILL, as a lost machine would, and wait until it is gone."""
        with self._lock:
            self._killed = True
            if self._child is not None:
                self._child.kill()

    def describe(self) -> dict[str, Any]:
        """``{"state": "running", "pid": .., "control_port": ..}``, or the state and why it is not running."""
        if self._child is None:
            return {"state": "not started"}
        process = self._child.process
        if process.poll() is None and self._control_port is None:
            return {"state": "starting", "pid": process.pid}
        if process.poll() is None:
            return {"state": "running", "pid": process.pid, "control_port": self._control_port}
        if self._killed:
            return {"state": "killed"}
        return {"state": "died", "exit_code": process.returncode, "log": str(self._log), "tail": tail(self._log)}

    def _launch(self) -> Child:
        self._killed = False
        self._control_port = None
        self._log.parent.mkdir(parents=True, exist_ok=True)
        credentials = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        region = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}

        def command(death_pipe_fd: int | None, ready_fd: int) -> Sequence[str]:
            return [
                *(sys.executable, "-m", "localcloud.firehose"),
                *("--endpoint", self._endpoint, "--workdir", str(self._state)),
                *("--ready-fd", str(ready_fd), "--death-pipe-fd", str(death_pipe_fd)),
            ]

        environment = {**os.environ, **credentials, **region}
        self._child = spawn(command, log=self._log, environment=environment, tied=True, own_group=False)
        return self._child
