"""What the probes of Kinesis Video Streams share: video streams, footage sent to them, and what readers get of it.

All footage is grey (`factory_lake.camera.footage`), so that a clip tells by its frames which fragments it holds.
"""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import av
from botocore.exceptions import ClientError

from clip_fetch.clients import epoch_ms, from_epoch_ms, send_milliseconds
from clip_fetch.errors import GONE_CODES, MEDIA_CODES, code_of
from clip_fetch.model import Fragment as Listed
from factory_lake.camera.footage import Filming, Fragment
from factory_lake.camera.putmedia import Producer
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import CouldNotTell, Differs

#: How the filmed fragments are made, and one that has other codec private data.
FILMING, OTHER = Filming(), Filming(96, 64)
#: How many fragments the crowd has: more than GetClip gives.
CROWD = 210
_CROWD_FILMING = Filming(16, 16, frame_ms=500)

_STREAM_SECONDS = 60.0
#: PutMedia may be called five times a second for a stream (API reference).
_CALL_SECONDS = 0.25
#: "Typically", fragments are listed within a second (API reference, ListFragments).
_LISTED_SECONDS = 60.0
_QUOTA_CODES = frozenset({"ClientLimitExceededException", "ConnectionLimitExceededException"})
_QUOTA_SECONDS = 60.0


class VideoStream:
    """A video stream of the run, with its producer and its readers; every method may be called from any thread."""

    def __init__(self, context: Context, of: str, retention_hours: int) -> None:
        """Make it, and wait until it is ACTIVE."""
        self.context = context
        self._video = context.client("kinesisvideo")
        self.name = context.made("video_stream", context.name(of))
        self._video.create_stream(
            StreamName=self.name, DataRetentionInHours=retention_hours, MediaType="video/h264", Tags=context.tags
        )
        self.wait_active()
        self._pace = _no_pace if context.is_local else context.stop.wait
        self._producer = Producer(self._video, self.name, context.credentials(), pace=self._pace)
        # A stream takes footage of one connection at a time.
        self._sending = threading.Lock()
        self._lister, self._clipper, self._raw = (
            self._reader(api) for api in ("LIST_FRAGMENTS", "GET_CLIP", "GET_MEDIA_FOR_FRAGMENT_LIST")
        )

    def describe(self) -> Any:
        """What DescribeStream says."""
        return self._call(self._video.describe_stream)["StreamInfo"]

    def wait_active(self) -> None:
        """Wait until it may be used, or used again after a change."""
        self.context.until(
            lambda: self.describe()["Status"] == "ACTIVE",
            _STREAM_SECONDS,
            f"the video stream {self.name} to be ACTIVE",
        )

    @property
    def created_ms(self) -> int:
        """When it was made, by AWS's clock."""
        return epoch_ms(self.describe()["CreationTime"])

    def endpoint(self, api: str) -> str:
        """Where calls of an API go, as GetDataEndpoint says now."""
        return str(self._call(self._video.get_data_endpoint, APIName=api)["DataEndpoint"])

    @property
    def producer(self) -> Producer:
        """Who sends; `sending` keeps others from it."""
        return self._producer

    @property
    def sending(self) -> threading.Lock:
        """Held while footage goes out."""
        return self._sending

    def send(self, fragments: Iterable[Fragment], filming: Filming = FILMING) -> list[int]:
        """Send fragments in one call; their numbers."""
        with self._sending:
            self.context.check()
            self._pace(_CALL_SECONDS)
            return [int(number) for number in self._producer.send(filming, fragments)]

    def listed(self, start_ms: int, end_ms: int, page: int = 1000) -> list[Listed]:
        """The fragments of a range of server time, in the order in which they are listed."""
        times = {"StartTimestamp": from_epoch_ms(start_ms), "EndTimestamp": from_epoch_ms(end_ms)}
        selector = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": times}
        request: dict[str, Any] = {"FragmentSelector": selector}
        found: list[Listed] = []
        while True:
            answer = self._call(self._lister.list_fragments, MaxResults=page, **request)
            found += [_listed(one) for one in answer["Fragments"]]
            if not answer.get("NextToken"):
                return found
            request = {"NextToken": answer["NextToken"]}

    def wait_listed(self, numbers: Sequence[int]) -> dict[int, Listed]:
        """The fragments of these numbers, as soon as all of them are listed."""
        created_ms = self.created_ms

        def all_listed() -> dict[int, Listed] | None:
            found = {one.number: one for one in self.listed(created_ms, now_ms())}
            return {number: found[number] for number in numbers} if found.keys() >= set(numbers) else None

        return self.context.until(all_listed, _LISTED_SECONDS, f"{len(numbers)} fragments of {self.name} to be listed")

    def get_clip(self, start_ms: int, end_ms: int) -> Any:
        """GetClip's answer for a range of server time."""
        times = {"StartTimestamp": from_epoch_ms(start_ms), "EndTimestamp": from_epoch_ms(end_ms)}
        selector = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": times}
        return self._call(self._clipper.get_clip, ClipFragmentSelector=selector)

    def clip(self, start_ms: int, end_ms: int) -> bytes:
        """The clip of a range of server time, which GetClip should be able to make."""
        try:
            media: bytes = self.get_clip(start_ms, end_ms)["Payload"].read()
        except ClientError as error:
            if code_of(error) not in MEDIA_CODES | GONE_CODES:
                raise
            raise Differs(f"GetClip refuses footage that it should give: {error.response['Error']}") from error
        return media

    def raw(self, numbers: Sequence[int]) -> bytes:
        """What GetMediaForFragmentList gives for these numbers."""
        answer = self._call(self._raw.get_media_for_fragment_list, Fragments=[str(number) for number in numbers])
        media: bytes = answer["Payload"].read()
        return media

    def _reader(self, api: str) -> Any:
        client = self.context.fresh_client("kinesis-video-archived-media", endpoint=self.endpoint(api))
        send_milliseconds(client)
        return client

    def _call(self, operation: Callable[..., Any], **request: Any) -> Any:
        return self.context.eventually(
            lambda: operation(StreamName=self.name, **request), _QUOTA_CODES, _QUOTA_SECONDS, "the stream's quota"
        )


