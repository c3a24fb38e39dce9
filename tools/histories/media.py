"""Media as small as can be: what a parser takes for MP4 and Matroska, with the names of its fragments."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

_NUMBERS = b"fragments:"


def mp4(runs: Sequence[tuple[int, int]], numbers: Sequence[int]) -> bytes:
    """A movie with one video track; its media data lists the fragments.

    Args:
        runs: So many frames that are shown for so many milliseconds each, one after the other.
        numbers: Of the fragments.
    """
    duration_ms = sum(frames * frame_ms for frames, frame_ms in runs)
    hdlr = _full(b"hdlr", struct.pack(">I4s12x", 0, b"vide") + b"\0")
    mdhd = _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 1000, duration_ms, 0, 0))
    table = b"".join(struct.pack(">II", *run) for run in runs)
    stts = _full(b"stts", struct.pack(">I", len(runs)) + table)
    tkhd = _full(b"tkhd", struct.pack(">IIII", 0, 0, 1, 0) + bytes(60))
    mdia = _box(b"mdia", mdhd + hdlr + _box(b"minf", _box(b"stbl", stts)))
    media = _NUMBERS + json.dumps([str(number) for number in numbers]).encode()
    return _box(b"ftyp", b"isom\0\0\0\0") + _box(b"moov", _box(b"trak", tkhd + mdia)) + _box(b"mdat", media)


def mkv(numbers: Sequence[int]) -> bytes:
    """Chunks as GetMediaForFragmentList gives them, reduced to the tags that name the fragments."""
    chunks = [b"\x1a\x45\xdf\xa3AWS_KINESISVIDEO_FRAGMENT_NUMBER" + str(n).encode() for n in numbers]
    return b"".join(chunks) + _NUMBERS + json.dumps([str(number) for number in numbers]).encode()


def numbers_in(body: bytes) -> list[int]:
    """The fragments of either."""
    return [int(text) for text in json.loads(body[body.rindex(_NUMBERS) + len(_NUMBERS) :])]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, content: bytes) -> bytes:
    return _box(kind, bytes(4) + content)
