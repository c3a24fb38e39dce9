"""Media of the Kinesis Video service: fragments as files, clips as MP4, fragment lists as Matroska.

Nothing is decoded or encoded here. A fragment is kept as it came, as a Matroska document of one cluster; a
clip is remuxed from these documents packet by packet, so that the bytes of every frame in a clip are those
that the camera sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av

from localcloud.kinesisvideo import matroska
from localcloud.kinesisvideo.semantics import VIDEO_CODECS

MILLISECOND = Fraction(1, 1000)
_HEVC = "V_MPEGH/ISO/HEVC"


def is_readable(cluster: matroska.Cluster) -> bool:
    """Whether every frame of the video track parses as its codec says: a row of length-prefixed NAL units.

    Codecs that the service does not know are not looked into, nor is video without codec private data, which
    says how long a length prefix is.
    """
    video = cluster.tracks[0]
    if video.codec_id not in VIDEO_CODECS or not video.private:
        return True
    # ISO/IEC 14496-15: lengthSizeMinusOne is in byte 4 of avcC and byte 21 of hvcC.
    place = 21 if video.codec_id == _HEVC else 4
    if len(video.private) <= place:
        return False
    prefix = (video.private[place] & 3) + 1
    return all(_is_nal_row(f.data, prefix) for f in cluster.frames if f.track == video.number)


def _is_nal_row(data: memoryview, prefix: int) -> bool:
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position : position + prefix], "big")
        position += prefix + size
        if size == 0:
            return False
    return position == len(data) and position > 0


@dataclass(frozen=True)
class ClipPart:
    """A stored fragment as a part of a clip.

    Attributes:
        document: file of its Matroska document.
        start_ms: producer timestamp of its first frame.
        length_ms: its playback duration.
    """

    document: Path
    start_ms: int
    length_ms: int


@dataclass(frozen=True)
class _Sample:
    """A packet with its times in milliseconds from the fragment's start."""

    packet: av.Packet[Any]
    pts: int
    dts: int
    duration: int


def write_clip(parts: Iterable[ClipPart], clip: Path) -> None:
    """Join fragments to one MP4 file with its index at the front, so that it plays while it is being read.

    Samples stand where their producer timestamps put them, counted from the first fragment's start: a gap
    between fragments is one long last frame before it. A fragment that begins before its predecessor ends (a
    camera whose clock was set back) follows right after it instead. Fragments must have equal tracks.

    Args:
        parts: fragments in playing order, at least one; at most one of them is in memory at a time.
        clip: file to write.
    """
    origin: int | None = None
    end = 0
    with av.open(str(clip), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        streams: list[Any] = []
        for part in parts:
            with av.open(str(part.document)) as document:
                if origin is None:
                    origin = part.start_ms
                    streams = [_like(output, stream) for stream in document.streams]
                start = max(part.start_ms - origin, end)
                end = start + part.length_ms
                for index, sample in _samples(document, part.length_ms):
                    _mux(output, streams[index], sample, start)


def _like(output: Any, template: Any) -> Any:
    stream = output.add_stream_from_template(template)
    stream.time_base = MILLISECOND
    return stream


def _samples(document: Any, length_ms: int) -> list[tuple[int, _Sample]]:
    """All samples of a document with their stream's index.

    Matroska keeps presentation times only. Each frame lasts until the next is shown, the last until the fragment ends.
    """
    packets: list[list[av.Packet[Any]]] = [[] for _ in document.streams]
    for packet in document.demux():
        if packet.size:
            packets[packet.stream.index].append(packet)
    times = [[round(cast(int, p.pts) * p.time_base / MILLISECOND) for p in of_stream] for of_stream in packets]
    base = min(times[0])
    found: list[tuple[int, _Sample]] = []
    for index, of_stream in enumerate(packets):
        pts = [max(0, time - base) for time in times[index]]
        shown = sorted(pts)
        until = dict(zip(shown, [*shown[1:], length_ms], strict=True))
        for packet, decoded, time in zip(of_stream, decoding_times(pts), pts, strict=True):
            found.append((index, _Sample(packet, time, decoded, max(1, until[time] - time))))
    return found


def decoding_times(shown: Sequence[int]) -> list[int]:
    """When frames are to be decoded, which come in this order and are shown at these times.

    The same times in ascending order, moved back so far that no frame is shown before it is decoded.
    """
    ascending = sorted(shown)
    delay = max((at - time for at, time in zip(ascending, shown, strict=True)), default=0)
    return [at - delay for at in ascending]


def _mux(output: Any, stream: Any, sample: _Sample, start: int) -> None:
    packet = sample.packet
    packet.stream = stream
    packet.time_base = MILLISECOND
    packet.pts, packet.dts, packet.duration = start + sample.pts, start + sample.dts, sample.duration
    output.mux(packet)
