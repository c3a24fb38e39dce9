"""A camera: films by its script and sends what it films, in real time or all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.camera.journal import Journal, SentFragment
from harness.camera.script import Script, Segment
from localcloud.testing.encoder import FileEncoder, Footage, SyntheticEncoder
from localcloud.testing.producer import Producer

_BATCH = 100
# The time that footage of the past is assumed to have needed to arrive.
_TRANSIT_MS = 150


class Camera:
    """One camera and the connection of its producer.

    Args:
        name: camera ID; its pictures carry it.
        producer: where it sends.
        journal: where it records what the service acknowledged.
        script: its day.
        start_ms: when its day begins, epoch milliseconds.
        audio: whether a tone goes along.
        file: a video file whose pictures it sends as they are, instead of filming marked ones; the lengths of
            fragments are then those of its groups of pictures.
    """

    def __init__(
        self,
        name: str,
        producer: Producer,
        journal: Journal,
        script: Script,
        start_ms: int,
        *,
        audio: bool = False,
        file: Path | None = None,
    ) -> None:
        self.name = name
        self._producer = producer
        self._journal = journal
        self._script = script
        self._audio = audio
        self._file = None if file is None else FileEncoder(file)
        self._segments = script.segments(start_ms)
        self._ahead: Footage | None = None
        self._frames = 0
        self._script_ms = start_ms
        self._end_ms = start_ms

    def backfill(self, until_ms: int) -> int:
        """Films and sends the past, all fragments that end by ``until_ms``; they appear at once.

        Returns:
            How many fragments were sent.
        """
        sent = 0
        batch: list[Footage] = []
        for footage in self._footage(lambda end_ms: end_ms <= until_ms):
            if len(batch) == _BATCH:
                sent += self._send(batch, _TRANSIT_MS, more=True)
                batch = []
            batch.append(footage)
        return sent + self._send(batch, _TRANSIT_MS)

    def live(
        self,
        running: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> int:
        """Films and sends in real time: each fragment when it is over.

        Args:
            running: called before each fragment, whether to go on; the last one is sent whole.
            clock: epoch seconds.
            sleep: waits that many seconds; may return early when the camera is to stop.

        Returns:
            How many fragments were sent.
        """
        sent = 0
        for footage in self._footage(lambda _: running()):
            end = (footage.start_ms + footage.length_ms) / 1000
            while (left := end - clock()) > 0:
                sleep(left)
            sent += self._send([footage], None)
        return sent

    def _footage(self, wanted: Callable[[int], bool]) -> Iterator[Footage]:
        """Fragments as long as the next one is wanted, by its end."""
        while True:
            footage = self._ahead or self._film(next(self._segments))
            self._ahead = footage
            if not wanted(footage.start_ms + footage.length_ms):
                return
            self._ahead = None
            yield footage

    def _film(self, segment: Segment) -> Footage:
        length_ms = segment.frames * 1000 // self._script.fps
        if self._file is None:
            encoder = SyntheticEncoder(self.name, segment.width, segment.height, self._script.fps, self._audio)
            footage = encoder.film(segment.start_ms, self._frames, segment.frames)
        else:
            # Groups of pictures have lengths of their own; of the script's times the breaks remain.
            away_ms = segment.start_ms - self._script_ms
            footage = self._file.film(self._end_ms + away_ms, length_ms)
        self._frames += len(footage.frames)
        self._script_ms = segment.start_ms + length_ms
        self._end_ms = footage.start_ms + footage.length_ms
        return footage

    def _send(self, footage: list[Footage], offset_ms: int | None, *, more: bool = False) -> int:
        numbers = self._producer.put([fragment.document for fragment in footage], offset_ms, more=more)
        self._journal.add(
            [
                SentFragment(
                    self.name,
                    self._producer.stream,
                    int(number),
                    fragment.start_ms,
                    fragment.length_ms,
                    fragment.frames,
                    fragment.packets,
                )
                for number, fragment in zip(numbers, footage, strict=True)
            ]
        )
        return len(numbers)
