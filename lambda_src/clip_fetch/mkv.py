"""Matroska that plays: GetMediaForFragmentList's answer, written anew as one document that begins at zero.

The answer is a document for each fragment, one behind the other, and their times count from 1970. Players show that as
56 years. Here the headers stand once, times begin with the footage, and an index and the duration are added. Frames,
track headers and the service's tags (fragment numbers, times of camera and server) stay the bytes that came.

Sources: RFC 8794 (EBML), RFC 9559 (Matroska). Reads only the heads of elements, so a file of any size needs
little memory.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, Iterator, NamedTuple, Tuple

from .errors import InvalidMediaError

#: Why a file could not be read that ends inside an element.
CUT_OFF = "incomplete"

#: Element IDs (RFC 8794, RFC 9559).
_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_INFO = 0x1549A966
_TRACKS = 0x1654AE6B
_TRACK_ENTRY = 0xAE
_DEFAULT_DURATION = 0x23E383
_TAGS = 0x1254C367
_CUES = 0x1C53BB6B
_CLUSTER = 0x1F43B675
_TIMESTAMP = 0xE7
_SIMPLE_BLOCK = 0xA3
_BLOCK_GROUP = 0xA0
_BLOCK = 0xA1
_BLOCK_DURATION = 0x9B
_TIMESTAMP_SCALE = 0x2AD7B1

#: Elements of a cluster that would not be true any more: its time, its place, its predecessor's size, a CRC.
_STALE = frozenset({_TIMESTAMP, 0xA7, 0xAB, 0xBF})

#: What may lie in a cluster. One whose size is not known ends with the first element that may not.
_OF_CLUSTER = _STALE | {_SIMPLE_BLOCK, _BLOCK_GROUP, 0xAF, 0x5854, 0xEC}

#: In a track's header: its random ID, padding, a CRC.
_MEANINGLESS = frozenset({0x73C5, 0xEC, 0xBF})

_MILLISECOND_NS = 1_000_000
#: 2001, from which Matroska counts dates.
_EPOCH_2001_NS = 978_307_200_000_000_000
_BOUND = 1 << 63
_MAX_HEADER = 4 * 1024 * 1024
_CHUNK = 256 * 1024

#: A jump of the camera's clock beyond this is no pause: what follows is shown at once.
_MAX_PAUSE_MS = 60_000

#: Begin and end of a part of a file.
Span = Tuple[int, int]


class _Element(NamedTuple):
    kind: int
    begin: int
    body: int
    end: int | None  # None where the size is not known


class _Header(NamedTuple):
    """What applies to a cluster; ``meaning`` is what clusters must share to lie in one document."""

    scale_ns: int
    tracks: bytes
    meaning: tuple[Any, ...]


class _Cluster(NamedTuple):
    """A cluster, its times in ticks of its document.

    ``first`` is the time of its earliest frame from ``at``, ``length`` lasts from that frame to the end of the last,
    ``frame`` is how long the last one lasts, and ``start`` the time of the earliest frame once it is written anew.
    """

    at: int
    first: int
    length: int
    frame: int
    track: int
    tags: list[Span]
    spans: list[Span]
    start: int = 0


class _Document(NamedTuple):
    header: _Header
    clusters: list[_Cluster]

    @property
    def end(self) -> int:
        """Until when it plays, in ticks."""
        return self.clusters[-1].start + self.clusters[-1].length

    @property
    def date(self) -> int:
        """The camera's own time of its first frame, as Matroska counts: nanoseconds since 2001."""
        first = self.clusters[0]
        return (first.at + first.first) * self.header.scale_ns - _EPOCH_2001_NS


