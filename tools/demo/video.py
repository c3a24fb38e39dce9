"""The video's part of the demonstration: missed runs, a crash, another clip length, and every frame counted.

While the cameras send the past, the schedule is off: those are missed runs. Switched on, it catches up. Then
a run is killed while it stores a clip, the clip length changes, and the cameras go quiet; what they sent last
is archived short.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.camera.account import Account, account, archived_to, clip_keys
from tools.camera.camera import Camera
from tools.camera.journal import Journal
from tools.camera.producer import Producer
from tools.camera.script import Script
from tools.camera.witness import export_frame
from tools.demo.steps import Steps
from tools.lake import LocalLake

_BACKFILL_SECONDS = 300
_SCHEDULE_PATIENCE = 150.0
_POLL_SECONDS = 0.5
_NEW_CLIP_SECONDS = 20


@dataclass
class Film:
    """The cameras of a lake at work.

    Attributes:
        lake: The lake.
        folder: Journals, and in the end a clip and a picture of each camera.
    """

    lake: LocalLake
    folder: Path
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _failures: list[BaseException] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Stops the cameras at the end, whatever happens in between."""
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def begin(self) -> None:
        """Send the past of every camera while the schedule is off, switch it on, and go on filming.

        Raises:
            PutMediaError: When a fragment is refused.
        """
        events = self.lake.cloud.client("events")
        rules = [rule for video in self._video.values() for rule in video["schedule_rules"]]
        for rule in rules:
            events.disable_rule(Name=rule)
        now = time.time()
        cameras = [
            self._camera(factory, name, stream, seed, now)
            for seed, (factory, name, stream) in enumerate(self._streams, start=1)
        ]
        fragments = sum(camera.backfill(int(now * 1000)) for camera in cameras)
        Steps.note(
            f"{fragments} fragments, {_BACKFILL_SECONDS // 60} minutes of {len(cameras)} cameras, sent"
        )
        for camera in cameras:
            self._threads.append(threading.Thread(target=self._live, args=(camera,), name=camera.name))
            self._threads[-1].start()
        for rule in rules:
            events.enable_rule(Name=rule)

    def await_schedule(self) -> None:
        """Wait until the schedule has archived something of every camera.

        Raises:
            TimeoutError: When it does not.
        """
        deadline = time.monotonic() + _SCHEDULE_PATIENCE
        while waiting := [name for factory, name, _ in self._streams if not self._clips(factory, name)]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the schedule archived nothing of {', '.join(waiting)}")
            time.sleep(_POLL_SECONDS)
        clips = sum(len(self._clips(factory, name)) for factory, name, _ in self._streams)
        Steps.note(f"the schedule has archived {clips} clips")

    def crash(self) -> None:
        """Kill a run of each factory while it stores a clip.

        Raises:
            TimeoutError: When there is never a clip to store.
        """
        for video in self._video.values():
            crash_while_storing(self.lake, video["clip_function"])
            Steps.note(f"{video['clip_function']}: killed while it stored a clip")

    def change_clip_length(self) -> None:
        """Give every function another clip length; nothing but its environment changes."""
        functions = self.lake.cloud.client("lambda")
        for video in self._video.values():
            name = video["clip_function"]
            variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            Steps.note(
                f"{name}: clips of {variables['CLIP_SECONDS']} s become clips of {_NEW_CLIP_SECONDS} s"
            )
            functions.update_function_configuration(
                FunctionName=name,
                Environment={"Variables": {**variables, "CLIP_SECONDS": str(_NEW_CLIP_SECONDS)}},
            )

    def finish(self) -> None:
        """Stop the cameras and run the functions until the archive has everything.

        Raises:
            RuntimeError: When a camera failed, or a function does.
            TimeoutError: When something is never archived.
        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise RuntimeError(f"a camera failed: {self._failures[0]}") from self._failures[0]
        last = {fragment.camera: fragment.number for fragment in self._journal.read()}
        functions = self.lake.cloud.client("lambda")
        deadline = time.monotonic() + _SCHEDULE_PATIENCE
        for factory, name, _ in self._streams:
            while self._archived_to(factory, name) < last[name]:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{name}: the last fragments were never archived")
                answer = functions.invoke(FunctionName=self._video[factory]["clip_function"], Payload=b"{}")
                result = json.load(answer["Payload"])
                if "FunctionError" in answer or result["errors"]:
                    raise RuntimeError(f"{self._video[factory]['clip_function']}: {result}")
                time.sleep(_POLL_SECONDS)

    def account(self) -> Account:
        """Decode every clip and account for every frame; keep a clip and a picture of each camera."""
        s3, bucket = self.lake.cloud.client("s3"), self.lake.outputs["buckets"]["clips"]
        sent = list(self._journal.read())
        total = Account()
        for factory in self._video:
            of_factory = {name for owner, name, _ in self._streams if owner == factory}
            total.add(account([one for one in sent if one.camera in of_factory], s3, bucket, factory))
        for factory, name, _ in self._streams:
            clip = self.folder / f"{name}.mp4"
            s3.download_file(bucket, self._clips(factory, name)[0], str(clip))
            export_frame(clip, 0, clip.with_suffix(".png"))
        return total

    @property
    def _journal(self) -> Journal:
        return Journal(self.folder / "cameras.jsonl")

    @property
    def _video(self) -> dict[str, Any]:
        video: dict[str, Any] = self.lake.outputs["video"]
        return video

    @property
    def _streams(self) -> list[tuple[str, str, str]]:
        """Factory, camera and stream of every camera."""
        return [
            (factory, camera, stream)
            for factory, video in sorted(self._video.items())
            for camera, stream in sorted(video["streams"].items())
        ]

    def _camera(self, factory: str, name: str, stream: str, seed: int, now: float) -> Camera:
        script = Script(
            seed=seed,
            shortest_ms=1_000,
            longest_ms=3_000,
            resolutions=((160, 96), (192, 112)),
            change_chance=0.01,
            away_chance=0.01,
        )
        producer = Producer(self.lake.cloud.client("kinesisvideo"), stream)
        begin_ms = int((now - _BACKFILL_SECONDS) * 1000)
        return Camera(name, producer, self._journal, script, begin_ms, audio=factory == "krakow")

    def _live(self, camera: Camera) -> None:
        try:
            # A camera that stops does so in the middle of its wait, not a fragment later.
            camera.live(lambda: not self._stop.is_set(), sleep=self._stop.wait)
        except BaseException as error:  # the demonstration's own thread raises it
            self._failures.append(error)

    def _clips(self, factory: str, camera: str) -> list[str]:
        return clip_keys(*self._archive(factory, camera))

    def _archived_to(self, factory: str, camera: str) -> int:
        """The newest archived fragment's number."""
        return archived_to(*self._archive(factory, camera))

    def _archive(self, factory: str, camera: str) -> tuple[Any, str, str]:
        """Client, bucket and prefix of a camera's clips."""
        bucket = self.lake.outputs["buckets"]["clips"]
        return self.lake.cloud.client("s3"), bucket, f"factory={factory}/camera={camera}/"


def crash_while_storing(
    lake: LocalLake, function: str, patience: float = 60.0, clips: str | None = None
) -> None:
    """Start a clip function and kill it when it has begun to store a clip.

    Args:
        lake: Where it runs.
        function: Its name.
        patience: Seconds to wait for a clip that is due.
        clips: What the path of the clips holds; the clips bucket without.

    Raises:
        TimeoutError: When none was.
    """
    functions, faults = lake.cloud.client("lambda"), lake.cloud.faults
    held = faults.add(
        service="s3",
        operation="PutObject",
        resource=clips or lake.outputs["buckets"]["clips"],
        error="InternalError",  # the answer to nobody: a put that is held must not happen later after all
        times=None,
        delay=patience,
    )
    deadline = time.monotonic() + patience
    try:
        while not faults.hits(held):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{function} had no clip to store in {patience:.0f} s")
            run = threading.Thread(
                target=functions.invoke, kwargs={"FunctionName": function, "Payload": b"{}"}
            )
            run.start()
            while run.is_alive() and not faults.hits(held):
                time.sleep(_POLL_SECONDS / 10)
            lake.cloud.control("POST", "lambda-crash", {"function": function})
            run.join()
    finally:
        faults.remove(held)
