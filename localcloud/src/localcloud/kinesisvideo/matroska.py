"""The few Matroska elements that Kinesis Video Streams works on: segments, tracks, clusters and tags.

A producer's stream is a row of EBML documents or one long one; every cluster in it is a fragment. What
decides how the service treats a fragment (its times, its tracks, its codec private data, its frames) is read
here without decoding anything, and a fragment can be put together again as a document of its own. Muxing and
demuxing of the media itself is left to FFmpeg.

Sources: RFC 8794 (EBML), RFC 9559 (Matroska), and the developer guide's pages on PutMedia for what the
service asks of a stream.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

EBML = 0x1A45DFA3
DOC_TYPE = 0x4282
SEGMENT = 0x18538067
INFO = 0x1549A966
TIMESTAMP_SCALE = 0x2AD7B1
TRACKS = 0x1654AE6B
TRACK_ENTRY = 0xAE
TRACK_NUMBER = 0xD7
CODEC_ID = 0x86
CODEC_PRIVATE = 0x63A2
DEFAULT_DURATION = 0x23E383
CLUSTER = 0x1F43B675
TIMESTAMP = 0xE7
SIMPLE_BLOCK = 0xA3
BLOCK_GROUP = 0xA0
BLOCK = 0xA1
BLOCK_DURATION = 0x9B
TAGS = 0x1254C367
TAG = 0x7373
SIMPLE_TAG = 0x67C8
TAG_NAME = 0x45A3
TAG_STRING = 0x4487
VOID = 0xEC

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_MILLISECOND_NS = 1_000_000


class MatroskaError(ValueError):
    """The bytes are not a stream that the service could take; the message names the element and the rule."""


@dataclass(frozen=True)
class TrackEntry:
    """A track as its header declares it.

    Attributes:
        codec_id: Matroska codec ID, such as ``V_MPEG4/ISO/AVC``.
        private: codec private data, empty when there is none.
        frame_ms: duration of a frame in milliseconds, 0 when the header does not say.
    """

    number: int
    codec_id: str
    private: bytes
    frame_ms: float


@dataclass(frozen=True)
class Frame:
    """One block: ``time_ms`` counts from its cluster's timestamp."""

    track: int
    time_ms: int
    duration_ms: int
    data: memoryview


@dataclass(frozen=True)
class Cluster:
    """A cluster with the headers that apply to it.

    Attributes:
        time_ms: timestamp of the cluster in milliseconds.
        tracks: its tracks, by track number.
        frames: its frames in the order in which they lie, which is decoding order.
        document: the bytes of a Matroska document that holds this cluster alone.
    """

    time_ms: int
    tracks: tuple[TrackEntry, ...]
    frames: tuple[Frame, ...]
    document: bytes

    @property
    def length_ms(self) -> int:
        """Playback duration: of the video track up to the end of the frame that is shown last."""
        shown = self._shown()
        return shown[-1][0] + self.last_frame_ms - shown[0][0] if shown else 0

    @property
    def last_frame_ms(self) -> int:
        """How long the frame of the video track is shown that comes last."""
        shown = self._shown()
        if not shown:
            return 0
        last, duration = shown[-1]
        default = round(self.tracks[0].frame_ms) or (last - shown[-2][0] if len(shown) > 1 else 0)
        return duration or default

    def _shown(self) -> list[tuple[int, int]]:
        """Times and durations of the video track's frames in the order in which they are shown."""
        video = self.tracks[0].number
        return sorted((f.time_ms, f.duration_ms) for f in self.frames if f.track == video)


@dataclass(frozen=True)
class _Element:
    id: int
    start: int  # of the ID
    body: int
    end: int


def clusters(stream: bytes) -> Iterator[Cluster]:
    """Take a producer's stream apart into its clusters.

    Raises:
        MatroskaError: an element is cut off, a cluster precedes its tracks, or times are not in milliseconds.
    """
    view = memoryview(stream)
    headers: dict[int, memoryview] = {}
    for element in _top_level(view):
        if element.id in (EBML, INFO, TRACKS):
            if element.id == EBML:
                headers.clear()
            headers[element.id] = view[element.start : element.end]
        elif element.id == CLUSTER:
            yield _cluster(view, element, headers)


def _top_level(view: memoryview) -> Iterator[_Element]:
    """Elements of the stream with segments opened: a segment's end is where the next document begins."""
    position = 0
    while position < len(view):
        element = _element(view, position, len(view))
        if element.id == SEGMENT:
            position = element.body
            continue
        yield element
        position = element.end