class Recording:
    """Fragments that were read, ready to be written anew.

    Where the tracks change, another document begins in the same file, and its times go on.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        """Read the fragments.

        Args:
            file: Seekable.
            size: Its bytes.

        Raises:
            InvalidMediaError: It ends inside an element (:data:`CUT_OFF`), or is no Matroska file with media.
        """
        self._file = file
        runs: list[tuple[_Header, list[_Cluster]]] = []
        for header, cluster in _Reader(file, size).clusters():
            if not runs or runs[-1][0].meaning != header.meaning:
                runs.append((header, []))
            runs[-1][1].append(cluster)
        if not runs:
            raise InvalidMediaError("damaged")
        self._documents: list[_Document] = []
        for header, clusters in runs:
            self._documents.append(_placed(header, clusters, self.duration_ms))
        if any(max(each.end, abs(each.date)) >= _BOUND for each in self._documents):
            raise InvalidMediaError("damaged")

    @property
    def duration_ms(self) -> int:
        """How long it plays."""
        if not self._documents:
            return 0
        last = self._documents[-1]
        return last.end * last.header.scale_ns // _MILLISECOND_NS

    def chunks(self) -> Iterator[bytes]:
        """Return the file written anew, piece by piece."""
        for document in self._documents:
            yield from _written(document, self._file)


# -- reading


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def clusters(self) -> Iterator[tuple[_Header, _Cluster]]:
        """Return all clusters with the headers that apply to them."""
        scale_ns, tracks = _MILLISECOND_NS, b""
        header: _Header | None = None
        tags: list[Span] = []
        position = 0
        while position < self._size:
            element = self._element(position, self._size)
            if element.kind == _SEGMENT:
                position = element.body  # where a segment ends, the next document begins
                continue
            if element.kind == _CLUSTER:
                if not tracks:
                    raise InvalidMediaError("damaged")
                header = header or _Header(scale_ns, tracks, (scale_ns, _meaning(tracks)))
                cluster, position = self._cluster(element, tags, _frame_ns(tracks) / scale_ns)
                if cluster is not None:
                    yield header, cluster
                    tags = []
                continue
            position = _known(element)
            if element.kind in (_INFO, _TRACKS):
                header = None
            if element.kind == _INFO:
                scale_ns = _scale_ns(self._bytes(element.body, position))
            elif element.kind == _TRACKS:
                tracks = self._bytes(element.begin, position)
            elif element.kind == _TAGS:
                tags.append((element.begin, position))

    def _cluster(self, cluster: _Element, tags: list[Span], usual: float) -> tuple[_Cluster | None, int]:
        """Return a cluster and where it ends; None instead of one without frames."""
        at = 0
        times: dict[int, list[tuple[int, int]]] = {}  # of frames and how long they last, by track
        spans: list[Span] = []
        position = cluster.body
        limit = self._size if cluster.end is None else cluster.end
        while position < limit:
            element = self._element(position, limit)
            if cluster.end is None and element.kind not in _OF_CLUSTER:
                break
            position = _known(element)
            if element.kind == _TIMESTAMP:
                at = _unsigned(self._bytes(element.body, position))
            elif element.kind in (_SIMPLE_BLOCK, _BLOCK_GROUP):
                track, time, lasts = self._frame(element)
                times.setdefault(track, []).append((time, lasts))
            if element.kind not in _STALE:
                spans = _joined(spans, (element.begin, position))
        if not times:
            return None, position
        track, frames = next(iter(times.items()))
        frames.sort()
        steps = len(frames) - 1
        frame = frames[-1][1] or (round((frames[-1][0] - frames[0][0]) / steps) if steps else round(usual))
        first = min(time for each in times.values() for time, _ in each)
        length = max(1, frames[-1][0] + frame - first)
        return _Cluster(at, first, length, frame, track, list(tags), spans), position

    def _frame(self, element: _Element) -> tuple[int, int, int]:
        """Return track, time from the cluster's, and duration of a block (0 where it does not say)."""
        if element.kind == _SIMPLE_BLOCK:
            return (*self._block(element), 0)
        found: tuple[int, int] | None = None
        lasts = 0
        position, end = element.body, _known(element)
        while position < end:
            child = self._element(position, end)
            position = _known(child)
            if child.kind == _BLOCK:
                found = self._block(child)
            elif child.kind == _BLOCK_DURATION:
                lasts = _unsigned(self._bytes(child.body, position))
        if found is None:
            raise InvalidMediaError("damaged")
        return (*found, lasts)

    def _block(self, block: _Element) -> tuple[int, int]:
        head = self._bytes(block.body, min(block.body + 10, _known(block)))
        track, width = _number(head, 0)
        if len(head) < width + 3:
            raise InvalidMediaError("damaged")
        time: int = struct.unpack_from(">h", head, width)[0]
        return track, time

    def _element(self, position: int, limit: int) -> _Element:
        self._file.seek(position)
        return _element(self._file.read(min(12, limit - position)), position, limit)

    def _bytes(self, begin: int, end: int) -> bytes:
        if end - begin > _MAX_HEADER:
            raise InvalidMediaError("damaged")
        self._file.seek(begin)
        return self._file.read(end - begin)


def _element(head: bytes, position: int, limit: int) -> _Element:
    """Return the element whose first bytes these are."""
    width = 9 - head[0].bit_length()
    if width > 4:
        raise InvalidMediaError("damaged")
    if len(head) <= width:
        raise InvalidMediaError(CUT_OFF)
    size, size_width = _number(head, width)
    body = position + width + size_width
    if size == (1 << 7 * size_width) - 1:
        return _Element(int.from_bytes(head[:width], "big"), position, body, None)
    kind = int.from_bytes(head[:width], "big")
    if body + size > limit and kind != _SEGMENT:
        raise InvalidMediaError(CUT_OFF)
    return _Element(kind, position, body, body + size)


