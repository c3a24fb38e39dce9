"""One invocation: all cameras of a shard, the one whose footage is lost first always next."""

from __future__ import annotations

import hashlib
import heapq
import random
import threading
from typing import Any, Callable, NamedTuple, Sequence

from . import keys
from .archive import Archive, Cache
from .camera import Camera
from .deadline import Deadline
from .download import Downloader
from .errors import DeadlineExceededError, code_of
from .events import Summary
from .fetching import Fetcher
from .model import Stream
from .report import Report
from .retry import RetryPolicy
from .settings import Settings, Shard
from .spool import Spool
from .throughput import Throughput
from .video import Endpoints, Video, find_streams

#: Before a camera was looked at, nothing could be more urgent.
_UNKNOWN_MS = -(10**15)

#: Log lines of cameras that are warnings.
_WARNINGS = frozenset({"footage expired", "footage unlisted", "clip refused", "fragment listed incompletely"})


class Dependencies(NamedTuple):
    """What one process keeps between runs: ``video``, ``s3`` and ``media(endpoint)``; answers that stay true."""

    clients: Any
    endpoints: Endpoints
    cache: Cache
    spool: Spool


class Timing(NamedTuple):
    """How one run keeps time."""

    deadline: Deadline
    retry: RetryPolicy
    throughput: Throughput

    @classmethod
    def start(
        cls,
        now_ms: Callable[[], int],
        remaining_ms: Callable[[], int],
        sleep: Callable[[float], Any],
        jitter: random.Random,
    ) -> Timing:
        """Begin a run that has ``remaining_ms()`` left; clocks give epoch milliseconds, ``sleep`` takes seconds."""
        deadline = Deadline(now_ms, remaining_ms)
        return cls(deadline, RetryPolicy(deadline, sleep, jitter), Throughput(deadline))


