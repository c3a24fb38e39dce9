"""What Kinesis Video Streams' archived media does with fragments, as a model without I/O.

One implementation for two users: the HTTP service of the local cloud puts real media behind it, the fault
histories run thousands of simulated cameras over it. It knows fragments by number, time, length and size and
never touches their bytes; the caller passes the time in, so nothing here waits or reads a clock.

Sources, by short name as the comments below use them:

* *model*: the API model ``kinesis-video-archived-media`` 2017-09-30 that botocore ships.
* *quotas*: "Amazon Kinesis Video Streams service quotas" in the developer guide.
* *seen*: behaviour that users reported in public issue threads and that no page documents.

Where the sources leave a point open, :class:`Policy` says so and lets the caller choose; the defaults are the
readings that are hardest on a client.

Errors::

    KinesisVideoError                       code, HTTP status, message
    ├── ResourceNotFoundError                    404
    ├── InvalidArgumentError                     400
    ├── ClientLimitExceededError                 400
    ├── NoDataRetentionError                     400
    └── MediaError                          400, one of the four ways in which a clip cannot be made
        ├── UnsupportedStreamMediaTypeError
        ├── MissingCodecPrivateDataError
        ├── InvalidCodecPrivateDataError
        └── InvalidMediaFrameError
"""

from __future__ import annotations

import base64
import binascii
import bisect
import enum
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

DAY_MS = 24 * 3600 * 1000
HOUR_MS = 3600 * 1000

CLIP_FRAGMENTS = 200  # model, GetClipOutput.Payload
CLIP_BYTES = 100 * 10**6  # model, the same place; "MB" read as the smaller of its two meanings
CLIP_RANGE_MS = DAY_MS  # model, ClipTimestampRange.EndTimestamp
LIST_RESULTS = 1000  # model, ListFragmentsMaxResults
MEDIA_LIST = 1000  # model, FragmentNumberList

# model, GetClip: codec ID of track 1. The model writes V_MPEG/ISO/AVC, but Matroska's own ID of H.264, which
# every producer sends, has a 4 in it.
VIDEO_CODECS = frozenset({"V_MPEG/ISO/AVC", "V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC"})
AUDIO_CODECS = frozenset({"A_AAC", "A_MS/ACM"})  # model, GetClip: codec ID of track 2


class KinesisVideoError(Exception):
    """A refusal as the service words it: an error code, an HTTP status and a message."""

    status: ClassVar[int] = 400

    @property
    def code(self) -> str:
        """The service's name of the error."""
        return f"{type(self).__name__.removesuffix('Error')}Exception"


class ResourceNotFoundError(KinesisVideoError):
    """No such stream, or no fragment in the range: the service uses one class for both."""

    status = 404


class InvalidArgumentError(KinesisVideoError):
    """A parameter breaks a rule, or its range lies beyond the retention period."""


class ClientLimitExceededError(KinesisVideoError):
    """The stream's quota for this second is used up."""


class NoDataRetentionError(KinesisVideoError):
    """The stream retains nothing: its data retention is 0 hours."""


class MediaError(KinesisVideoError):
    """The fragments are there, but GetClip cannot make one clip of them."""


class UnsupportedStreamMediaTypeError(MediaError):
    """A codec ID that GetClip does not take, or tracks that change within the clip."""


class MissingCodecPrivateDataError(MediaError):
    """A track of a fragment has no codec private data."""


class InvalidCodecPrivateDataError(MediaError):
    """The codec private data changes within the clip."""


class InvalidMediaFrameError(MediaError):
    """A frame of a fragment cannot be parsed as its codec says."""


class Origin(enum.Enum):
    """Which of a fragment's two timestamps a range speaks of."""

    SERVER = "SERVER_TIMESTAMP"
    PRODUCER = "PRODUCER_TIMESTAMP"


@dataclass(frozen=True)
class Range:
    """A timestamp range, both ends inclusive, in epoch milliseconds.

    Times may be fractions of a millisecond; fragments' own times are whole milliseconds, so a fraction only
    decides on which side of a fragment's start the end lies.
    """

    start_ms: float
    end_ms: float
    origin: Origin = Origin.SERVER