def _known(element: _Element) -> int:
    """Return where an element ends that must have a size."""
    if element.end is None:
        raise InvalidMediaError("damaged")
    return element.end


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Return a variable-size integer and its width in bytes."""
    width = 9 - data[position].bit_length() if position < len(data) else 1
    if width > 8:
        raise InvalidMediaError("damaged")
    if position + width > len(data):
        raise InvalidMediaError(CUT_OFF)
    return int.from_bytes(data[position : position + width], "big") & (1 << 7 * width) - 1, width


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        child = _element(data[position : position + 12], position, len(data))
        position = _known(child)
        yield child.kind, data[child.body : position]


def _scale_ns(info: bytes) -> int:
    return _unsigned(dict(_children(info)).get(_TIMESTAMP_SCALE, b"")) or _MILLISECOND_NS


def _meaning(tracks: bytes) -> tuple[Any, ...]:
    """Return what the track headers say but for what a camera draws anew whenever it connects."""
    (_, entries), *_ = _children(tracks)
    return tuple(
        tuple(child for child in _children(entry) if child[0] not in _MEANINGLESS)
        for kind, entry in _children(entries)
        if kind == _TRACK_ENTRY
    )


def _frame_ns(tracks: bytes) -> int:
    """Tell how long the first track's frames usually last; 0 where it does not say."""
    (_, entries), *_ = _children(tracks)
    for kind, entry in _children(entries):
        if kind == _TRACK_ENTRY:
            return _unsigned(dict(_children(entry)).get(_DEFAULT_DURATION, b""))
    return 0


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _joined(spans: list[Span], span: Span) -> list[Span]:
    if spans and spans[-1][1] == span[0]:
        spans[-1] = (spans[-1][0], span[1])
    else:
        spans.append(span)
    return spans


# -- placing and writing


def _placed(header: _Header, clusters: list[_Cluster], begin_ms: int) -> _Document:
    """Put clusters one after the other.

    Pauses stay. A cluster that begins before its predecessor ends (a fragment that was sent twice, a clock
    that was set) follows right after it.
    """
    pause = _MAX_PAUSE_MS * _MILLISECOND_NS // header.scale_ns
    start = begin_ms * _MILLISECOND_NS // header.scale_ns
    placed: list[_Cluster] = []
    before: _Cluster | None = None
    for cluster in clusters:
        if before is not None:
            step = cluster.at + cluster.first - before.at - before.first
            regular = before.length - before.frame / 2 <= step <= before.length + pause
            start += step if regular else before.length
        start = max(start, cluster.first)  # its own time cannot be negative
        placed.append(cluster._replace(start=start))
        before = cluster
    return _Document(header, placed)


def _written(document: _Document, file: BinaryIO) -> Iterator[bytes]:
    clusters = document.clusters
    front = _info(document) + document.header.tracks
    places = [0] * len(clusters)
    position = len(front) + len(_cues(clusters, places))
    for index, cluster in enumerate(clusters):
        places[index] = position + _length(cluster.tags)
        position = places[index] + len(_cluster_head(cluster)) + _length(cluster.spans)
    yield _document_head() + _head(_SEGMENT, position) + front + _cues(clusters, places)
    for cluster in clusters:
        yield from _copied(file, cluster.tags)
        yield _cluster_head(cluster)
        yield from _copied(file, cluster.spans)


def _cluster_head(cluster: _Cluster) -> bytes:
    """Return what is before its spans."""
    time = _coded(_TIMESTAMP, (cluster.start - cluster.first).to_bytes(8, "big"))
    return _head(_CLUSTER, len(time) + _length(cluster.spans)) + time


def _document_head() -> bytes:
    doc_type = _coded(0x4282, b"matroska") + _coded(0x4287, b"\x04") + _coded(0x4285, b"\x02")
    limits = _coded(0x42F2, b"\x04") + _coded(0x42F3, b"\x08")
    return _coded(_EBML, _coded(0x4286, b"\x01") + _coded(0x42F7, b"\x01") + limits + doc_type)


def _info(document: _Document) -> bytes:
    name = b"factory-lake clip_fetch"
    return _coded(
        _INFO,
        _coded(_TIMESTAMP_SCALE, document.header.scale_ns.to_bytes(8, "big"))
        + _coded(0x4489, struct.pack(">d", document.end))
        + _coded(0x4461, struct.pack(">q", document.date))
        + _coded(0x4D80, name)
        + _coded(0x5741, name),
    )


def _cues(clusters: list[_Cluster], places: list[int]) -> bytes:
    """Return the index: each cluster's time and place in the segment; its size depends on neither."""
    points: list[bytes] = []
    for index, cluster in enumerate(clusters):
        track = _coded(0xF7, cluster.track.to_bytes(8, "big"))
        place = _coded(0xF1, places[index].to_bytes(8, "big"))
        time = _coded(0xB3, cluster.start.to_bytes(8, "big"))
        points.append(_coded(0xBB, time + _coded(0xB7, track + place)))
    return _coded(_CUES, b"".join(points))


def _head(kind: int, size: int) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + (size | 1 << 56).to_bytes(8, "big")


def _coded(kind: int, body: bytes) -> bytes:
    return _head(kind, len(body)) + body


def _length(spans: list[Span]) -> int:
    return sum(end - begin for begin, end in spans)


def _copied(file: BinaryIO, spans: list[Span]) -> Iterator[bytes]:
    for begin, end in spans:
        position = begin
        while position < end:
            file.seek(position)
            chunk = file.read(min(_CHUNK, end - position))
            if not chunk:
                raise InvalidMediaError(CUT_OFF)
            yield chunk
            position += len(chunk)
