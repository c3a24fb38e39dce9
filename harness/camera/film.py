"""Filming into a video stream of a running local cloud, as `factory-lake local film` does it."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError, ParamValidationError

from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.script import Script
from localcloud import LocalCloud
from localcloud.testing.errors import InputError
from localcloud.testing.producer import Producer, PutMediaError

_RESOLUTIONS = ((160, 96), (192, 112))


@dataclass(frozen=True)
class Shoot:
    """What to film.

    Attributes:
        hours: Footage of the past to send at once.
        seconds: How long to film in real time after that.
        fragment_ms: Least and greatest length of a fragment.
        away_chance: Of a break before each fragment.
        change_chance: Of another resolution before each fragment.
        fps: Frames a second, a divisor of 1000.
        seed: Everything random follows from it.
        audio: Whether a tone goes along.
        file: A video to send instead of marked pictures.
    """

    hours: float = 0
    seconds: float = 0
    fragment_ms: tuple[int, int] = (2000, 2000)
    away_chance: float = 0
    change_chance: float = 0
    fps: int = 5
    seed: int = 1
    audio: bool = False
    file: Path | None = None


def film(cloud: LocalCloud, stream: str, name: str, journal: Path, shoot: Shoot) -> int:
    """Film the past at once, then in real time.

    Args:
        cloud: Where.
        stream: The video stream.
        name: The camera's ID, which its pictures carry.
        journal: JSON lines file that takes what was sent.
        shoot: What to film.

    Returns:
        How many fragments were sent.

    Raises:
        InputError: When something of it cannot be done.
        PutMediaError: When the service refuses a fragment.
    """
    begin_ms = int((time.time() - shoot.hours * 3600) * 1000)
    script = Script(
        seed=shoot.seed,
        fps=shoot.fps,
        shortest_ms=shoot.fragment_ms[0],
        longest_ms=shoot.fragment_ms[1],
        resolutions=_RESOLUTIONS,
        change_chance=shoot.change_chance,
        away_chance=shoot.away_chance,
    )
    producer, written = _producer(cloud, stream), _journal(journal)
    camera = Camera(name, producer, written, script, begin_ms, audio=shoot.audio, file=shoot.file)
    sent = _backfill(camera, begin_ms, stream, shoot.hours) if shoot.hours else 0
    deadline = time.monotonic() + shoot.seconds
    return sent + (camera.live(lambda: time.monotonic() < deadline) if shoot.seconds else 0)


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
        raise InputError(f"--journal: must be a file that can be written, got {path} ({error.strerror})") from error
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
