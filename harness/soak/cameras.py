"""The cameras: live footage into every video stream, and cameras that go away and come back."""

import threading
import time
from dataclasses import dataclass, field
from functools import partial

from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.script import Script
from harness.soak.targets import CameraPlace, Grounds
from localcloud.testing.producer import Producer

_POLL_SECONDS = 0.2
_STRETCHES = 10_000


@dataclass
class Filming:
    """One camera at work.

    Attributes:
        place: Which.
        is_away: Whether it has lost its line or its power: it films nothing.
        fragments: How many it has begun to send.
    """

    place: CameraPlace
    is_away: threading.Event = field(default_factory=threading.Event)
    fragments: int = 0


class Cameras:
    """All cameras of the soaked factories, filming from `start` until `finish`.

    Args:
        grounds: The lake.
        seed: Fragment lengths and changes of resolution follow from it.
    """

    def __init__(self, grounds: Grounds, seed: int) -> None:
        self._grounds = grounds
        self._seed = seed
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self.journal = Journal(grounds.folder / "cameras.jsonl")
        self.filming = [Filming(place) for place in grounds.cameras]

    def __enter__(self) -> "Cameras":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def start(self) -> None:
        """Begin to film."""
        for number, filming in enumerate(self.filming, start=1):
            thread = threading.Thread(target=self._film, args=(filming, number), name=filming.place.stream)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Stop; the fragments under way are sent whole.

        Raises:
            PutMediaError: When the service refused a fragment.
        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.check()

    def check(self) -> None:
        """Raise what has ended a camera.

        Raises:
            PutMediaError: When the service refused a fragment.
        """
        if self._failures:
            raise self._failures[0]

    @property
    def fragments(self) -> int:
        """Fragments that the cameras have begun to send so far."""
        return sum(one.fragments for one in self.filming)

    def _film(self, filming: Filming, number: int) -> None:
        try:
            producer = Producer(self._grounds.lake.cloud.client("kinesisvideo"), filming.place.stream)
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
                camera = Camera(
                    filming.place.name,
                    producer,
                    self.journal,
                    script,
                    time.time_ns() // 1_000_000,
                    audio=number == 1,
                )
                camera.live(partial(self._next, filming))
        except BaseException as error:  # the soak's own thread raises it
            self._failures.append(error)

    def _next(self, filming: Filming) -> bool:
        """Whether a camera goes on to its next fragment."""
        goes_on = not self._stop.is_set() and not filming.is_away.is_set()
        filming.fragments += goes_on
        return goes_on
