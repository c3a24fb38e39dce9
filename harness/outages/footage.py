"""The outages of cameras: live, or of the past, so that hours need no hours.

The factory's schedule is off meanwhile; the archiver runs when it is told to.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from factory_lake.coverage.model import Subject
from harness.camera.archiver import run_archiver
from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.reconciliation import archived_to, clip_keys
from harness.camera.script import Script
from harness.lake.targets import ArchiverPlace, CameraPlace, Targets
from harness.outages.gateway import StoppedError
from harness.outages.log import Outage, OutageLog
from localcloud.testing.producer import Producer

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_FRAGMENT_MS = 2_000
# How long the archiver has for the beginning, and how much is lost behind it.
_MARGIN_MS, _LOST_MS = 60_000, 45_000
# A camera that is on and off by turns.
_PIECES, _ON_SECONDS, _OFF_SECONDS = 3, 10.0, 16.0
_ARCHIVE_SECONDS = 120.0
_BETWEEN_RUNS_SECONDS = 0.5
_SILENT, _EXPIRED, _BEHIND = "door", "yard", "dock"
#: The cameras that the outages need, as the factories map has them.
CAMERAS: Mapping[str, dict[str, int]] = {_BEHIND: {}, _SILENT: {}, _EXPIRED: {"retention_hours": 1}}


@dataclass
class Footage:
    """The cameras of the outages' factory.

    Attributes:
        targets: Of one factory alone.
        stop: Set to end it early.
        expires: Whether there is time for footage to expire: some minutes.
        ranges: Of each camera the first moment and the last that is judged.
    """

    targets: Targets
    log: OutageLog
    stop: threading.Event
    expires: bool
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def archiver(self) -> ArchiverPlace:
        """The factory's archiver."""
        (archiver,) = self.targets.archivers
        return archiver

    def film(self) -> None:
        """Cause one outage after the other.

        Raises:
            TimeoutError: When the archiver does not archive what it should.
            StoppedError: When it is to end early.
        """
        self._be_silent()
        self._archive(_SILENT)
        # A run archives what there is of every camera, so the others come one after the other.
        if self.expires:
            self._expire(self._begin_to_expire())
        self._fall_behind(time.time_ns() // 1_000_000 - 6 * _MINUTE_MS)

    def _be_silent(self) -> None:
        """A camera films live, and is off twice."""
        pieces = []
        for number in range(_PIECES):
            if number and self.stop.wait(_OFF_SECONDS):
                raise StoppedError
            pieces.append(self._film_live(_SILENT, _ON_SECONDS))
        for (_, off_ms), (on_ms, _) in pairwise(pieces):
            # A fragment arrives when it is over.
            self._write("camera_off", _SILENT, off_ms, on_ms, "camera_silent", "", 2 * _FRAGMENT_MS)
        self.ranges[_SILENT] = (pieces[0][0] + _FRAGMENT_MS, pieces[-1][1])

    def _begin_to_expire(self) -> int:
        """Film what is about to go out of retention, and archive the beginning of it.

        Returns:
            Until when it is archived.
        """
        begin_ms = time.time_ns() // 1_000_000 - _HOUR_MS + _MARGIN_MS
        archived_ms = self._film(_EXPIRED, begin_ms, 10_000, _FRAGMENT_MS)
        self._archive(_EXPIRED)
        end_ms = self._film(_EXPIRED, archived_ms, 4 * _MINUTE_MS, _FRAGMENT_MS)
        self.ranges[_EXPIRED] = (begin_ms + _FRAGMENT_MS, end_ms)
        return archived_ms

    def _expire(self, archived_ms: int) -> None:
        """Wait until footage has gone out of retention that was not archived.

        The archiver gives up what would expire while it stores it, so the archive itself tells where it goes on.
        """
        until_ms = archived_ms + _LOST_MS + _HOUR_MS
        if self.stop.wait(max(0.0, until_ms / 1000 - time.time())):
            raise StoppedError
        self._archive(_EXPIRED)
        goes_on_ms = self._first_archived_from(archived_ms)
        if goes_on_ms < archived_ms + _LOST_MS:
            raise RuntimeError(f"the archive has footage of {goes_on_ms} ms, which had expired")
        self._write("expired", _EXPIRED, archived_ms, goes_on_ms, "expired", ("expired", "unlisted"), 2 * _FRAGMENT_MS)

    def _first_archived_from(self, from_ms: int) -> int:
        """When the first fragment from a moment on was filmed that is in a clip."""
        place, s3 = self._place(_EXPIRED), self.targets.lake.cloud.client("s3")
        start_ms = {one.number: one.start_ms for one in self._journal.read() if one.stream == place.stream}
        heads = (
            s3.head_object(Bucket=self.targets.clips, Key=key)["Metadata"]
            for key in clip_keys(s3, self.targets.clips, place.clips_prefix)
        )
        firsts = [start_ms[int(head["first-fragment"])] for head in heads if "first-fragment" in head]
        return min(first for first in firsts if first >= from_ms)

    def _fall_behind(self, begin_ms: int) -> None:
        """The archiver does not run, though footage is there."""
        end_ms = self._film(_BEHIND, begin_ms, _MINUTE_MS, _FRAGMENT_MS)
        self._write("archiver_off", _BEHIND, begin_ms, end_ms, "archiver_behind", "", _FRAGMENT_MS)
        self.ranges[_BEHIND] = (begin_ms + _FRAGMENT_MS, end_ms)

    def _write(
        self, kind: str, camera: str, begin_ms: int, end_ms: int, state: str, reason: str | tuple[str, ...], slack: int
    ) -> None:
        reasons = (reason,) if isinstance(reason, str) else reason
        subject = Subject("camera", self.archiver.factory, camera)
        self.log.add(Outage(kind, (subject,), begin_ms, end_ms, state, reasons, slack))  # type: ignore[arg-type]

    def _film(self, camera: str, begin_ms: int, length_ms: int, fragment_ms: int) -> int:
        """Send footage; returns where it ends."""
        place = self._place(camera)
        producer = Producer(self.targets.lake.cloud.client("kinesisvideo"), place.stream)
        script = Script(seed=1, shortest_ms=fragment_ms, longest_ms=fragment_ms)
        Camera(camera, producer, self._journal, script, begin_ms).backfill(begin_ms + length_ms)
        return begin_ms + length_ms // fragment_ms * fragment_ms

    def _film_live(self, camera: str, seconds: float) -> tuple[int, int]:
        """Film for so long; returns where the footage begins and ends."""
        place = self._place(camera)
        producer = Producer(self.targets.lake.cloud.client("kinesisvideo"), place.stream)
        script = Script(seed=1, shortest_ms=_FRAGMENT_MS, longest_ms=_FRAGMENT_MS)
        begin_ms = time.time_ns() // 1_000_000
        until = time.monotonic() + seconds
        filming = Camera(camera, producer, self._journal, script, begin_ms)
        sent = filming.live(lambda: time.monotonic() < until and not self.stop.is_set(), sleep=self.stop.wait)
        return begin_ms, begin_ms + sent * _FRAGMENT_MS

    def _archive(self, camera: str) -> None:
        """Run the archiver until it has all of a camera's footage."""
        place, cloud = self._place(camera), self.targets.lake.cloud
        last = max(one.number for one in self._journal.read() if one.stream == place.stream)
        deadline = time.monotonic() + _ARCHIVE_SECONDS
        while archived_to(cloud.client("s3"), self.targets.clips, place.clips_prefix) < last:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{place.stream}: footage was not archived in {_ARCHIVE_SECONDS:.0f} s")
            run_archiver(cloud, self.archiver.function)
            time.sleep(_BETWEEN_RUNS_SECONDS)

    def _place(self, camera: str) -> CameraPlace:
        (place,) = [place for place in self.targets.cameras if place.name == camera]
        return place

    @property
    def _journal(self) -> Journal:
        return Journal(Path(self.targets.folder) / "cameras.jsonl")
