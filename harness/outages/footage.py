"""The outages of cameras: footage of the past, so that hours need no hours.

The factory's schedule is off meanwhile; the archiver runs when it is told to.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from factory_lake.coverage.model import Subject
from harness.camera.archiver import run_archiver
from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.reconciliation import archived_to
from harness.camera.script import Script
from harness.lake.targets import ArchiverPlace, CameraPlace, Targets
from harness.outages.gateway import StoppedError
from harness.outages.log import Outage, OutageLog
from localcloud.testing.producer import Producer

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_FRAGMENT_MS = 2_000
# How long the archiver has for the beginning, and how much is lost behind it.
_MARGIN_MS, _LOST_MS = 90_000, 45_000
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
        archived_ms = self._begin_to_expire() if self.expires else 0
        now_ms = time.time_ns() // 1_000_000
        self._be_silent(now_ms - 30 * _MINUTE_MS)
        self._archive(_SILENT)
        if self.expires:
            self._expire(archived_ms)
        self._fall_behind(now_ms - 10 * _MINUTE_MS)

    def _be_silent(self, begin_ms: int) -> None:
        """A camera is off, twice."""
        at_ms = begin_ms
        for number in range(3):
            end_ms = self._film(_SILENT, at_ms, 40_000, _FRAGMENT_MS)
            at_ms = end_ms + _MINUTE_MS
            if number < 2:
                self._write("camera_off", _SILENT, end_ms, at_ms, "camera_silent", "", _FRAGMENT_MS)
        self.ranges[_SILENT] = (begin_ms, end_ms)

    def _begin_to_expire(self) -> int:
        """Film what is about to go out of retention, and archive the beginning of it.

        Returns:
            Until when it is archived.
        """
        begin_ms = time.time_ns() // 1_000_000 - _HOUR_MS + _MARGIN_MS
        archived_ms = self._film(_EXPIRED, begin_ms, 10_000, _FRAGMENT_MS)
        self._archive(_EXPIRED)
        end_ms = self._film(_EXPIRED, archived_ms, 4 * _MINUTE_MS, _FRAGMENT_MS)
        self.ranges[_EXPIRED] = (begin_ms, end_ms)
        return archived_ms

    def _expire(self, archived_ms: int) -> None:
        """Wait until footage has gone out of retention that was not archived."""
        until_ms = archived_ms + _LOST_MS + _HOUR_MS
        if self.stop.wait(max(0.0, until_ms / 1000 - time.time())):
            raise StoppedError
        began_ms = time.time_ns() // 1_000_000
        self._archive(_EXPIRED)
        # Footage goes on expiring while the archiver runs.
        slack_ms = 2 * _FRAGMENT_MS + time.time_ns() // 1_000_000 - began_ms
        expired_ms = began_ms - _HOUR_MS
        self._write("expired", _EXPIRED, archived_ms, expired_ms, "expired", ("expired", "unlisted"), slack_ms)

    def _fall_behind(self, begin_ms: int) -> None:
        """The archiver does not run, though footage is there."""
        end_ms = self._film(_BEHIND, begin_ms, _MINUTE_MS, _FRAGMENT_MS)
        self._write("archiver_off", _BEHIND, begin_ms, end_ms, "archiver_behind", "", _FRAGMENT_MS)
        self.ranges[_BEHIND] = (begin_ms, end_ms)

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