@dataclass(frozen=True)
class Shot:
    """A fragment that was filmed, and how it is listed."""

    sent: Fragment
    listed: Listed

    @property
    def start_ms(self) -> int:
        """Its server timestamp."""
        return self.listed.start_ms


@dataclass(frozen=True)
class Film:
    """The filming that most probes share.

    Attributes:
        stream: Where it was sent.
        shots: All of it, in the order in which it was sent.
    """

    stream: VideoStream
    shots: Sequence[Shot]

    @property
    def row(self) -> Sequence[Shot]:
        """Fragments of two seconds, one right after the other by the camera's clock."""
        return self.shots[:6]

    @property
    def overlapping(self) -> Sequence[Shot]:
        """Two, of which the second begins before the first is over."""
        return self.shots[6:8]

    @property
    def other(self) -> Shot:
        """One of another size, and so with other codec private data."""
        return self.shots[8]

    @property
    def undeclared(self) -> Shot:
        """One without any."""
        return self.shots[9]

    @property
    def broken(self) -> Shot:
        """One whose first frame cannot be parsed."""
        return self.shots[10]

    @property
    def alone(self) -> Shot:
        """One of a single frame."""
        return self.shots[11]

    @property
    def repeating(self) -> Shot:
        """One that says the same time as `alone`."""
        return self.shots[12]