def _cluster(view: memoryview, element: _Element, headers: dict[int, memoryview]) -> Cluster:
    missing = [name for name, id_ in (("EBML", EBML), ("Info", INFO), ("Tracks", TRACKS)) if id_ not in headers]
    if missing:
        raise MatroskaError(f"cluster at byte {element.start} comes before its {missing[0]} element")
    _check_scale(headers[INFO])
    tracks = tuple(_tracks(headers[TRACKS]))
    if not tracks:
        raise MatroskaError(f"cluster at byte {element.start} has no tracks")
    time_ms: int | None = None
    frames: list[Frame] = []
    for child in _children(view, element):
        body = view[child.body : child.end]
        if child.id == TIMESTAMP:
            time_ms = _unsigned(body)
        elif child.id == SIMPLE_BLOCK:
            frames.append(_frame(body, 0))
        elif child.id == BLOCK_GROUP:
            group = {c.id: view[c.body : c.end] for c in _children(view, child)}
            if BLOCK not in group:
                raise MatroskaError(f"block group at byte {child.start} has no block")
            frames.append(_frame(group[BLOCK], _unsigned(group.get(BLOCK_DURATION, memoryview(b"")))))
    if time_ms is None:
        raise MatroskaError(f"cluster at byte {element.start} has no timestamp")
    document = b"".join(
        (
            headers[EBML],
            _id_bytes(SEGMENT) + _UNKNOWN_SIZE,
            headers[INFO],
            headers[TRACKS],
            view[element.start : element.end],
        )
    )
    return Cluster(time_ms, tracks, tuple(frames), document)


def _check_scale(info: memoryview) -> None:
    for child in _children(info, _element(info, 0, len(info))):
        if child.id == TIMESTAMP_SCALE:
            scale = _unsigned(info[child.body : child.end])
            if scale != _MILLISECOND_NS:
                raise MatroskaError(f"TimestampScale must be {_MILLISECOND_NS} (milliseconds), got {scale}")


def _tracks(tracks: memoryview) -> Iterator[TrackEntry]:
    for entry in _children(tracks, _element(tracks, 0, len(tracks))):
        if entry.id == TRACK_ENTRY:
            fields = {c.id: tracks[c.body : c.end] for c in _children(tracks, entry)}
            yield TrackEntry(
                number=_unsigned(fields.get(TRACK_NUMBER, memoryview(b"\x01"))),
                codec_id=bytes(fields.get(CODEC_ID, b"")).rstrip(b"\x00").decode("ascii", "replace"),
                private=bytes(fields.get(CODEC_PRIVATE, b"")),
                frame_ms=_unsigned(fields.get(DEFAULT_DURATION, memoryview(b""))) / _MILLISECOND_NS,
            )


def _frame(block: memoryview, duration_ms: int) -> Frame:
    track, width = _vint(block, 0) if len(block) else (0, 0)
    if len(block) < width + 3:
        raise MatroskaError(f"block of {len(block)} bytes is shorter than its header")
    (time_ms,) = struct.unpack_from(">h", block, width)
    if block[width + 2] & 0x06:
        raise MatroskaError("laced blocks are not taken: one frame a block")
    return Frame(track, time_ms, duration_ms, block[width + 3 :])


def with_tags(document: bytes, tags: dict[str, str]) -> bytes:
    """A one-cluster document, with these tags in front of its cluster."""
    view = memoryview(document)
    cluster = next(element for element in _top_level(view) if element.id == CLUSTER)
    return b"".join((view[: cluster.start], _tags(tags), view[cluster.start :]))


def tags_alone(tags: dict[str, str]) -> bytes:
    """A document that holds nothing but these tags."""
    return _encode(EBML, _encode(DOC_TYPE, b"matroska")) + _id_bytes(SEGMENT) + _UNKNOWN_SIZE + _tags(tags)


def _tags(tags: dict[str, str]) -> bytes:
    simple = b"".join(
        _encode(SIMPLE_TAG, _encode(TAG_NAME, name.encode()) + _encode(TAG_STRING, value.encode()))
        for name, value in tags.items()
    )
    return _encode(TAGS, _encode(TAG, simple))


def tags_of(stream: bytes) -> list[dict[str, str]]:
    """The tags of each document in a row of documents, in order."""
    view = memoryview(stream)
    found: list[dict[str, str]] = []
    for element in _top_level(view):
        if element.id == EBML:
            found.append({})
        elif element.id == TAGS:
            for tag in _children(view, element):
                for simple in (c for c in _children(view, tag) if c.id == SIMPLE_TAG):
                    fields = {c.id: bytes(view[c.body : c.end]).decode() for c in _children(view, simple)}
                    found[-1][fields[TAG_NAME]] = fields[TAG_STRING]
    return found