@dataclass(frozen=True)
class Track:
    """One Matroska track of a fragment: its codec ID and its codec private data (empty when it has none)."""

    codec_id: str = "V_MPEG/ISO/AVC"
    private: bytes = b"\x01"


VIDEO_ONLY = (Track(),)


@dataclass(frozen=True)
class Fragment:
    """A fragment that has been stored.

    Attributes:
        number: Grows with ingestion; on the wire a decimal string of up to 128 digits.
        server_ms: When its first byte arrived, epoch milliseconds.
        producer_ms: The producer's own time of its first frame, epoch milliseconds.
        length_ms: Playback duration.
        size: Bytes, as ListFragments reports them.
        persisted_ms: From when GetClip finds it.
        listed_ms: From when ListFragments shows it: later than ``persisted_ms``, by the listing lag.
        tracks: Track 1 is the video.
        readable: False when a frame does not parse.
        last_frame_ms: The part of ``length_ms`` for which the frame that comes last is shown; all of it where
            the fragment has one frame.
    """

    number: int
    server_ms: int
    producer_ms: int
    length_ms: int
    size: int
    persisted_ms: int
    listed_ms: int
    tracks: tuple[Track, ...] = VIDEO_ONLY
    readable: bool = True
    last_frame_ms: int = 40

    @property
    def listed_length_ms(self) -> int:
        """FragmentLengthInMilliseconds: from its first frame to its last, whose own duration is missing.

        Seen; so a fragment of one frame is listed with length 0.
        """
        return max(0, self.length_ms - self.last_frame_ms)

    def time_ms(self, origin: Origin) -> int:
        """Its start on the clock that a range speaks of."""
        return self.server_ms if origin is Origin.SERVER else self.producer_ms


@dataclass(frozen=True)
class Quotas:
    """Points per second that one stream allows (quotas, "Archived media API service quotas")."""

    metadata_points: int = 10_000
    media_points: int = 500


@dataclass(frozen=True)
class Policy:
    """The points on which the documents are silent or contradict what was seen.

    Attributes:
        early_list_is_empty: ListFragments with a start before the stream's creation, or before the last change of its
            retention, answers an empty list (a maintainer's word of 2018; unconfirmed whether it still does).
        head_refused: GetClip refuses a server-time start before the oldest moment retained (the model says
            that the start "must be later than the stream head").
        dedupe_server_clips: GetClip drops duplicate producer timestamps also when the range is in server time
            (the model's page on ClipFragmentSelector does not limit it to producer time).
        short_pages: A page of ListFragments may hold fewer fragments than asked and still have a successor
            (no source promises full pages).
    """

    early_list_is_empty: bool = True
    head_refused: bool = True
    dedupe_server_clips: bool = True
    short_pages: bool = True


class PointBucket:
    """Points that refill evenly, at most one second's worth in hand."""

    def __init__(self, per_second: int) -> None:
        self._rate = per_second
        self._points = float(per_second)
        self._at_ms: float | None = None

    def take(self, points: int, now_ms: float, what: str) -> None:
        """Spend points.

        Raises:
            ClientLimitExceededError: There are not so many; none are spent.
        """
        if self._at_ms is not None and now_ms > self._at_ms:
            self._points = min(self._rate, self._points + (now_ms - self._at_ms) * self._rate / 1000)
        self._at_ms = max(now_ms, self._at_ms or now_ms)
        if points > self._points:
            raise ClientLimitExceededError(f"Rate of {what} exceeds {self._rate} points a second for this stream.")
        self._points -= points


@dataclass(frozen=True)
class Page:
    """One page of ListFragments: fragments in no order, and the token of the next page or None."""

    fragments: list[Fragment]
    next_token: str | None


@dataclass(frozen=True)
class Chunk:
    """One answer of GetMediaForFragmentList: the fragment, or the error code of its exception tag."""

    number: int
    fragment: Fragment | None
    error_code: int = 0


FRAGMENT_NOT_FOUND = 4000  # developer guide, "Fragment-level error codes" of the archived-media reader APIs


