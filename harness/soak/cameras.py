"""The cameras: live footage into every video stream, and cameras that go away and come back."""

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.script import Script
from harness.lake.targets import CameraPlace, Targets
from harness.workers import Workers
from localcloud.testing.producer import Producer

_POLL_SECONDS = 0.2
_STRETCHES = 10_000


@dataclass
class Filming:
    """One camera at work."""

    place: CameraPlace
    is_away: threading.Event = field(default_factory=threading.Event)
    fragments: int = 0


class Cameras:
    """All cameras of the factories that take part, filming from `start` until `finish`.

    Args:
        targets: The lake.
        seed: Fragment lengths and changes of resolution follow from it.
    """

    def __init__(self, targets: Targets, seed: int) -> None:
        self._targets = targets
        self._seed = seed
        self._stop = threading.Event()
        self._workers = Workers()
        self.journal = Journal(targets.folder / "cameras.jsonl")
        self.filming = [Filming(place) for place in targets.cameras]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._workers.join()

    def start(self) -> None:
        """Begin to film."""
        for number, filming in enumerate(self.filming, start=1):
            self._workers.start(partial(self._film, filming, number), filming.place.stream)

    def finish(self) -> None:
        """Stop; the fragments under way are sent whole."""
        self._stop.set()
        self._workers.join()
        self.check()

    def check(self) -> None:
        """Raise what has ended a camera."""
        self._workers.check()

    @property
    def fragments(self) -> int:
        """Fragments that the cameras have begun to send so far."""
        return sum(one.fragments for one in self.filming)

    def _film(self, filming: Filming, number: int) -> None:
        producer = Producer(self._targets.lake.cloud.client("kinesisvideo"), filming.place.stream)
        for stretch in range(_STRETCHES):
            while filming.is_away.is_set() and not self._stop.wait(_POLL_SECONDS):
                pass
            if self._stop.is_set():
                return
            script = Script(
                seed=self._seed * _STRETCHES + number * 100 + stretch,
                shortest_ms=1_000,
                longest_ms=3_000,
                resolutions=((160, 96), (192, 112)),
                change_chance=0.02,
            )
            begin_ms = time.time_ns() // 1_000_000
            camera = Camera(filming.place.name, producer, self.journal, script, begin_ms, audio=number == 1)
            camera.live(partial(self._next, filming))

    def _next(self, filming: Filming) -> bool:
        """Whether a camera goes on to its next fragment."""
        goes_on = not self._stop.is_set() and not filming.is_away.is_set()
        filming.fragments += goes_on
        return goes_on