def without_codec_private(document: bytes) -> bytes:
    """The document with its codec private data blanked, each by a Void element of the same length.

    Raises:
        MatroskaError: no track has any codec private data.
    """
    view = memoryview(document)
    blanked = bytearray(document)
    found = False
    for tracks in (element for element in _top_level(view) if element.id == TRACKS):
        for entry in (c for c in _children(view, tracks) if c.id == TRACK_ENTRY):
            for child in (c for c in _children(view, entry) if c.id == CODEC_PRIVATE):
                found = True
                blanked[child.start : child.end] = _void(child.end - child.start)
    if not found:
        raise MatroskaError("no track has codec private data")
    return bytes(blanked)


def one_cluster(document: bytes) -> bytes:
    """The document with its clusters made one.

    A muxer begins a new one at a key frame, whatever its options say.

    Raises:
        MatroskaError: its blocks span more time than a cluster can express.
    """
    view = memoryview(document)
    found = [element for element in _top_level(view) if element.id == CLUSTER]
    first = _cluster_time(view, found[0])
    body = [_encode(TIMESTAMP, first.to_bytes(8, "big"))]
    for cluster in found:
        shift = _cluster_time(view, cluster) - first
        blocks = (c for c in _children(view, cluster) if c.id in (SIMPLE_BLOCK, BLOCK_GROUP))
        body += [_shifted(view, block, shift) for block in blocks]
    headers = {element.id: element for element in _top_level(view) if element.id in (EBML, INFO, TRACKS)}
    before = [bytes(view[each.start : each.end]) for each in headers.values()]
    segment = _id_bytes(SEGMENT) + _UNKNOWN_SIZE
    return b"".join((before[0], segment, *before[1:], _encode(CLUSTER, b"".join(body))))


def _cluster_time(view: memoryview, cluster: _Element) -> int:
    times = (_unsigned(view[c.body : c.end]) for c in _children(view, cluster) if c.id == TIMESTAMP)
    return next(times, 0)


def _shifted(view: memoryview, element: _Element, shift: int) -> bytes:
    """A block, or a group with a block, that much later."""
    if element.id == BLOCK_GROUP:
        children = (
            _shifted(view, c, shift) if c.id == BLOCK else bytes(view[c.start : c.end])
            for c in _children(view, element)
        )
        return _encode(BLOCK_GROUP, b"".join(children))
    body = bytearray(view[element.body : element.end])
    _, width = _vint(view, element.body)
    (time_ms,) = struct.unpack_from(">h", body, width)
    if not -(2**15) <= time_ms + shift < 2**15:
        raise MatroskaError(f"a cluster reaches {2**15 - 1} ms, got a block at {time_ms + shift} ms")
    struct.pack_into(">h", body, width, time_ms + shift)
    return _encode(element.id, bytes(body))


def _void(length: int) -> bytes:
    """A Void element of this total length, 2 bytes at least."""
    if length < 129:
        return bytes([VOID, length - 2 | 0x80]) + bytes(length - 2)
    return bytes([VOID]) + (length - 9 | 1 << 56).to_bytes(8, "big") + bytes(length - 9)


def _element(view: memoryview, position: int, limit: int) -> _Element:
    first = view[position]
    width = 9 - first.bit_length()
    if width > 4:
        raise MatroskaError(f"byte {position} does not begin an element")
    id_ = int.from_bytes(view[position : position + width], "big")
    body = position + width
    if body >= limit:
        raise MatroskaError(f"element {id_:X} at byte {position} is cut off")
    size, size_width = _vint(view, body)
    body += size_width
    if size == (1 << 7 * size_width) - 1:
        if id_ != SEGMENT:
            raise MatroskaError(f"element {id_:X} at byte {position} has no size; only a segment may do without")
        return _Element(id_, position, body, limit)
    if body + size > limit and id_ != SEGMENT:
        raise MatroskaError(f"element {id_:X} at byte {position} is cut off")
    return _Element(id_, position, body, body + size)


def _children(view: memoryview, parent: _Element) -> Iterator[_Element]:
    position = parent.body
    while position < parent.end:
        child = _element(view, position, parent.end)
        yield child
        position = child.end


def _vint(view: memoryview, position: int) -> tuple[int, int]:
    """A variable-size integer and its width in bytes."""
    width = 9 - view[position].bit_length()
    if width > 8 or position + width > len(view):
        raise MatroskaError(f"byte {position} does not begin a size")
    return int.from_bytes(view[position : position + width], "big") & (1 << 7 * width) - 1, width


def _unsigned(view: memoryview) -> int:
    return int.from_bytes(view, "big")


def _id_bytes(id_: int) -> bytes:
    return id_.to_bytes((id_.bit_length() + 7) // 8, "big")


def _encode(id_: int, body: bytes) -> bytes:
    return _id_bytes(id_) + (len(body) | 1 << 56).to_bytes(8, "big") + body
