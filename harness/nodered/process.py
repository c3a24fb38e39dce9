"""A real Node-RED: installed from npm as its lock file pins it, started, stopped and killed."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.lake.terraform import REPOSITORY
from harness.nodered.flow import BUFFER_FILE, FEED_PATH, write_flow

HERE = Path(__file__).parent
INSTALLED = REPOSITORY / "build" / "node-red"

_PACKAGE_FILES = ("package.json", "package-lock.json")
_POLL_SECONDS = 0.05
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


class NodeRedError(Exception):
    """Node-RED cannot be installed, does not start, or does not answer."""


def install(folder: Path = INSTALLED) -> None:
    """Install the pinned Node-RED; nothing happens when it is there.

    Raises:
        NodeRedError: When npm fails.
    """
    done = folder / "installed.json"
    wanted = (HERE / "package-lock.json").read_bytes()
    if done.exists() and done.read_bytes() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _PACKAGE_FILES:
        shutil.copy(HERE / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        raise NodeRedError(f"npm ci failed in {folder}: {result.stderr.strip().splitlines()[-1:]}")
    done.write_bytes(wanted)


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Return once the condition holds.

    Raises:
        TimeoutError: When it does not in time; the message names `what`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(_POLL_SECONDS)


class NodeRed:
    """One Node-RED with the LoopEdge flow and a feeder that stands for DeviceHub.

    Args:
        folder: Its user directory: flows, context store, log.
        nodes: The flow's nodes, filled in.
    """

    def __init__(self, folder: Path, nodes: Sequence[Mapping[str, Any]]) -> None:
        self.folder = folder
        self.log = folder / "node-red.log"
        self._nodes = nodes
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        shutil.copy(HERE / "settings.js", self.folder)
        write_flow(self.folder / "flows.json", self._nodes)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and return once its flow takes samples.

        Raises:
            NodeRedError: When it ends at once.
            TimeoutError: When it is not ready in time.
        """
        self._port = _free_port()
        command = ["node", str(INSTALLED / "node_modules" / "node-red" / "red.js"), "--userDir", str(self.folder)]
        environment = {**os.environ, "NODE_RED_PORT": str(self._port)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._is_ready, f"Node-RED, log {self.log}", _START_SECONDS)

    def stop(self) -> None:
        """End it as an operator does: it writes its context store and says goodbye to the broker."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired as error:
                raise NodeRedError(f"Node-RED did not end within {_STOP_SECONDS:g} s, log {self.log}") from error
            self._process = None

    def kill(self) -> None:
        """End it as a loss of power does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def feed(self, lines: Sequence[str]) -> None:
        """Hand samples to the flow, as `harness/nodered/feeder.js` reads them.

        Raises:
            NodeRedError: When Node-RED does not take them.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{FEED_PATH}",
            data="\n".join(lines).encode(),
            headers={"Content-Type": "text/plain"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - always http to loopback
                pass
        except OSError as error:
            raise NodeRedError(f"Node-RED took no samples, log {self.log}: {error}") from error

    @property
    def stored(self) -> str:
        """The flow's buffer as it is on disk."""
        file = self.folder / BUFFER_FILE
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def _is_ready(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise NodeRedError(f"Node-RED ended at once, log {self.log}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{FEED_PATH}", timeout=5):
                return True
        except urllib.error.HTTPError:
            return False
        except OSError:
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
