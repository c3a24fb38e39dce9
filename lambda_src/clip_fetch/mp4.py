"""How an MP4 file plays, and whether it is all there; ISO/IEC 14496-12, as little of it as that takes.

Reads only box headers and the few boxes that hold durations, so a file of any size needs little memory.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Iterator, NamedTuple

from .errors import InvalidMediaError

#: No clip's duration box is larger; a damaged size must not fill the memory.
_MAX_TABLE = 16 * 1024 * 1024
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"})


class Playback(NamedTuple):
    """How a file's video track plays.

    Attributes:
        duration_ms: From its first frame to the end of its last.
        frames: How many it has.
        often_ms: For how many milliseconds frames are shown, and how many of them, the most first.
    """

    duration_ms: int
    frames: int
    often_ms: tuple[tuple[float, int], ...]


class _Track:
    def __init__(self) -> None:
        self.timescale = 0
        self.frames: dict[int, int] = {}  # how many, by duration
        self.default_duration = 0
        self.is_video = False

    def add(self, frames: int, duration: int) -> None:
        self.frames[duration] = self.frames.get(duration, 0) + frames

    def playback(self) -> Playback:
        total = sum(frames * duration for duration, frames in self.frames.items())
        count = sum(self.frames.values())
        often = sorted(self.frames.items(), key=lambda pair: -pair[1])
        return Playback(total * 1000 // self.timescale, count, tuple((d * 1000 / self.timescale, n) for d, n in often))


class _Movie:
    def __init__(self) -> None:
        self.tracks: list[_Track] = []
        self.by_id: dict[int, _Track] = {}
        self.has_data = False
        # of the movie fragment that is being read
        self.current = _Track()
        self.run_default = 0


def playback(file: BinaryIO, size: int) -> Playback:
    """Tell how a seekable file's video track plays, from its sample tables; of several the one that plays longest.

    Both forms are read: one ``moov`` with its tables, and movie fragments (``moof``).

    Raises:
        InvalidMediaError: It is not a whole MP4 file with a video track.
    """
    movie = _Movie()
    try:
        _walk(file, 0, size, movie)
    except (struct.error, EOFError, KeyError) as error:
        raise InvalidMediaError("damaged") from error
    videos = [track for track in movie.tracks if track.is_video and track.timescale]
    if not videos or not movie.has_data:
        raise InvalidMediaError("damaged")
    return max(track.playback() for track in videos)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Return type, begin and end of the content of each box in ``start..end``."""
    position = start
    while position < end:
        file.seek(position)
        size, kind = struct.unpack(">I4s", _exactly(file, 8))
        header = 8
        if size == 1:
            size = struct.unpack(">Q", _exactly(file, 8))[0]
            header = 16
        elif size == 0:
            size = end - position
        if size < header or position + size > end:
            raise EOFError("a box reaches beyond its container")
        yield kind, position + header, position + size
        position += size


def _exactly(file: BinaryIO, count: int) -> bytes:
    if count > _MAX_TABLE:
        raise EOFError("a table is larger than any clip's")
    data = file.read(count)
    if len(data) < count:
        raise EOFError("the file ends early")
    return data


def _walk(file: BinaryIO, start: int, end: int, movie: _Movie) -> None:
    for kind, begin, stop in _boxes(file, start, end):
        if kind in _CONTAINERS:
            if kind == b"trak":
                movie.tracks.append(_Track())
            _walk(file, begin, stop, movie)
        elif kind == b"mdat":
            movie.has_data = True
        elif kind in _READERS:
            file.seek(begin)
            _READERS[kind](_exactly(file, stop - begin), movie)


def _tkhd(data: bytes, movie: _Movie) -> None:
    offset = 20 if data[0] == 1 else 12
    movie.by_id[struct.unpack_from(">I", data, offset)[0]] = movie.tracks[-1]


def _mdhd(data: bytes, movie: _Movie) -> None:
    movie.tracks[-1].timescale = struct.unpack_from(">I", data, 20 if data[0] == 1 else 12)[0]


def _hdlr(data: bytes, movie: _Movie) -> None:
    if movie.tracks:  # a handler may also describe the file's own metadata
        movie.tracks[-1].is_video |= data[8:12] == b"vide"


def _stts(data: bytes, movie: _Movie) -> None:
    count = struct.unpack_from(">I", data, 4)[0]
    if 8 + 8 * count > len(data):
        raise EOFError("a table is shorter than its count")
    for samples, duration in struct.iter_unpack(">II", data[8 : 8 + 8 * count]):
        movie.tracks[-1].add(samples, duration)


def _trex(data: bytes, movie: _Movie) -> None:
    track, _, duration = struct.unpack_from(">III", data, 4)
    movie.by_id[track].default_duration = duration


def _tfhd(data: bytes, movie: _Movie) -> None:
    flags, track = struct.unpack_from(">II", data, 0)
    movie.current = movie.by_id[track]
    movie.run_default = movie.current.default_duration
    offset = 8 + (8 if flags & 0x01 else 0) + (4 if flags & 0x02 else 0)
    if flags & 0x08:
        movie.run_default = struct.unpack_from(">I", data, offset)[0]


def _trun(data: bytes, movie: _Movie) -> None:
    flags, count = struct.unpack_from(">II", data, 0)
    if not flags & 0x100:
        movie.current.add(count, movie.run_default)
        return
    offset = 8 + (4 if flags & 0x01 else 0) + (4 if flags & 0x04 else 0)
    step = 4 * sum(1 for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit)
    if offset + step * count > len(data):
        raise EOFError("a table is shorter than its count")
    for index in range(count):
        movie.current.add(1, struct.unpack_from(">I", data, offset + step * index)[0])


_READERS = {
    b"tkhd": _tkhd,
    b"mdhd": _mdhd,
    b"hdlr": _hdlr,
    b"stts": _stts,
    b"trex": _trex,
    b"tfhd": _tfhd,
    b"trun": _trun,
}