def film(context: Context) -> Film:
    """Film half a minute, each fragment in a call of its own, so that each has a server timestamp of its own."""
    stream = VideoStream(context, "film", 24)
    start_ms = now_ms() - 40_000
    greys = iter(range(20, 220, 15))

    def made(at_ms: int, frames: int, filming: Filming = FILMING) -> tuple[Fragment, Filming]:
        return filming.fragment(start_ms + at_ms, frames, grey=next(greys)), filming

    footage = [
        *(made(2000 * index, 10) for index in range(6)),
        made(12_000, 10),
        made(13_000, 10),
        made(16_000, 10, OTHER),
        made(20_000, 10, Filming(is_declared=False)),
        (_broken(made(24_000, 10)[0]), FILMING),
        made(28_000, 1),
        made(28_000, 1),
    ]
    numbers = [stream.send([fragment], filming)[0] for fragment, filming in footage]
    listed = stream.wait_listed(numbers)
    shots = [Shot(fragment, listed[number]) for number, (fragment, _) in zip(numbers, footage, strict=True)]
    if any(after.start_ms - before.start_ms < 4 for before, after in itertools.pairwise(shots)):
        raise CouldNotTell("fragments that were sent one after the other have server timestamps closer than 4 ms")
    return Film(stream, shots)


def _broken(fragment: Fragment) -> Fragment:
    """The fragment with a key frame whose first NAL unit says that it is longer than the frame."""
    # Behind the block's track, time and flags.
    at = fragment.cluster.index(b"\x81\x00\x00\x80") + 4
    return replace(fragment, cluster=fragment.cluster[:at] + b"\x00\xff\xff\xff" + fragment.cluster[at + 4 :])


@dataclass(frozen=True)
class Crowd:
    """A stream with more fragments than a clip takes, of two frames each; first and last start by server time."""

    stream: VideoStream
    numbers: Sequence[int]
    sent: Sequence[Fragment]
    start_ms: int
    end_ms: int


def crowd(context: Context) -> Crowd:
    """Send many fragments in one call, as fast as a stream takes them."""
    stream = VideoStream(context, "crowd", 24)
    start_ms = now_ms() - 1000 * CROWD
    sent = [_CROWD_FILMING.fragment(start_ms + 1000 * index, 2, grey=16 + index) for index in range(CROWD)]
    numbers = stream.send(sent, _CROWD_FILMING)
    starts = [one.start_ms for one in stream.wait_listed(numbers).values()]
    return Crowd(stream, numbers, sent, min(starts), max(starts))


def _no_pace(_: float) -> bool:
    return False


def now_ms() -> int:
    """The present moment by this machine's clock, which is that of AWS to a second or so."""
    return int(time.time() * 1000)


def greys_of(clip: bytes) -> list[int]:
    """The greys of a clip's frames, each once, in the order in which they are shown."""
    return list(dict.fromkeys(frame for frame, _ in frames_of(clip)))


def frames_of(clip: bytes) -> list[tuple[int, int]]:
    """Grey and time, in milliseconds from the beginning, of each frame of a clip."""
    try:
        with av.open(io.BytesIO(clip), "r") as container:
            frames = [(int(frame.to_ndarray()[0, 0]), frame.time) for frame in container.decode(video=0)]
    except av.FFmpegError as error:
        raise Differs(f"the clip of {len(clip)} bytes does not decode: {error}") from error
    return [(grey, round(1000 * (seconds or 0.0))) for grey, seconds in frames]


def refusal_of(call: Callable[[], object]) -> str:
    """With which code a call is refused; nothing where it is not."""
    try:
        call()
    except ClientError as error:
        return code_of(error)
    return ""


def expect_refusal(call: Callable[[], object], code: str, what: str) -> None:
    """Let a probe differ unless a call is refused with this code."""
    seen = refusal_of(call)
    if seen != code:
        raise Differs(f"{what} is {f'refused with {seen}' if seen else 'answered'}")


def _listed(one: Any) -> Listed:
    try:
        return Listed(
            int(one["FragmentNumber"]),
            epoch_ms(one["ServerTimestamp"]),
            epoch_ms(one["ProducerTimestamp"]),
            int(one["FragmentLengthInMilliseconds"]),
            int(one["FragmentSizeInBytes"]),
        )
    except KeyError as error:
        raise Differs(f"a fragment is listed without {error}") from error
