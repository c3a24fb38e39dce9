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
    """Documents as GetMediaForFragmentList gives them: the fragment's number, a cluster of one frame."""
    return b"".join(_document(number) for number in numbers)


def _document(number: int) -> bytes:
    name = _element(0x45A3, b"AWS_KINESISVIDEO_FRAGMENT_NUMBER") + _element(0x4487, str(number).encode())
    tags = _element(0x1254C367, _element(0x7373, _element(0x67C8, name)))
    tracks = _element(0x1654AE6B, _element(0xAE, _element(0xD7, b"\1") + _element(0x86, b"V_MPEG4/ISO/AVC")))
    frame = _element(0xA3, b"\x81\0\0\x80" + _NUMBERS + json.dumps([str(number)]).encode())
    cluster = _element(0x1F43B675, _element(0xE7, bytes(8)) + frame)
    segment = bytes.fromhex("18538067" + "01" + 7 * "ff")  # of unknown size
    return _element(0x1A45DFA3, _element(0x4282, b"matroska")) + segment + tracks + tags + cluster


def _element(kind: int, content: bytes) -> bytes:
    size = (len(content) | 1 << 28).to_bytes(4, "big")
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + size + content


def numbers_in(body: bytes) -> list[int]:
    """The fragments of either."""
    lists = (part[: part.index(b"]") + 1] for part in body.split(_NUMBERS)[1:])
    return [int(text) for each in lists for text in json.loads(each)]


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, content: bytes) -> bytes:
    return _box(kind, bytes(4) + content)
