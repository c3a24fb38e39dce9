"""The archived media of one stream: fragments come in, clips and fragment lists go out.

Which fragments an answer holds is the semantics' decision; here lie their bytes. Each fragment is a file, so
that memory stays small whatever is archived, and expired footage is deleted as soon as no answer reads it.
"""

from __future__ import annotations

import shutil
import threading
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import av

from localcloud.kinesisvideo import matroska, media
from localcloud.kinesisvideo.semantics import (
    Fragment,
    InvalidMediaFrameError,
    Page,
    Range,
    Stream,
    Track,
    UnsupportedStreamMediaTypeError,
)

FRAGMENT_BYTES = 50 * 10**6
FRAGMENT_MS = 20_000
TRACKS = 3

# The strings soon grow by a digit: who compares them as text puts later fragments before earlier ones.
_FIRST_NUMBER = 10**46 - 2000

_READ_BYTES = 256 * 1024


class FragmentError(ValueError):
    """A fragment that the service does not take, with the words of PutMedia's error acknowledgement.

    Attributes:
        code: ErrorCode, as "Fragment-level error codes" in PutMedia's API reference lists it.
        number: ErrorId of the same list.
    """

    def __init__(self, code: str, number: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.number = number


@dataclass(frozen=True)
class Arrival:
    """When a fragment came, all in epoch milliseconds; see the semantics' ``Fragment``."""

    server_ms: int
    persisted_ms: int
    listed_ms: int


@dataclass(frozen=True)
class Clip:
    """A clip: its size in bytes, and the bytes piece by piece."""

    size: int
    pieces: Iterator[bytes]


class Archive:
    """Fragments of one stream and their files. Safe to use from several threads.

    Args:
        fragments: the semantics of the stream, which this object owns from now on.
        folder: where the media lies; made when first needed.
    """

    def __init__(self, fragments: Stream, folder: Path) -> None:
        self.fragments = fragments
        self._folder = folder
        self._lock = threading.Lock()
        self._next_number = _FIRST_NUMBER
        self.last_server_ms = 0  # of the latest fragment
        self._held: list[Fragment] = []
        self._readers = 0
        self._expired: list[Path] = []

    def put(self, cluster: matroska.Cluster, producer_ms: int, arrival: Arrival, *, hold: bool = False) -> Fragment:
        """Store a cluster as a fragment, at the producer's time ``producer_ms`` of its first frame.

        With ``hold`` it is not shown yet: it appears with the next fragment that is not held.

        Raises:
            FragmentError: it is too large, too long, or has too many tracks.
            ValueError: its server time lies before that of the fragment before it.
        """
        _check(cluster)
        with self._lock:
            number = self._next_number
            fragment = Fragment(
                number=number,
                server_ms=arrival.server_ms,
                producer_ms=producer_ms,
                length_ms=cluster.length_ms,
                size=len(cluster.document),
                persisted_ms=arrival.persisted_ms,
                listed_ms=arrival.listed_ms,
                tracks=tuple(Track(track.codec_id, track.private) for track in cluster.tracks),
                readable=media.is_readable(cluster),
                last_frame_ms=cluster.last_frame_ms,
            )
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file(number).write_bytes(cluster.document)
            self._held.append(fragment)
            self._next_number += 1 + zlib.crc32(str(number).encode()) % 1000
            self.last_server_ms = arrival.server_ms
        if not hold:
            self.release()
        return fragment

    def release(self) -> None:
        """Show the fragments that are held back, all at once."""
        with self._lock:
            for fragment in self._held:
                # Footage that is older than its stream was taken by an older stream, whose retention was last
                # changed as long ago: see the package's docstring.
                self.fragments.created_ms = min(self.fragments.created_ms, fragment.server_ms)
                self.fragments.changed_ms = min(self.fragments.changed_ms, fragment.server_ms)
                self.fragments.add(fragment)
            self._held.clear()

    def list(self, now_ms: float, selector: Range | None, max_results: int | None, token: str | None) -> Page:
        """ListFragments; raises what the semantics raise."""
        with self._lock:
            self._expire(now_ms)
            return self.fragments.list_fragments(now_ms, selector, max_results, token)

    def clip(self, now_ms: float, selector: Range, scratch: Path) -> Clip:
        """GetClip; raises what the semantics raise. The clip, made in ``scratch``, leaves no file there."""
        with self._reading():
            with self._lock:
                self._expire(now_ms)
                chosen = self.fragments.get_clip(now_ms, selector)
            scratch.mkdir(parents=True, exist_ok=True)
            clip = scratch / f"{uuid.uuid4()}.mp4"
            parts = (media.ClipPart(self._file(f.number), f.producer_ms, f.length_ms) for f in chosen)
            try:
                _write(parts, clip)
                file = clip.open("rb")
                size = clip.stat().st_size
            finally:
                clip.unlink(missing_ok=True)  # the open file keeps the bytes
        return Clip(size, _pieces(file))

    def media(self, now_ms: float, numbers: Sequence[int]) -> Iterator[bytes]:
        """GetMediaForFragmentList: a document per fragment. Raises what the semantics raise, at once."""
        with self._lock:
            self._expire(now_ms)
            chunks = self.fragments.get_media(now_ms, numbers)
        return self._documents([(chunk.number, chunk.fragment, chunk.error_code) for chunk in chunks])

    def retain(self, retention_ms: int, now_ms: float) -> None:
        """Change the retention; what it no longer covers is gone at once."""
        with self._lock:
            self._drop(self.fragments.retain(retention_ms, now_ms))

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _documents(self, chunks: Sequence[tuple[int, Fragment | None, int]]) -> Iterator[bytes]:
        with self._reading():
            for number, fragment, error_code in chunks:
                tags = {"AWS_KINESISVIDEO_FRAGMENT_NUMBER": str(number)}
                if fragment is None:
                    tags["AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE"] = str(error_code)
                    tags["AWS_KINESISVIDEO_EXCEPTION_MESSAGE"] = "The fragment is not found."
                    yield matroska.tags_alone(tags)
                else:
                    tags["AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP"] = _seconds(fragment.server_ms)
                    tags["AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP"] = _seconds(fragment.producer_ms)
                    yield matroska.with_tags(self._file(number).read_bytes(), tags)

    def _file(self, number: int) -> Path:
        return self._folder / f"{number}.mkv"

    def _expire(self, now_ms: float) -> None:
        self._drop(self.fragments.expire(now_ms))

    def _drop(self, gone: Sequence[Fragment]) -> None:
        self._expired += [self._file(fragment.number) for fragment in gone]
        if not self._readers:
            self._delete_expired()

    def _delete_expired(self) -> None:
        for file in self._expired:
            file.unlink(missing_ok=True)
        self._expired.clear()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Hold back the deletion of files that have been chosen for an answer."""
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                if not self._readers:
                    self._delete_expired()


def _write(parts: Iterator[media.ClipPart], clip: Path) -> None:
    """Write a clip; what FFmpeg cannot put into MP4 is refused in the service's words."""
    try:
        media.write_clip(parts, clip)
    except av.FFmpegError as error:
        raise InvalidMediaFrameError(f"The fragments cannot be joined: {error.strerror}.") from error
    except ValueError as error:
        raise UnsupportedStreamMediaTypeError(f"The fragments cannot be joined: {error}.") from error


def _check(cluster: matroska.Cluster) -> None:
    """The limits of PutMedia on one fragment."""
    size, length, tracks = len(cluster.document), cluster.length_ms, len(cluster.tracks)
    for got, most, unit, code, number in (
        (size, FRAGMENT_BYTES, "bytes", "MAX_FRAGMENT_SIZE_REACHED", 4001),
        (length, FRAGMENT_MS, "ms", "MAX_FRAGMENT_DURATION_REACHED", 4002),
        (tracks, TRACKS, "tracks", "MORE_THAN_ALLOWED_TRACKS_FOUND", 4005),
    ):
        if got > most:
            raise FragmentError(code, number, f"fragment must have at most {most} {unit}, got {got}")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_READ_BYTES):
            yield piece


def _seconds(time_ms: int) -> str:
    """A time as the service's tags spell it: epoch seconds with three decimals."""
    return f"{time_ms // 1000}.{time_ms % 1000:03d}"
