"""MP4 and Matroska as small as can be, as the services give them; on every Python that the functions run on."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence


def box(kind: bytes, content: bytes) -> bytes:
    """An MP4 box."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, content: bytes, flags: int = 0, version: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags) + content)


def track(stts: bytes, number: int = 1, handler: bytes = b"vide", timescale: int = 1000) -> bytes:
    """A track box around the content of its sample table."""
    tkhd = full_box(b"tkhd", struct.pack(">IIII", 0, 0, number, 0) + bytes(60))
    mdhd = full_box(b"mdhd", struct.pack(">IIIIHH", 0, 0, timescale, 0, 0, 0))
    hdlr = full_box(b"hdlr", struct.pack(">I4s12x", 0, handler) + b"\0")
    stbl = box(b"stbl", full_box(b"stts", stts))
    return box(b"trak", tkhd + box(b"mdia", mdhd + hdlr + box(b"minf", stbl)))


def sample_table(*runs: tuple[int, int]) -> bytes:
    """So many frames that are shown for so many ticks each, one run after the other."""
    return struct.pack(">I", len(runs)) + b"".join(struct.pack(">II", *run) for run in runs)


def movie_box(runs: Sequence[tuple[int, int]]) -> bytes:
    """A movie with one video track of these runs, in milliseconds."""
    return box(b"moov", track(sample_table(*runs)))


def mp4(runs: Sequence[tuple[int, int]], media: bytes) -> bytes:
    """A file with that movie and these media data."""
    return box(b"ftyp", b"isom\0\0\0\0") + movie_box(runs) + box(b"mdat", media)


def element(kind: str, content: bytes) -> bytes:
    """A Matroska element."""
    return bytes.fromhex(kind) + (len(content) | 1 << 28).to_bytes(4, "big") + content


def mkv(
    time_ms: int,
    blocks: Sequence[tuple[int, bytes]],
    tags: Mapping[str, str],
    codec: bytes = b"V_MPEG4/ISO/AVC",
    track_id: int = 1,
) -> bytes:
    """A fragment as GetMediaForFragmentList gives it: one cluster, timed from 1970, behind its tags.

    Args:
        time_ms: Of the cluster.
        blocks: Time from there and content of each frame.
        tags: Name and value of each tag.
        codec: Of its track.
        track_id: Drawn anew by a camera whenever it connects.
    """
    entry = element("D7", b"\1") + element("73C5", bytes([track_id])) + element("83", b"\1")
    tracks = element("1654AE6B", element("AE", entry + element("86", codec)))
    info = element("1549A966", element("2AD7B1", (1_000_000).to_bytes(3, "big")))
    simple = b"".join(
        element("67C8", element("45A3", name.encode()) + element("4487", value.encode()))
        for name, value in tags.items()
    )
    frames = b"".join(element("A3", struct.pack(">BhB", 0x81, at, 0x80) + data) for at, data in blocks)
    cluster = element("1F43B675", element("E7", time_ms.to_bytes(6, "big")) + frames)
    head = element("1A45DFA3", element("4282", b"matroska")) + bytes.fromhex("18538067" + "01" + 7 * "ff")
    return head + info + tracks + element("1254C367", element("7373", simple)) + cluster
