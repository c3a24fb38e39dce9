"""Filming into a video stream of a running local cloud, as `factory-lake local film` does it."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

from botocore.exceptions import ClientError, ParamValidationError

from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.script import Script
from localcloud import LocalCloud
from localcloud.testing.errors import InputError
from localcloud.testing.producer import Producer, PutMediaError


def film(
    cloud: LocalCloud,
    stream: str,
    journal: Path,
    *,
    hours: float = 0,
    seconds: float = 0,
    fragment_ms: tuple[int, int] = (2000, 2000),
    file: Path | None = None,
) -> int:
    """Film the past at once, then in real time; returns how many fragments were sent.

    Args:
        cloud: Where.
        stream: The video stream; its camera's ID, which the pictures carry, is the end of its name.
        journal: JSON lines file that takes what was sent.
        hours: Footage of the past to send at once.
        seconds: How long to film in real time after that.
        fragment_ms: Least and greatest length of a fragment.
        file: A video to send instead of marked pictures.

    Raises:
        InputError: When something of it cannot be done.
        PutMediaError: When the service refuses a fragment.
    """
    begin_ms = int((time.time() - hours * 3600) * 1000)
    script = Script(seed=1, shortest_ms=fragment_ms[0], longest_ms=fragment_ms[1])
    producer = _producer(cloud, stream)
    camera = Camera(stream.rpartition("_")[2], producer, _journal(journal), script, begin_ms, file=file)
    sent = _backfill(camera, begin_ms, stream, hours) if hours else 0
    deadline = time.monotonic() + seconds
    return sent + (camera.live(lambda: time.monotonic() < deadline) if seconds else 0)


def _producer(cloud: LocalCloud, stream: str) -> Producer:
    try:
        return Producer(cloud.client("kinesisvideo"), stream)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise InputError(f"stream: must be one of the local cloud, got {stream!r}") from error
    except ParamValidationError as error:
        raise InputError(f"stream: must be a stream's name, got {stream!r}") from error


def _journal(path: Path) -> Journal:
    try:
        journal = Journal(path)
        path.open("ab").close()
    except OSError as error:
        raise InputError(f"{path}: must be a file that can be written ({error.strerror})") from error
    return journal


def _backfill(camera: Camera, begin_ms: int, stream: str, hours: float) -> int:
    try:
        return camera.backfill(int(time.time() * 1000) - 1000)
    except PutMediaError as error:
        if not error.is_early:
            raise
        begin = dt.datetime.fromtimestamp(begin_ms / 1000, dt.UTC).isoformat(timespec="milliseconds")
        raise InputError(
            f"--hours: footage must begin after the newest of {stream}, got {hours:g} ({begin}): {error}"
        ) from error
