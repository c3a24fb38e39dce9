"""The video's part of the demonstration: missed runs, a crash, another clip length, and every frame counted.

While the cameras send the past, the schedule is off: those are missed runs. Switched on, it catches up. Then
a run is killed while it stores a clip, the clip length changes, and the cameras go quiet. What they sent last
is archived in a clip that is shorter than others.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from factory_lake.camera.frames import export_frame
from harness.camera.archiver import archive_all, crash_while_storing, schedule_off
from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.reconciliation import VideoReport, clip_keys, reconcile_targets
from harness.camera.script import Script
from harness.demo import moments
from harness.demo.steps import Steps
from harness.lake.functions import change_environment
from harness.lake.targets import CameraPlace, Targets
from harness.workers import Workers
from localcloud.testing.producer import Producer

_BACKFILL_SECONDS = 300
_ARCHIVE_SECONDS = 150.0
_POLL_SECONDS = 0.5
_NEW_CLIP_SECONDS = 20


@dataclass
class Recording:
    """The cameras of a lake at work.

    Attributes:
        targets: The lake; its folder gets the journal, and in the end a clip and a picture of each camera.
    """

    targets: Targets
    _stop: threading.Event = field(default_factory=threading.Event)
    _workers: Workers = field(default_factory=Workers)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Stop the cameras at the end, whatever happens in between."""
        try:
            yield
        finally:
            self._stop.set()
            self._workers.join()

    def begin(self) -> None:
        """Send the past of every camera while the schedule is off, switch it on, and go on filming."""
        now = time.time()
        with ExitStack() as schedules:
            for archiver in self.targets.archivers:
                schedules.enter_context(schedule_off(self.targets.lake.cloud, archiver.rules))
            cameras = [self._camera(place, seed, now) for seed, place in enumerate(self.targets.cameras, start=1)]
            fragments = sum(camera.backfill(int(now * 1000)) for camera in cameras)
            minutes = _BACKFILL_SECONDS // 60
            Steps.note(f"{fragments} fragments, {minutes} minutes of {len(cameras)} cameras, sent")
            for camera in cameras:
                # A camera that stops does so in the middle of its wait, not a fragment later.
                live = partial(camera.live, lambda: not self._stop.is_set(), sleep=self._stop.wait)
                self._workers.start(live, camera.name)

    def await_schedule(self) -> None:
        """Wait until the schedule has archived something of every camera."""
        deadline = time.monotonic() + _ARCHIVE_SECONDS
        while waiting := [place.name for place in self.targets.cameras if not self._clips(place)]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the schedule archived nothing of {', '.join(waiting)}")
            time.sleep(_POLL_SECONDS)
        clips = sum(len(self._clips(place)) for place in self.targets.cameras)
        Steps.note(f"the schedule has archived {clips} clips")

    def crash(self) -> None:
        """Kill a run of each factory while it stores a clip."""
        for archiver in self.targets.archivers:
            crash_while_storing(self.targets.lake.cloud, archiver.function, archiver.clips_path)
            Steps.note(f"{archiver.function}: killed while it stored a clip")

    def change_clip_length(self) -> None:
        """Give every function another clip length; nothing but its environment changes."""
        for archiver in self.targets.archivers:
            changes = {"CLIP_SECONDS": str(_NEW_CLIP_SECONDS)}
            before = change_environment(self.targets.lake.cloud, archiver.function, changes)["CLIP_SECONDS"]
            Steps.note(f"{archiver.function}: clips of {before} s become clips of {_NEW_CLIP_SECONDS} s")

    def finish(self) -> None:
        """Stop the cameras and run the functions until the archive has everything."""
        self._stop.set()
        self._workers.join()
        self._workers.check()
        archive_all(self.targets, self._journal.read(), _ARCHIVE_SECONDS)

    def reconcile(self) -> VideoReport:
        """Decode every clip and find every frame; keep a clip and a picture of each camera."""
        report = reconcile_targets(self.targets, list(self._journal.read()))
        for place in self.targets.cameras:
            clip = self.targets.folder / f"{place.name}.mp4"
            s3 = self.targets.lake.cloud.client("s3")
            s3.download_file(self.targets.clips, self._clips(place)[0], str(clip))
            export_frame(clip, 0, clip.with_suffix(".png"), clip)
        return report

    def moments(self) -> moments.Moments:
        """Find the clip and the frame of random moments, or the gap there."""
        return moments.check(self.targets, self._journal.read())

    @property
    def _journal(self) -> Journal:
        return Journal(self.targets.folder / "cameras.jsonl")

    def _camera(self, place: CameraPlace, seed: int, now: float) -> Camera:
        script = Script(
            seed=seed,
            shortest_ms=1_000,
            longest_ms=3_000,
            resolutions=((160, 96), (192, 112)),
            change_chance=0.01,
            away_chance=0.01,
        )
        producer = Producer(self.targets.lake.cloud.client("kinesisvideo"), place.stream)
        begin_ms = int((now - _BACKFILL_SECONDS) * 1000)
        return Camera(place.name, producer, self._journal, script, begin_ms, audio=place.factory == "krakow")

    def _clips(self, place: CameraPlace) -> list[str]:
        return clip_keys(self.targets.lake.cloud.client("s3"), self.targets.clips, place.clips_prefix)
