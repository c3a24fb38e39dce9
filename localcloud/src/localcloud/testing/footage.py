"""Footage for the tests: small fragments filmed once, and a stream that takes them at chosen times."""

from __future__ import annotations

import datetime as dt
import functools
import io
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer

from localcloud import LocalCloud
from localcloud.kinesisvideo import matroska
from localcloud.testing.encoder import Footage, SyntheticEncoder
from localcloud.testing.identity import frame_identity
from localcloud.testing.producer import Producer

#: What tests that are about neither lag nor quotas ask of the service.
ORDINARY_BEHAVIOUR = {
    "listing_lag_ms": 0,
    "clock_offset_ms": 0,
    "content_length": False,
    "quotas": {"metadata_points": 1_000_000, "media_points": 1_000_000},
}

_names = itertools.count(1)


@functools.cache
def film(start_ms: int, first_frame: int = 0, frames: int = 5, **encoder: Any) -> Footage:
    """One fragment, a second long by default."""
    return SyntheticEncoder("test", **encoder).film(start_ms, first_frame, frames)


def at(time_ms: float) -> dt.datetime:
    """A time as boto3 takes it."""
    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC)


def selector(start_ms: float, end_ms: float, origin: str = "SERVER_TIMESTAMP") -> dict[str, Any]:
    """A fragment selector."""
    times = {"StartTimestamp": at(start_ms), "EndTimestamp": at(end_ms)}
    return {"FragmentSelectorType": origin, "TimestampRange": times}


def opened(media: bytes) -> InputContainer:
    """A video file in memory, to be demuxed or decoded."""
    return av.open(io.BytesIO(media), "r")


def repeatedly(call: Callable[[], object], times: int = 200) -> None:
    """Call again and again, faster than any quota allows."""
    for _ in range(times):
        call()


def frames_of(media: bytes) -> list[int]:
    """The counters of all frames in a video file."""
    with opened(media) as container:
        return [int(frame_identity(frame)) for frame in container.decode(video=0)]


def padded(document: bytes, size: int) -> bytes:
    """The fragment with filler data in its first frame, so that it has about this many bytes."""
    file = io.BytesIO()
    options = {"cluster_time_limit": "32000", "cluster_size_limit": str(2**30)}
    with opened(document) as source, av.open(file, "w", format="matroska", container_options=options) as target:
        stream: Any = target.add_stream_from_template(source.streams.video[0])
        stream.time_base = Fraction(1, 1000)
        for index, packet in enumerate(p for p in source.demux(video=0) if p.size):
            filler = b"\x0c" + b"\xff" * (size - len(document)) + b"\x80"  # ISO/IEC 14496-10, 7.3.2.7
            data = bytes(packet) + (len(filler).to_bytes(4, "big") + filler if index == 0 else b"")
            larger: Any = av.Packet(data)
            larger.pts = larger.dts = packet.pts
            larger.time_base, larger.stream = packet.time_base, stream
            larger.is_keyframe = packet.is_keyframe
            target.mux(larger)
    return file.getvalue()


def broken(document: bytes) -> bytes:
    """The fragment with a first frame whose NAL units do not add up."""
    cluster = next(matroska.clusters(document))
    frame = bytes(cluster.frames[0].data)
    return document.replace(frame, b"\x00\x00\xff\xff" + frame[4:])


@dataclass
class TestStream:
    """A stream of its own for a test; its footage begins at the server time ``begin_ms``, an hour ago."""

    __test__ = False

    cloud: LocalCloud
    name: str
    begin_ms: int
    _sent: list[str] = field(default_factory=list)

    @classmethod
    def create(cls, cloud: LocalCloud, hours: int = 24, ago_ms: int = 3_600_000, **request: Any) -> TestStream:
        """Make the stream; it retains ``hours``."""
        name = f"test_stream_{next(_names)}"
        cloud.client("kinesisvideo").create_stream(StreamName=name, DataRetentionInHours=hours, **request)
        return cls(cloud, name, int(time.time() * 1000) // 1000 * 1000 - ago_ms)

    @property
    def arn(self) -> str:
        """The stream's ARN."""
        info = self.cloud.client("kinesisvideo").describe_stream(StreamName=self.name)["StreamInfo"]
        return str(info["StreamARN"])

    @functools.cached_property
    def media(self) -> Any:
        """A client of its archived media."""
        return self.cloud.client("kinesis-video-archived-media")

    @functools.cached_property
    def producer(self) -> Producer:
        """The camera's end."""
        return Producer(self.cloud.client("kinesisvideo"), self.name)

    def put(self, *offsets_ms: int, frames: int = 5, transit_ms: int = 0, **encoder: Any) -> list[str]:
        """Send fragments of these server times, from the beginning on; the n-th has frames from 100 n on.

        The producer's times are ``transit_ms`` before the server's.
        """
        footage = [
            film(self.begin_ms + offset - transit_ms, 100 * (len(self._sent) + index), frames, **encoder)
            for index, offset in enumerate(offsets_ms)
        ]
        return self.send([fragment.document for fragment in footage], transit_ms)

    def send(self, documents: Sequence[bytes], transit_ms: int | None = 0) -> list[str]:
        """Send documents as they are."""
        numbers = self.producer.put(documents, transit_ms)
        self._sent += numbers
        return numbers

    def clip(self, start_ms: float, end_ms: float, origin: str = "SERVER_TIMESTAMP") -> bytes:
        """GetClip of a range that counts from the beginning."""
        chosen = selector(self.begin_ms + start_ms, self.begin_ms + end_ms, origin)
        answer = self.media.get_clip(StreamName=self.name, ClipFragmentSelector=chosen)
        body: bytes = answer["Payload"].read()
        return body

    def clipped(self, start_ms: float, end_ms: float, origin: str = "SERVER_TIMESTAMP") -> list[int]:
        """Which fragments a clip of that range holds, by their place in the order of sending."""
        return sorted({counter // 100 for counter in frames_of(self.clip(start_ms, end_ms, origin))})

    def page(self, start_ms: float, end_ms: float, origin: str = "SERVER_TIMESTAMP", **request: Any) -> Any:
        """A page of ListFragments of a range that counts from the beginning."""
        chosen = selector(self.begin_ms + start_ms, self.begin_ms + end_ms, origin)
        return self.media.list_fragments(StreamName=self.name, FragmentSelector=chosen, **request)

    def listed(self, start_ms: float, end_ms: float, origin: str = "SERVER_TIMESTAMP") -> list[int]:
        """Which fragments a listing of that range holds, by their place in the order of sending."""
        page = self.page(start_ms, end_ms, origin)
        found = [self._sent.index(fragment["FragmentNumber"]) for fragment in page["Fragments"]]
        while "NextToken" in page:
            page = self.media.list_fragments(StreamName=self.name, NextToken=page["NextToken"])
            found += [self._sent.index(fragment["FragmentNumber"]) for fragment in page["Fragments"]]
        return found
