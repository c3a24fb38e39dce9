"""One invocation: all cameras of a shard, the one whose footage is lost first always next."""

from __future__ import annotations

import hashlib
import heapq
import threading
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from clip_fetch import keys
from clip_fetch.archive import Archive, Memo
from clip_fetch.camera import Camera
from clip_fetch.errors import OutOfTime, code_of
from clip_fetch.fetching import Fetcher
from clip_fetch.model import Stream
from clip_fetch.pace import Pace
from clip_fetch.report import Report
from clip_fetch.settings import Settings, Shard
from clip_fetch.spool import Spool
from clip_fetch.video import Endpoints, Video, find_streams

#: Before a camera was looked at, nothing could be more urgent.
_UNKNOWN_MS = -(10**15)


_WARNINGS = frozenset({"footage expired", "footage unlisted", "clip refused", "fragment listed incompletely"})


class Surroundings(NamedTuple):
    """What one process keeps between runs: connections, and answers that stay true.

    Attributes:
        clients: ``video``, ``s3`` and ``media(endpoint)``.
        endpoints: Data endpoints.
        memo: Metadata of newest objects.
        spool: Where downloads go.
    """

    clients: Any
    endpoints: Endpoints
    memo: Memo
    spool: Spool


def in_shard(stream: Stream, shard: Shard) -> bool:
    """Whether a stream belongs to a shard; depends on its name alone, so cameras stay when others come."""
    digest = hashlib.sha256(stream.name.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard.total == shard.number


def run(
    settings: Settings, shard: Shard, around: Surroundings, pace: Pace, report: Report, name: str
) -> Dict[str, Any]:
    """Archive what can be archived before the deadline.

    Args:
        settings: Of this run.
        shard: Which cameras.
        around: Connections and caches.
        pace: The clock and the deadline.
        report: Where lines go.
        name: Unlike any other run's; it is how a run knows its own objects.

    Returns:
        The summary that :func:`summarise` describes.

    Raises:
        Exception: AWS's last word, when the streams cannot even be listed.
    """
    unknown: Dict[str, str] = {}
    streams = find_streams(around.clients.video, settings.stream_prefix, pace, unknown.__setitem__)
    cameras = [
        _camera(each, settings, around, pace, report, name) for each in streams if in_shard(each, shard)
    ]
    queue = _Queue(cameras)
    for camera_name, member in unknown.items():
        _fail(queue, report, camera_name, "IncompleteListing", f"its stream is listed without {member}")
        report.metrics(settings.namespace, camera_name, pace.now_ms(), {"Errors": 1})
    workers = min(settings.streams_at_once, len(cameras))
    if workers > 1:
        threads = [
            threading.Thread(target=_work, args=(queue, pace, report), name=f"cameras-{index}")
            for index in range(workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        _work(queue, pace, report)
    for camera in cameras:
        report.metrics(settings.namespace, camera.stream.camera, pace.now_ms(), _metrics(camera, queue))
    summary = summarise(settings.factory, cameras, queue)
    report.log("INFO", "run", summary)
    return summary


def _camera(
    stream: Stream, settings: Settings, around: Surroundings, pace: Pace, report: Report, run_name: str
) -> Camera:
    prefix = keys.camera_prefix(settings.factory, stream.camera)
    archive = Archive(around.clients.s3, settings.bucket, prefix, run_name, pace, around.memo)
    video = Video(stream, around.clients, around.endpoints, pace)

    def log(event: str, fields: Dict[str, Any]) -> None:
        level = "WARNING" if event in _WARNINGS or "flags" in fields else "INFO"
        report.log(level, event, {"camera": stream.camera, **fields})

    fetcher = Fetcher(stream, video, pace, around.spool, log)
    return Camera(stream, settings, archive, video, fetcher, pace, run_name, log)


class _Queue:
    """Cameras by time to loss; a camera is with one worker at a time.

    Attributes:
        errors: Cameras that could not go on, and why.
        left: Cameras that were not finished when the time was up.
    """

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self._heap: List[Tuple[int, int, Camera]] = [
            (_UNKNOWN_MS, index, camera) for index, camera in enumerate(cameras)
        ]
        self._order = {id(camera): index for index, camera in enumerate(cameras)}
        self._busy = 0
        self._changed = threading.Condition()
        self.errors: Dict[str, str] = {}
        self.left: List[str] = []

    def take(self) -> Optional[Camera]:
        """The most urgent camera; None when there is none and none will come back."""
        with self._changed:
            while not self._heap and self._busy:
                self._changed.wait()
            if not self._heap:
                return None
            self._busy += 1
            return heapq.heappop(self._heap)[2]

    def give_back(self, camera: Camera) -> None:
        """There is more to do for it."""
        with self._changed:
            heapq.heappush(self._heap, (camera.to_loss_ms, self._order[id(camera)], camera))
        self.drop(camera)

    def drop(self, camera: Camera, unfinished: bool = False) -> None:
        """It needs no more in this run, or cannot have it."""
        with self._changed:
            self._busy -= 1
            if unfinished:
                self.left.append(camera.stream.camera)
            self._changed.notify_all()


def _fail(queue: _Queue, report: Report, camera: str, code: str, error: str) -> None:
    queue.errors[camera] = code
    report.log("ERROR", "camera failed", {"camera": camera, "code": code, "error": error})


def _work(queue: _Queue, pace: Pace, report: Report) -> None:
    """Survey every camera once, then take the most urgent one a clip further, and so on."""
    while True:
        camera = queue.take()
        if camera is None:
            return
        try:
            pace.check()
            if camera.is_surveyed:
                more = camera.advance()
            else:
                camera.survey()
                more = True
        except OutOfTime:
            queue.drop(camera, unfinished=True)
        except Exception as error:  # whatever it is, it must not stop the other cameras
            _fail(queue, report, camera.stream.camera, code_of(error), str(error))
            queue.drop(camera)
        else:
            if more:
                queue.give_back(camera)
            else:
                queue.drop(camera)


def _metrics(camera: Camera, queue: _Queue) -> Dict[str, float]:
    tally = camera.tally
    metrics: Dict[str, float] = {
        "Clips": tally.clips,
        "Fragments": tally.fragments,
        "Bytes": tally.bytes,
        "Calls": camera.calls,
        "Flagged": tally.flagged,
        "ExpiredSeconds": tally.expired_ms / 1000,
        "Errors": int(camera.stream.camera in queue.errors),
    }
    if camera.is_surveyed:
        metrics["BacklogSeconds"] = camera.backlog_ms / 1000
        metrics["SecondsToLoss"] = camera.to_loss_ms / 1000
    if camera.silent_ms is not None:
        metrics["SilentSeconds"] = camera.silent_ms / 1000
    return metrics


def summarise(factory: str, cameras: Sequence[Camera], queue: _Queue) -> Dict[str, Any]:
    """The function's result: totals, and by name the cameras that failed or were not finished.

    ``seconds_to_loss`` is that of the camera nearest to it, None when no camera could be looked at.
    """
    tallies = [camera.tally for camera in cameras]
    return {
        "factory": factory,
        "cameras": len(cameras),
        "clips": sum(tally.clips for tally in tallies),
        "fragments": sum(tally.fragments for tally in tallies),
        "bytes": sum(tally.bytes for tally in tallies),
        "flagged": sum(tally.flagged for tally in tallies),
        "gap_records": sum(tally.gap_records for tally in tallies),
        "expired_seconds": sum(tally.expired_ms for tally in tallies) / 1000,
        "calls": sum(camera.calls for camera in cameras),
        "errors": queue.errors,
        "unfinished": sorted(queue.left),
        "seconds_to_loss": min(
            (camera.to_loss_ms / 1000 for camera in cameras if camera.is_surveyed), default=None
        ),
    }