@dataclass
class Stream:
    """The archived media of one stream.

    Attributes:
        name: Stream name; part of every token, so that one stream's token is refused by another.
        created_ms: Creation time, epoch milliseconds.
        retention_ms: Data retention; 0 retains nothing.
        salt: Varies the order of listings between streams and runs.
    """

    name: str
    created_ms: int
    retention_ms: int
    quotas: Quotas = field(default_factory=Quotas)
    policy: Policy = field(default_factory=Policy)
    salt: str = ""

    def __post_init__(self) -> None:
        self.changed_ms: float = self.created_ms  # when its retention was last changed
        self._fragments: list[Fragment] = []  # by number
        self._known: set[int] = set()  # all numbers ever given out, expired ones too
        self._metadata = PointBucket(self.quotas.metadata_points)
        self._media = PointBucket(self.quotas.media_points)

    # -- what the producer side and the operator do

    def add(self, fragment: Fragment) -> None:
        """Store a fragment.

        Raises:
            ValueError: Its number does not grow, or its server time goes back.
        """
        if self._fragments:
            last = self._fragments[-1]
            if fragment.number <= last.number:
                raise ValueError(f"fragment number {fragment.number} must be above {last.number}")
            if fragment.server_ms < last.server_ms:
                raise ValueError(f"server time {fragment.server_ms} must not be before {last.server_ms}")
        self._fragments.append(fragment)
        self._known.add(fragment.number)

    def horizon_ms(self, now_ms: float) -> float:
        """The oldest server time that is still retained."""
        return now_ms - self.retention_ms

    def expire(self, now_ms: float) -> list[Fragment]:
        """Forget what retention no longer covers and return it, so that its owner can delete the media."""
        horizon = self.horizon_ms(now_ms)
        keep_from = bisect.bisect_left(self._fragments, horizon, key=lambda f: f.server_ms)
        gone, self._fragments = self._fragments[:keep_from], self._fragments[keep_from:]
        return gone

    def retain(self, retention_ms: int, now_ms: float) -> list[Fragment]:
        """Change the retention; what a shorter one no longer covers is gone at once, and returned."""
        gone = self.expire(now_ms)
        self.retention_ms = retention_ms
        self.changed_ms = now_ms
        return gone + self.expire(now_ms)

    def retained(self, now_ms: float) -> list[Fragment]:
        """All fragments that are stored and not expired, in number order."""
        self.expire(now_ms)
        return [f for f in self._fragments if f.persisted_ms <= now_ms]

    # -- the reader APIs

    def list_fragments(
        self,
        now_ms: float,
        selector: Range | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Page:
        """ListFragments.

        Args:
            now_ms: The current time.
            selector: Required without a token, ignored with one.
            max_results: 1..1000; it is also what the call costs of the metadata quota.
            next_token: From the page before.

        Raises:
            InvalidArgumentError: No selector and no token, a bad token, or a range whose end lies before its
                start or before the retention period.
            ClientLimitExceededError: The metadata quota is used up.
        """
        limit = LIST_RESULTS if max_results is None else max_results
        if not 1 <= limit <= LIST_RESULTS:
            raise InvalidArgumentError(f"MaxResults {limit} must be in 1..{LIST_RESULTS}.")
        self._metadata.take(limit, now_ms, "archived media metadata requests")
        after = ""
        if next_token is not None:
            selector, after = self._open_token(next_token)
        elif selector is None:
            raise InvalidArgumentError("Either FragmentSelector or NextToken must be given.")
        else:
            self._check_list_range(selector, now_ms)
        if self.policy.early_list_is_empty and selector.start_ms < max(self.created_ms, self.changed_ms):
            return Page([], None)
        matching = (f for f in self._in_range(selector, now_ms) if f.listed_ms <= now_ms)
        ranked = sorted((self._rank(f.number, selector), f) for f in matching)
        rest = [(rank, f) for rank, f in ranked if rank > after]
        size = self._page_size(limit, after)
        page = rest[:size]
        more = len(rest) > size
        return Page([f for _, f in page], self._seal_token(selector, page[-1][0]) if more else None)

    def get_clip(self, now_ms: float, selector: Range) -> list[Fragment]:
        """GetClip: the fragments that the clip is made of, in playing order.

        Truncated silently to the first 200 fragments or 100 MB of the range.

        Raises:
            NoDataRetentionError: The stream retains nothing.
            InvalidArgumentError: The range breaks a rule, or ends before the retention period (server time).
            ResourceNotFoundError: No fragment starts in the range.
            MediaError: The fragments cannot be one clip.
            ClientLimitExceededError: The metadata or the media quota is used up.
        """
        if self.retention_ms == 0:
            raise NoDataRetentionError(f"Stream {self.name} has a data retention of 0 hours.")
        self._check_clip_range(selector, now_ms)
        fragments = self._first_of(self._clip_candidates(selector, now_ms))
        if not fragments:
            raise ResourceNotFoundError("No fragments found in the stream for the clip request.")
        self._metadata.take(len(fragments), now_ms, "archived media metadata requests")
        self._media.take(len(fragments), now_ms, "fragment media requests")
        check_media(fragments)
        return fragments

    def get_media(self, now_ms: float, numbers: Sequence[int]) -> list[Chunk]:
        """GetMediaForFragmentList: one chunk a number, in the order asked.

        A fragment that has expired meanwhile answers with an exception tag in its place (model,
        GetMediaForFragmentListOutput.Payload).

        Raises:
            InvalidArgumentError: None or more than 1000 numbers, or one that this stream never gave out (seen).
            ResourceNotFoundError: None of the fragments is retained.
            ClientLimitExceededError: The media quota is used up.
        """
        if not 1 <= len(numbers) <= MEDIA_LIST:
            raise InvalidArgumentError(f"Fragments holds {len(numbers)} numbers; 1..{MEDIA_LIST} are allowed.")
        if any(number not in self._known for number in numbers):
            raise InvalidArgumentError("Fragment numbers are invalid.")
        self._media.take(len(numbers), now_ms, "fragment media requests")
        there = {f.number: f for f in self.retained(now_ms)}
        chunks = [Chunk(n, there[n]) if n in there else Chunk(n, None, FRAGMENT_NOT_FOUND) for n in numbers]
        if all(chunk.fragment is None for chunk in chunks):
            raise ResourceNotFoundError("The requested fragments are not found.")
        return chunks

    # -- rules

    def _check_list_range(self, selector: Range, now_ms: float) -> None:
        if selector.end_ms < selector.start_ms:
            raise InvalidArgumentError("EndTimestamp must not be before StartTimestamp.")
        self._check_retention(selector, now_ms)

    def _check_clip_range(self, selector: Range, now_ms: float) -> None:
        if selector.end_ms <= selector.start_ms:
            raise InvalidArgumentError("EndTimestamp must be later than StartTimestamp.")
        if selector.end_ms - selector.start_ms > CLIP_RANGE_MS:
            raise InvalidArgumentError("EndTimestamp must be within 24 hours of StartTimestamp.")
        if selector.origin is Origin.SERVER and selector.end_ms >= now_ms:
            raise InvalidArgumentError("EndTimestamp must be in the past.")
        self._check_retention(selector, now_ms)
        if (
            self.policy.head_refused
            and selector.origin is Origin.SERVER
            and selector.start_ms < self.horizon_ms(now_ms)
        ):
            raise InvalidArgumentError("StartTimestamp must be later than the stream head.")

    def _check_retention(self, selector: Range, now_ms: float) -> None:
        # Seen: server time answers 400, producer time finds nothing (an empty list, or GetClip's 404).
        if selector.origin is Origin.SERVER and selector.end_ms < self.horizon_ms(now_ms):
            raise InvalidArgumentError(
                f"End timestamp {int(selector.end_ms)} is outside of the stream retention period."
            )

    def _in_range(self, selector: Range, now_ms: float) -> list[Fragment]:
        self.expire(now_ms)
        found = self._fragments
        if selector.origin is Origin.SERVER:  # the order in which they lie, so no need to look at each
            low = bisect.bisect_left(found, selector.start_ms, key=lambda f: f.server_ms)
            found = found[low : bisect.bisect_right(found, selector.end_ms, key=lambda f: f.server_ms)]
        else:
            found = [f for f in found if selector.start_ms <= f.producer_ms <= selector.end_ms]
        return [f for f in found if f.persisted_ms <= now_ms]

    def _clip_candidates(self, selector: Range, now_ms: float) -> list[Fragment]:
        found = sorted(self._in_range(selector, now_ms), key=lambda f: (f.time_ms(selector.origin), f.number))
        if selector.origin is Origin.SERVER and not self.policy.dedupe_server_clips:
            return found
        return without_duplicates(found)

    @staticmethod
    def _first_of(fragments: list[Fragment]) -> list[Fragment]:
        taken: list[Fragment] = []
        size = 0
        for fragment in fragments[:CLIP_FRAGMENTS]:
            size += fragment.size
            if taken and size > CLIP_BYTES:
                break
            taken.append(fragment)
        return taken

    # -- pages in no order: by a hash of the fragment number, which is the token's place as well

    def _rank(self, number: int, selector: Range) -> str:
        key = f"{self.salt}/{self.name}/{selector.start_ms}/{number}"
        return hashlib.blake2b(key.encode(), digest_size=8).hexdigest()

    def _page_size(self, limit: int, after: str) -> int:
        if not self.policy.short_pages:
            return limit
        draw = hashlib.blake2b(f"{self.salt}/{after}/page".encode(), digest_size=2).digest()
        return limit if draw[0] < 192 else max(1, limit * draw[1] // 256)

    def _seal_token(self, selector: Range, last: str) -> str:
        body = [self.name, selector.start_ms, selector.end_ms, selector.origin.value, last]
        return base64.b64encode(json.dumps(body).encode()).decode()

    def _open_token(self, token: str) -> tuple[Range, str]:
        try:
            name, start, end, origin, last = json.loads(base64.b64decode(token, validate=True))
            selector = Range(start, end, Origin(origin))
        except (binascii.Error, ValueError, TypeError) as error:
            raise InvalidArgumentError("NextToken is invalid.") from error
        if name != self.name or not isinstance(last, str):
            raise InvalidArgumentError("NextToken is invalid.")
        return selector, last


def without_duplicates(fragments: Sequence[Fragment]) -> list[Fragment]:
    """Of fragments with one producer timestamp keep the oldest ingested (model, ClipFragmentSelector)."""
    oldest: dict[int, int] = {}
    for fragment in fragments:
        known = oldest.get(fragment.producer_ms)
        if known is None or fragment.number < known:
            oldest[fragment.producer_ms] = fragment.number
    return [f for f in fragments if oldest[f.producer_ms] == f.number]


def check_media(fragments: Sequence[Fragment]) -> None:
    """Refuse fragments that GetClip cannot join (model, GetClip: requirements and error list).

    That a change of tracks answers UnsupportedStreamMediaType is an assumption: the model names no class.

    Raises:
        MediaError: The first rule that the fragments break.
    """
    first = fragments[0]
    for fragment in fragments:
        ids = tuple(track.codec_id for track in fragment.tracks)
        if not ids or ids[0] not in VIDEO_CODECS or any(i not in AUDIO_CODECS for i in ids[1:2]):
            raise UnsupportedStreamMediaTypeError(f"Fragment {fragment.number} has tracks that are not supported.")
        if ids != tuple(track.codec_id for track in first.tracks):
            raise UnsupportedStreamMediaTypeError(f"The tracks change at fragment {fragment.number}.")
        if any(not track.private for track in fragment.tracks):
            raise MissingCodecPrivateDataError(f"Fragment {fragment.number} has a track without codec private data.")
        if fragment.tracks != first.tracks:
            raise InvalidCodecPrivateDataError(f"The codec private data changes at fragment {fragment.number}.")
        if not fragment.readable:
            raise InvalidMediaFrameError(f"A frame of fragment {fragment.number} cannot be parsed.")
