"""Cameras from the command line: ``python -m harness.camera --help``."""

from __future__ import annotations

import argparse
import datetime as dt
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from botocore.exceptions import ClientError, ParamValidationError

from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.reconciliation import as_json, reconcile
from harness.camera.script import Script
from localcloud import LocalCloud, StartError
from localcloud.testing.decode import decoded_frames, export_frame
from localcloud.testing.errors import InputError
from localcloud.testing.producer import Producer, PutMediaError


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status.

    0: done. 1: the account is not exact. 2: it could not be done; a line on standard error tells why.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (InputError, PutMediaError, StartError) as error:
        print(f"python -m harness.camera {options.command}: {error}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.camera", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")

    film = commands.add_parser("film", help="film into a video stream of a running local cloud")
    film.add_argument("--workdir", type=Path, required=True, help="the local cloud's folder")
    film.add_argument("--stream", required=True, help="stream name")
    film.add_argument("--camera", required=True, help="camera ID")
    film.add_argument("--journal", type=Path, required=True, help="JSON lines file to append to")
    film.add_argument("--hours", type=_duration, default=0.0, help="footage of the past to send at once")
    film.add_argument(
        "--seconds", type=_duration, default=0.0, help="how long to film in real time after that"
    )
    film.add_argument("--fragment-ms", type=int, nargs=2, default=(2000, 2000), metavar=("MIN", "MAX"))
    film.add_argument("--away-chance", type=float, default=0.0, help="of a break before each fragment")
    film.add_argument("--change-chance", type=float, default=0.0, help="of another resolution")
    film.add_argument("--fps", type=int, default=5, help="frames a second, a divisor of 1000")
    film.add_argument("--seed", type=int, default=1)
    film.add_argument("--audio", action="store_true", help="send a tone along")
    film.add_argument("--file", type=Path, help="send this H.264 or H.265 video instead of marked pictures")
    film.set_defaults(run=_film)

    check = commands.add_parser("account", help="decode all archived clips and account for every frame")
    check.add_argument("--workdir", type=Path, required=True, help="the local cloud's folder")
    check.add_argument("--bucket", required=True, help="the clips bucket")
    check.add_argument("--factory", required=True, help="factory ID")
    check.add_argument("--journal", type=Path, required=True)
    check.set_defaults(run=_account)

    frames = commands.add_parser("frames", help="list the frames of a clip")
    frames.add_argument("clip", type=Path)
    frames.set_defaults(run=_frames)

    frame = commands.add_parser("frame", help="write a frame of a clip as a picture")
    frame.add_argument("clip", type=Path)
    frame.add_argument("index", type=int, help="which frame, counted from 0")
    frame.add_argument("picture", type=Path, help="PNG file to write")
    frame.set_defaults(run=_frame)
    return parser


def _film(options: argparse.Namespace) -> int:
    cloud = LocalCloud.attach(options.workdir)
    begin_ms = int((time.time() - options.hours * 3600) * 1000)
    script = Script(
        seed=options.seed,
        fps=options.fps,
        shortest_ms=options.fragment_ms[0],
        longest_ms=options.fragment_ms[1],
        resolutions=((160, 96), (192, 112)),
        change_chance=options.change_chance,
        away_chance=options.away_chance,
    )
    producer = _producer(cloud, options.stream)
    journal = _journal(options.journal)
    camera = Camera(
        options.camera, producer, journal, script, begin_ms, audio=options.audio, file=options.file
    )
    sent = _backfill(camera, begin_ms, options) if options.hours else 0
    deadline = time.monotonic() + options.seconds
    sent += camera.live(lambda: time.monotonic() < deadline) if options.seconds else 0
    print(f"{options.stream}: {sent} fragments sent")
    return 0


def _duration(text: str) -> float:
    """An option's value that is a span of time.

    Raises:
        argparse.ArgumentTypeError: it is no number from 0 on.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number from 0 on, got {text!r}")
    return value


def _producer(cloud: LocalCloud, stream: str) -> Producer:
    try:
        return Producer(cloud.client("kinesisvideo"), stream)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise InputError(f"--stream: must name a stream of the local cloud, got {stream!r}") from error
    except ParamValidationError as error:
        raise InputError(f"--stream: must be a stream's name, got {stream!r}") from error


def _journal(path: Path) -> Journal:
    try:
        journal = Journal(path)
        path.open("ab").close()
    except OSError as error:
        raise InputError(
            f"--journal: must be a file that can be written, got {path} ({error.strerror})"
        ) from error
    return journal


def _backfill(camera: Camera, begin_ms: int, options: argparse.Namespace) -> int:
    try:
        return camera.backfill(int(time.time() * 1000) - 1000)
    except PutMediaError as error:
        if not error.is_early:
            raise
        begin = dt.datetime.fromtimestamp(begin_ms / 1000, dt.UTC).isoformat(timespec="milliseconds")
        raise InputError(
            f"--hours: footage must begin after the newest of {options.stream},"
            f" got {options.hours:g} ({begin}): {error}"
        ) from error


def _account(options: argparse.Namespace) -> int:
    cloud = LocalCloud.attach(options.workdir)
    try:
        journal = list(Journal(options.journal).read())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"--journal: must be a camera's journal, got {options.journal} ({error})") from error
    if not journal:
        raise InputError(f"--journal: must say what was sent, got {options.journal}, which says nothing")
    try:
        result = reconcile(journal, cloud.client("s3"), options.bucket, options.factory)
    except (ClientError, ParamValidationError) as error:
        raise InputError(f"--bucket: must be the clips bucket, got {options.bucket!r} ({error})") from error
    print(as_json(result))
    return 0 if result.is_exact else 1


def _frames(options: argparse.Namespace) -> int:
    with _decoding(options.clip):
        print("\n".join(decoded_frames(options.clip)))
    return 0


def _frame(options: argparse.Namespace) -> int:
    with _decoding(options.clip):
        export_frame(options.clip, options.index, options.picture)
    return 0


@contextmanager
def _decoding(clip: Path) -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        raise InputError(f"{clip}: the video must decode, got {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
