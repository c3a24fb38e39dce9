"""The gateways: a plant's messages at a steady rate on every lane, over lines that can be cut.

Samples come one by one and in bursts, and a burst goes out as a batch, so each connection sends both. Every second
gateway publishes over Basic Ingest.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Self

from factory_lake.gateway import plant
from factory_lake.gateway.batches import Batching
from factory_lake.gateway.connections import Connections
from factory_lake.gateway.fleet import SendOptions, send
from factory_lake.gateway.identities import Lane, Source
from factory_lake.gateway.mqtt import Progress, Timeouts
from factory_lake.gateway.proxy import Proxy
from harness.demo.messages import connections
from harness.lake.targets import Targets
from harness.workers import Workers

# A broken line is noticed and opened again quickly, so that a fault of seconds is over in seconds; nothing
# makes a gateway give up, since the soak ends only when everything is acknowledged.
_TIMEOUTS = Timeouts(answer=8, give_up=600, first_pause=0.2, longest_pause=3)
# Ten samples to one configuration update.
_SHARE: dict[Lane, float] = {"measurements": 1.0, "configuration": 0.1}
# How many samples come at once, each as often as the others: most come alone, most samples in company.
_BURSTS = (1, 1, 1, 5, 14)
# Shorter than the pause after any burst.
_BATCHING = Batching(samples=max(_BURSTS), wait_ms=40)
# The plant itself repeats a message now and then. Here it does not, so that whatever the query for duplicates
# finds is a repeat of MQTT's or of the delivery's.
_LEFT_OUT = "repeated"


@dataclass
class Gateway:
    """One gateway: both its lanes, its line to the broker and its clock."""

    factory: str
    name: str
    line: Proxy
    basic_ingest: bool
    clock_off_ms: int = 0
    progress: dict[Lane, Progress] = field(default_factory=dict)


class Gateways:
    """All gateways of the factories that take part, sending from `start` until `finish`.

    Args:
        targets: The lake.
        seed: Makes one plant of many.
        rate: Samples a second of each gateway.
    """

    def __init__(self, targets: Targets, seed: int, rate: float) -> None:
        self._targets = targets
        self._seed = seed
        self._rate = rate
        self._known = connections(targets.lake)
        self._lines = ExitStack()
        self._over = threading.Event()
        self._stop = threading.Event()
        self._workers = Workers()
        self.gateways: list[Gateway] = []

    def __enter__(self) -> Self:
        cloud = self._targets.lake.cloud
        names = sorted(
            {(one.factory, one.gateway) for one in self._known.sources if one.factory in self._targets.factories}
        )
        for number, (factory, name) in enumerate(names):
            line = self._lines.enter_context(Proxy(cloud.mqtt_host, cloud.mqtt_port))
            self.gateways.append(Gateway(factory, name, line, basic_ingest=number % 2 == 0))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop whatever still sends; the journals say what is not acknowledged."""
        self._over.set()
        self._stop.set()
        self._workers.join()
        self._lines.close()

    def start(self) -> None:
        """Begin to send on every lane of every gateway."""
        for gateway in self.gateways:
            for lane, share in _SHARE.items():
                source = Source(gateway.factory, gateway.name, lane)
                self._workers.start(partial(self._send, gateway, source, self._rate * share), source.client_id)

    def finish(self) -> None:
        """Take no new samples, and return when the broker has acknowledged all."""
        self._over.set()
        self._workers.join()
        self.check()

    def check(self) -> None:
        """Raise what has ended a connection."""
        self._workers.check()

    @property
    def progress(self) -> list[Progress]:
        """What every connection has done so far."""
        return [one for gateway in self.gateways for one in list(gateway.progress.values())]

    @property
    def are_at_work(self) -> bool:
        """Whether the broker has acknowledged something on every connection."""
        progress = self.progress
        return len(progress) == len(_SHARE) * len(self.gateways) and all(one.acked for one in progress)

    @property
    def acknowledged(self) -> int:
        """Messages that the broker has acknowledged so far, of a batch its samples."""
        return sum(one.messages for one in self.progress)

    def _send(self, gateway: Gateway, source: Source, rate: float) -> None:
        broker = replace(self._known.broker, port=gateway.line.local_port)
        mine = Connections(broker, (self._known.identity(source),))
        options = SendOptions(timeouts=_TIMEOUTS, basic_ingest=gateway.basic_ingest, batching=_BATCHING)
        send(
            mine,
            {source: self._payloads(gateway, source, rate)},
            self._targets.journals,
            options,
            lambda progress: gateway.progress.update({source.lane: progress[source]}),
            self._stop,
        )

    def _payloads(self, gateway: Gateway, source: Source, rate: float) -> Iterator[bytes | None]:
        """Messages until the soak is over; a clock that is set begins a new stretch of the plant's day."""
        chance = Random(f"bursts/{self._seed}/{source.client_id}")  # noqa: S311  # repeatable, not secret
        bursts = _BURSTS if source.lane == "measurements" else (1,)
        stretch = 0
        due = time.monotonic()
        left = 0
        while not self._over.is_set():
            off_ms = gateway.clock_off_ms
            begin_ms = time.time_ns() // 1_000_000 + off_ms
            for message in plant.messages(source, self._seed + 1000 * stretch, begin_ms, 1000 / rate):
                if not left:
                    left = chance.choice(bursts)
                    due += left / rate
                    while time.monotonic() < due and not self._over.is_set():
                        yield None
                if self._over.is_set() or gateway.clock_off_ms != off_ms:
                    break
                left -= 1
                if message.kind != _LEFT_OUT:
                    yield message.payload
            stretch += 1