def in_shard(stream: Stream, shard: Shard) -> bool:
    """Tell whether a stream belongs to a shard: by its name alone, so cameras stay when others come."""
    digest = hashlib.sha256(stream.name.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard.total == shard.number


def run(
    settings: Settings, shard: Shard, dependencies: Dependencies, timing: Timing, report: Report, name: str
) -> Summary:
    """Archive what can be archived before the deadline.

    The run's name is unlike any other run's; it is how a run knows its own objects.

    Raises:
        Exception: That of the last call, when the streams cannot even be listed.
    """
    unknown: dict[str, str] = {}
    streams = find_streams(dependencies.clients.video, settings.stream_prefix, timing.retry, unknown.__setitem__)
    cameras = [
        _camera(each, settings, dependencies, timing, report, name) for each in streams if in_shard(each, shard)
    ]
    queue = _Queue(cameras)
    for camera_name, member in unknown.items():
        _fail(queue, report, camera_name, "IncompleteListing", f"its stream is listed without {member}")
        report.camera_metrics(camera_name, {"Errors": 1})
    workers = min(settings.streams_at_once, len(cameras))
    if workers > 1:
        threads = [
            threading.Thread(target=_work, args=(queue, timing.deadline, report), name=f"cameras-{index}")
            for index in range(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        _work(queue, timing.deadline, report)
    for camera in cameras:
        _note_refusal(camera, queue, report)
        report.camera_metrics(camera.stream.camera, _metrics(camera, queue))
    summary = summarise(settings.factory, cameras, queue)
    report.log("INFO", "run", **summary)
    return summary


def _camera(
    stream: Stream, settings: Settings, dependencies: Dependencies, timing: Timing, report: Report, run_name: str
) -> Camera:
    prefix = keys.camera_prefix(settings.factory, stream.camera)
    archive = Archive(
        dependencies.clients.s3, settings.bucket, prefix, run_name, timing.deadline, timing.retry, dependencies.cache
    )
    video = Video(stream, dependencies.clients, dependencies.endpoints, timing.deadline, timing.retry)

    def log(event: str, fields: dict[str, Any]) -> None:
        level = "WARNING" if event in _WARNINGS or "flags" in fields else "INFO"
        report.log(level, event, camera=stream.camera, **fields)

    downloader = Downloader(stream, video, timing.deadline, timing.throughput)
    fetcher = Fetcher(downloader, video, dependencies.spool, timing.deadline, timing.throughput, log)
    return Camera(stream, settings, archive, video, fetcher, timing.deadline, run_name, log)


class _Queue:
    """Cameras by time to loss, each with one worker at a time; those that failed, and those left unfinished."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._heap: list[tuple[int, int, Camera]] = [
            (_UNKNOWN_MS, index, camera) for index, camera in enumerate(cameras)
        ]
        self._order = {id(camera): index for index, camera in enumerate(cameras)}
        self._busy = 0
        self._changed = threading.Condition()
        self.errors: dict[str, str] = {}
        self.left: list[str] = []

    def acquire(self) -> Camera | None:
        """Return the most urgent camera; None when there is none and none will come back."""
        with self._changed:
            while not self._heap and self._busy:
                self._changed.wait()
            if not self._heap:
                return None
            self._busy += 1
            return heapq.heappop(self._heap)[2]

    def requeue(self, camera: Camera) -> None:
        """Take back a camera for which there is more to do."""
        with self._changed:
            heapq.heappush(self._heap, (camera.ms_until_expiry, self._order[id(camera)], camera))
        self.complete(camera)

    def complete(self, camera: Camera, unfinished: bool = False) -> None:
        """Take back a camera that needs no more in this run, or cannot have it."""
        with self._changed:
            self._busy -= 1
            if unfinished:
                self.left.append(camera.stream.camera)
            self._changed.notify_all()


def _fail(queue: _Queue, report: Report, camera: str, code: str, error: str) -> None:
    queue.errors[camera] = code
    report.log("ERROR", "camera failed", camera=camera, code=code, error=error)


def _note_refusal(camera: Camera, queue: _Queue, report: Report) -> None:
    """Make a camera count as failed whose clips were archived but whose rows S3 refused."""
    refusal, name = camera.row_refusal, camera.stream.camera
    if refusal is not None and name not in queue.errors:
        _fail(queue, report, name, code_of(refusal), f"no row of the table clips: {refusal}")


def _work(queue: _Queue, deadline: Deadline, report: Report) -> None:
    """Refresh every camera once, then take the most urgent one a clip further, and so on."""
    while True:
        camera = queue.acquire()
        if camera is None:
            return
        try:
            deadline.check()
            if camera.is_refreshed:
                more = camera.advance()
            else:
                camera.refresh()
                more = True
        except DeadlineExceededError:
            queue.complete(camera, unfinished=True)
        except Exception as error:  # whatever it is, it must not stop the other cameras
            _fail(queue, report, camera.stream.camera, code_of(error), str(error))
            queue.complete(camera)
        else:
            if more:
                queue.requeue(camera)
            else:
                queue.complete(camera)


def _metrics(camera: Camera, queue: _Queue) -> dict[str, float]:
    counts = camera.counts
    metrics: dict[str, float] = {
        "Clips": counts.clips,
        "Fragments": counts.fragments,
        "Bytes": counts.bytes,
        "Calls": camera.calls,
        "Flagged": counts.flagged,
        "ExpiredSeconds": counts.expired_ms / 1000,
        "Errors": int(camera.stream.camera in queue.errors),
    }
    if camera.is_refreshed:
        metrics["BacklogSeconds"] = camera.backlog_ms / 1000
        metrics["SecondsToLoss"] = camera.ms_until_expiry / 1000
    if camera.silent_ms is not None:
        metrics["SilentSeconds"] = camera.silent_ms / 1000
    return metrics


def summarise(factory: str, cameras: Sequence[Camera], queue: _Queue) -> Summary:
    """Return the function's result."""
    counts = [camera.counts for camera in cameras]
    return {
        "factory": factory,
        "cameras": len(cameras),
        "clips": sum(each.clips for each in counts),
        "fragments": sum(each.fragments for each in counts),
        "bytes": sum(each.bytes for each in counts),
        "flagged": sum(each.flagged for each in counts),
        "gap_records": sum(each.gap_records for each in counts),
        "expired_seconds": sum(each.expired_ms for each in counts) / 1000,
        "calls": sum(camera.calls for camera in cameras),
        "errors": queue.errors,
        "unfinished": sorted(queue.left),
        "seconds_to_loss": min(
            (camera.ms_until_expiry / 1000 for camera in cameras if camera.is_refreshed), default=None
        ),
    }
