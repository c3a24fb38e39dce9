"""A line between gateways and their broker that can be disturbed: for tests and for the soak."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass
class Proxy:
    """A TCP line to a broker, which can be cut, and made to lose what the broker answers."""

    host: str
    port: int
    answers_pass: bool = True  # whether the broker's bytes reach the client
    is_up: bool = True  # whether new connections are let through
    connections: int = 0
    passed_up: int = 0
    _open: list[socket.socket] = field(default_factory=list)
    _muted: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _listening: Any = None

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # shutdown wakes a thread that waits in accept; close alone does not.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    @property
    def local_port(self) -> int:
        """Where a client connects."""
        port: int = self._listening.getsockname()[1]
        return port

    def cut(self) -> None:
        """Break every connection that is open."""
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def mute(self) -> None:
        """Lose what the broker answers on the connections that are open; new ones are as they should be."""
        self._muted.update(self._open)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if not self.is_up:
                near.close()
                continue
            self.connections += 1
            far = socket.create_connection((self.host, self.port))
            self._open += [near, far]
            self._start(self._pass_up, near, far)
            self._start(self._pass_down, far, near)

    def _pass_up(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65536):
                far.sendall(data)
                self.passed_up += len(data)
            far.shutdown(socket.SHUT_WR)

    def _pass_down(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(65536):
                if self.answers_pass and near not in self._muted:
                    near.sendall(data)
            near.shutdown(socket.SHUT_WR)

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
