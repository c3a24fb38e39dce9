"""A gateway without a buffer, which samples on a grid of times: what it did not send is missing, to the sample."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

from factory_lake.coverage.model import Subject
from factory_lake.gateway.batches import join
from factory_lake.gateway.connections import Identity
from factory_lake.gateway.identities import Source
from factory_lake.gateway.proxy import Proxy
from harness.demo.messages import connections
from harness.lake import LocalLake
from localcloud import LocalCloud
from localcloud.testing.devices import Connection, Device, connection

DEVICE = "spindle"
TAGS = ("speed", "heat")
#: Samples of each tag before the first outage.
HISTORY = 600
#: As many samples as a batch takes without a doubt.
BATCH = 50
# AWS IoT takes one CONNECT of a client ID a second.
_BETWEEN_CONNECTS = 1.1
_POLL_SECONDS = 0.05


class StoppedError(Exception):
    """The gateway is to end now."""


@dataclass(frozen=True)
class Pace:
    """How a gateway samples.

    Attributes:
        period_ms: Time between two samples of a tag.
        steady: How many samples are there between two outages: more than ten, so that the pauses are no habit.
        missing: How many samples an outage takes.
    """

    period_ms: int = 2000
    steady: int = 12
    missing: int = 5


class Gateway:
    """One gateway's process for measurements; all of it runs on one thread.

    Args:
        lake: A lake that is applied.
        source: Whose identity it has.
        line: Its line to the broker.
        pace: How it samples.
        folder: Where its certificate goes.
        stop: Set to end it.
    """

    def __init__(
        self, lake: LocalLake, source: Source, line: Proxy, pace: Pace, folder: Path, stop: threading.Event
    ) -> None:
        self.lake, self.source, self.line, self.pace = lake, source, line, pace
        self.first_ms = self.sent_ms = 0  # when its first and last samples were taken that are there
        self._stop = stop
        self._next_ms = 0
        self._identity: Identity = connections(lake).identity(source)
        folder.mkdir(parents=True, exist_ok=True)
        certificate = folder / f"{source.client_id}.crt"
        certificate.write_text(self._identity.certificate, encoding="ascii")
        self._device = Device("", "", certificate, self._identity.key_file)
        self._through: LocalCloud = replace(lake.cloud, mqtt_port=line.local_port)
        self._open = ExitStack()
        self._connection: Connection | None = None
        self._connected_at = 0.0

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Its lane and its tags."""
        return self.lane, *(self.tag(name) for name in TAGS)

    @property
    def lane(self) -> Subject:
        """Its lane."""
        return Subject("gateway", self.source.factory, f"{self.source.gateway}/measurements")

    def tag(self, name: str) -> Subject:
        """One of its tags."""
        return Subject("tag", self.source.factory, f"{self.source.gateway}/{DEVICE}/{name}")

    @property
    def next_ms(self) -> int:
        """When the next sample is taken."""
        if not self._next_ms:
            self._next_ms = time.time_ns() // 1_000_000
        return self._next_ms

    def slots(self, number: int) -> Iterator[int]:
        """The next samples' times, each when it has come.

        Raises:
            StoppedError: When the gateway is to end first.
        """
        for _ in range(number):
            at_ms = self.next_ms
            if self._stop.wait(max(0.0, at_ms / 1000 - time.time())):
                raise StoppedError
            self._next_ms = at_ms + self.pace.period_ms
            yield at_ms

    def send_history(self) -> None:
        """Send what it had sampled before, so that its habit is known."""
        period_ms, now_ms = self.pace.period_ms, self.next_ms
        for tag in TAGS:
            samples = [sample(tag, now_ms - period_ms * back) for back in range(HISTORY, 0, -1)]
            self.deliver([join(samples[at : at + BATCH]) for at in range(0, len(samples), BATCH)])

    def send_steadily(self, number: int) -> None:
        """Send so many samples of each tag, as they should be."""
        for at_ms in self.slots(number):
            self.deliver([sample(tag, at_ms) for tag in TAGS])
            self.first_ms = self.first_ms or at_ms
            self.sent_ms = at_ms

    def catch_up(self) -> None:
        """Send what is overdue since a connection was away, so that what comes next happens at its own time."""
        while self.next_ms < time.time_ns() // 1_000_000 - self.pace.period_ms:
            self.send_steadily(1)

    def deliver(self, payloads: list[bytes]) -> None:
        """Publish until the broker has acknowledged, whatever becomes of the connection."""
        for payload in payloads:
            while not self.publish(payload):
                self.connect()

    def publish(self, payload: bytes, *, retain: bool = False) -> bool:
        """Publish once, and say whether the broker acknowledged it."""
        if self._connection is None:
            return False
        return self._connection.publish(self.source.topic, payload, retain=retain)

    def connect(self) -> None:
        """Connect anew.

        Raises:
            StoppedError: When the gateway is to end first.
        """
        while not self.try_to_connect():
            pass

    def try_to_connect(self) -> bool:
        """Connect once, no sooner than the broker takes it, and say whether it did."""
        self.disconnect()
        if self._stop.wait(max(0.0, self._connected_at + _BETWEEN_CONNECTS - time.monotonic())):
            raise StoppedError
        self._connected_at = time.monotonic()
        with suppress(TimeoutError):
            attempt = self._open.enter_context(self.another())
            self._connection = attempt if attempt.accepted.is_set() else None
        return self._connection is not None

    def another(self) -> Any:
        """A connection with this gateway's identity; of MQTT 3.1.1, where a refused publish ends the connection."""
        return connection(self._through, self._device, self.source.client_id, protocol=mqtt.MQTTv311)

    def disconnect(self) -> None:
        """End the connection, if there is one."""
        self._connection = None
        self._open.close()
        self._open = ExitStack()

    def await_drop(self) -> None:
        """Return when the broker has ended the connection."""
        while self._connection is not None and not self._connection.dropped.wait(_POLL_SECONDS):
            if self._stop.is_set():
                raise StoppedError


def sample(tag: str, at_ms: int, **changes: object) -> bytes:
    """A sample as LoopEdge sends it; `changes` replace its members."""
    members = {
        "datatype": "float64",
        "description": "",
        "deviceID": "5f1d0c53-7c3a-4f0a-8f57-0a3e8b3c9d10",
        "deviceName": DEVICE,
        "metadata": {},
        "registerId": f"{tag}-register",
        "success": True,
        "tagName": tag,
        "timestamp": at_ms,
        "value": at_ms % 60_000 / 1000,
    }
    return json.dumps({**members, **changes}).encode()
