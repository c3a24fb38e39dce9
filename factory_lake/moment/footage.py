"""A camera's footage of a moment: the clip and the offset in it, or why there is none, in three calls to S3.

Keys sort by the time at which a clip's first fragment reached AWS, and a clip's metadata says when it begins by the
camera's own clock. So the keys near a moment tell where to look, and at most two objects which of them has it. A
camera that sends late, in a burst, has its clips elsewhere among the keys. Where three calls do not tell, the table of
clips is asked, which has each clip's times by both clocks.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from clip_fetch import keys
from clip_fetch.planning import MAX_FRAGMENT_MS
from factory_lake.camera.clips import ClipError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Whose time a moment is.
Clock = Literal["gateway", "camera", "arrival"]
#: What a camera has of a moment. Of one behind the archive's end (`behind`) the video stream tells whether its footage
#: waits there (`waiting`) or the camera was silent.
State = Literal["clip", "lost", "silent", "unclear", "behind", "waiting"]

#: What the table of clips has near a moment, by arrival or by the camera's clock: keys, and what the objects' metadata
#: say.
Index = Callable[[int, bool], Sequence[tuple[str, Mapping[str, str]]]]

#: Calls to S3 for one camera at most.
MOST_CALLS = 3
# How far before the moment a listing begins: first this far; nearer where a page of a thousand keys ends before the
# moment, and farther where nothing is there, as a clip spans less than a day.
_LOOKBACK_MS = 2 * 3_600_000
_NEAR_MS = 180_000
_FAR_MS = 24 * 3_600_000
_PIECE = 2**18


@dataclass(frozen=True)
class Footage:
    """What the archive has of a camera and a moment.

    Attributes:
        clock: Whose time told it: the camera's, or that of arrival at AWS.
        why: Why there is no footage, in words; empty where there is.
        key: Of the clip, or of the gap's record.
        offset_ms: Where the moment is in the clip, from its beginning.
        skew_ms: How much later than by the camera's clock the clip's first fragment arrived.
        approximate: Whether the clip's own times do not say exactly which frame it is.
        calls: To S3.
    """

    state: State
    clock: Literal["camera", "arrival"]
    why: str = ""
    key: str | None = None
    offset_ms: int | None = None
    skew_ms: int | None = None
    approximate: bool = False
    calls: int = 0


@dataclass(frozen=True)
class _Clip:
    """A clip on one clock."""

    key: str
    start_ms: int
    end_ms: int
    usual_ms: int  # how long its fragments are
    skew_ms: int | None
    is_matroska: bool


@dataclass(frozen=True)
class _Gap:
    """A gap record; its times are of arrival."""

    key: str
    from_ms: int
    to_ms: int
    flags: str


class CameraArchive:
    """Finds moments in one camera's archive.

    Args:
        s3: The client; it is asked for listings and objects alone.
        bucket: The clips bucket.
        prefix: What the camera's keys begin with.
        index: The camera's rows of the table of clips; None where there is no table to ask.
    """

    def __init__(self, s3: "S3Client", bucket: str, prefix: str, index: Index | None = None) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._index = index

    def find(self, at_ms: int, clock: Clock, copy: Path | None = None) -> Footage:
        """Tell what there is of a moment.

        The gateways' clock is taken for the camera's: both follow NTP, and arrival is later than either.

        Args:
            at_ms: The moment.
            clock: Whose time it is.
            copy: The file to write the clip to that has the moment.

        Raises:
            ClipError: When an object's metadata is not that of a clip or a gap record.
        """
        search = _Search(self._s3, self._bucket, self._prefix, at_ms, clock == "arrival", copy)
        return search.run(self._index)


class _Search:
    def __init__(
        self, s3: "S3Client", bucket: str, prefix: str, at_ms: int, by_arrival: bool, copy: Path | None
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._at_ms = at_ms
        self._by_arrival = by_arrival
        self._copy = copy
        self._calls = 0
        self._most = MOST_CALLS
        self._keys: list[keys.ArchivedKey] = []
        self._is_cut = False  # whether there are keys behind those of the page
        self._answers: dict[int, Any] = {}
        self._objects: dict[str, _Clip | _Gap] = {}

    def run(self, index: Index | None) -> Footage:
        if index is None:
            return self._by_keys()
        # The last call is for the clip that the table names, where that is wanted.
        self._most = MOST_CALLS - (self._copy is not None)
        found = self._by_keys()
        if found.state != "unclear":
            return found
        told = self._by_table(index(self._at_ms, self._by_arrival))
        if told is not None and told.state != "behind":
            return told
        # The newest clip has no row yet.
        self._most = MOST_CALLS
        found = self._by_keys()
        return found if told is None or found.state != "unclear" else told

    def _by_keys(self) -> Footage:
        self._list(_LOOKBACK_MS)
        if self._ends_early():
            self._list(_NEAR_MS)
            if self._ends_early() or not self._begins_before():
                return self._none("unclear", "too many objects lie near it to find its clip in three calls")
        elif not self._begins_before():
            has_later = bool(self._keys)
            self._list(_FAR_MS)
            if self._ends_early() or not (self._begins_before() or (self._keys and not self._by_arrival)):
                return self._none("silent" if has_later else "behind", "no clip begins in the hours before")
        at = bisect_right([one.start_ms for one in self._keys], self._at_ms) - 1
        at = max(at, 0)
        if self._is_over(at):
            return self._none("unclear", "more calls are not made")
        found = self._described(at)
        if isinstance(found, _Gap):
            return self._near_gap(at, found)
        return self._in(found) if self._holds(found, self._next_ms(at)) else self._beside(at, found)

    def _by_table(self, rows: Sequence[tuple[str, Mapping[str, str]]]) -> Footage | None:
        """What the table says; None where it does not say anything."""
        found = [self._object(key, metadata) for key, metadata in rows]
        clips = sorted((one for one in found if isinstance(one, _Clip)), key=lambda one: one.start_ms)
        following = [one.start_ms for one in clips[1:]]
        # Of two, such as of a camera whose clock was set back, the one that begins later.
        for clip, next_ms in reversed(list(zip_longest(clips, following))):
            if self._holds(clip, next_ms):
                if self._copy is not None:
                    self._fetched(clip.key, lambda _: True)
                return self._in(clip)
        gaps = [one for one in found if isinstance(one, _Gap)]
        for lost in filter(None, map(self._lost, gaps)):
            return lost
        if any(abs(one.skew_ms or 0) >= _FAR_MS for one in clips):
            return None  # what was filmed then arrived on other days
        later = [*(one.start_ms for one in clips), *(one.to_ms for one in gaps)]
        if any(self._at_ms < each for each in later):
            return self._none("silent", "no clip in the table of clips has it, and later ones are there")
        return self._none("behind", "the archive does not reach as far") if found else None

    def _is_over(self, at: int) -> bool:
        """Whether an object would take a call more than allowed."""
        return self._calls >= self._most and self._keys[at].key not in self._objects

    def _ends_early(self) -> bool:
        """Whether the page of keys ends before the moment, and others follow."""
        return self._is_cut and self._keys[-1].start_ms <= self._at_ms

    def _begins_before(self) -> bool:
        return bool(self._keys) and self._keys[0].start_ms <= self._at_ms

    def _near_gap(self, at: int, gap: _Gap) -> Footage:
        """A moment behind a gap record, which has the name of the last fragment before the gap or the first lost."""
        # By the camera's clock a clip has begun before its first fragment arrived.
        is_late = not self._by_arrival and 2 * self._at_ms >= gap.from_ms + gap.to_ms
        other = at + 1 if is_late else at - 1
        if 0 <= other < len(self._keys):
            if self._is_over(other):
                return self._none("unclear", f"near the gap record {gap.key}", gap.key)
            clip = self._described(other)
            if isinstance(clip, _Clip) and self._holds(clip, None):
                return self._in(clip)
        return self._lost(gap) or self._between(at, gap)

    def _beside(self, at: int, clip: _Clip) -> Footage:
        """Look at the object that is nearer to the moment than a clip which does not hold it."""
        before = self._at_ms < clip.start_ms
        other = at - 1 if before else at + 1
        if not self._by_arrival:
            # A camera whose clock is far off has its clips elsewhere among the keys.
            shifted = self._at_ms + (clip.skew_ms or 0)
            jump = bisect_right([one.start_ms for one in self._keys], shifted) - 1
            other = min(other, jump) if before else max(other, jump)
        if other < 0:
            return self._none("silent", f"the clip after it begins with {clip.key}")
        if other >= len(self._keys):
            if self._is_cut:
                return self._none("unclear", "the camera's clock is too far from that of arrival")
            return self._none("behind", "the archive does not reach as far", clip.key)
        if self._by_arrival and not before and not self._keys[other].key.endswith(".gap.json"):
            return self._none("silent", f"between {clip.key} and {self._keys[other].key}")
        if self._is_over(other):
            return self._none("unclear", f"it is not in {clip.key}, and more calls are not made", clip.key)
        found = self._described(other)
        if isinstance(found, _Gap):
            return self._lost(found) or self._none("unclear", f"near the gap record {found.key}", found.key)
        if self._holds(found, self._next_ms(other)):
            return self._in(found)
        first, second = sorted((clip, found), key=lambda one: one.start_ms)
        if abs(other - at) == 1 and first.end_ms <= self._at_ms < second.start_ms:
            return self._none("silent", f"between {first.key} and {second.key}")
        if other == len(self._keys) - 1 and not self._is_cut and self._at_ms >= found.end_ms:
            return self._none("behind", "the archive does not reach as far", found.key)
        return self._none("unclear", "the camera's clock is too far from that of arrival, or was set", found.key)

    def _between(self, at: int, gap: _Gap) -> Footage:
        """A moment behind the clip before a gap record, in which nothing is lost."""
        if self._goes_on(at):
            return self._none("silent", f"the archive goes on behind the gap record {gap.key}", gap.key)
        return self._none("behind", "the archive does not reach as far", gap.key)

    def _goes_on(self, at: int) -> bool:
        return self._is_cut or at + 1 < len(self._keys)

    def _next_ms(self, at: int) -> int | None:
        """When the next object begins by arrival."""
        return self._keys[at + 1].start_ms if at + 1 < len(self._keys) else None

    def _holds(self, clip: _Clip, next_ms: int | None) -> bool:
        if clip.start_ms <= self._at_ms < clip.end_ms:
            return True
        # Fragments of one footage do not arrive to the millisecond: the last frame of a clip stands until the next
        # clip, where that comes no later than a fragment would.
        stands = self._by_arrival and next_ms is not None and next_ms - clip.end_ms <= clip.usual_ms
        return stands and clip.end_ms <= self._at_ms < (next_ms or 0)

    def _in(self, clip: _Clip) -> Footage:
        return Footage(
            "clip",
            self._clock,
            key=clip.key,
            offset_ms=self._at_ms - clip.start_ms,
            skew_ms=clip.skew_ms,
            approximate=self._by_arrival or clip.is_matroska,
            calls=self._calls,
        )

    def _lost(self, gap: _Gap) -> Footage | None:
        if not gap.from_ms <= self._at_ms < gap.to_ms:
            return None
        why = f"{gap.flags}: footage of {keys.iso(gap.from_ms)} to {keys.iso(gap.to_ms)} is lost, at most"
        return self._none("lost", why, gap.key)

    def _none(self, state: State, why: str, key: str | None = None) -> Footage:
        return Footage(state, self._clock, why, key, calls=self._calls)

    @property
    def _clock(self) -> Literal["camera", "arrival"]:
        return "arrival" if self._by_arrival else "camera"

    def _list(self, lookback_ms: int) -> None:
        answer = self._answers.get(lookback_ms)
        if answer is None:
            self._calls += 1
            after = self._prefix + keys.time_stem(max(0, self._at_ms - lookback_ms))
            answer = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=f"{self._prefix}year=", StartAfter=after)
            self._answers[lookback_ms] = answer
        parsed = [keys.parse(item["Key"], self._prefix) for item in answer.get("Contents", [])]
        by_stem = {}
        for one in sorted((each for each in parsed if each is not None), key=lambda each: each.order):
            # Of one stem the object that ranks higher replaces the other, but a gap record follows its clip.
            by_stem[one.stem, one.key.endswith(".gap.json")] = one
        self._keys = list(by_stem.values())
        self._is_cut = bool(answer.get("IsTruncated")) and bool(self._keys)

    def _described(self, at: int) -> _Clip | _Gap:
        key = self._keys[at].key
        if key not in self._objects:
            self._objects[key] = self._fetched(
                key, lambda found: isinstance(found, _Clip) and self._holds(found, self._next_ms(at))
            )
        return self._objects[key]

    def _fetched(self, key: str, is_wanted: Callable[[_Clip | _Gap], bool]) -> _Clip | _Gap:
        """Read what an object is, and write the copy where that is wanted."""
        self._calls += 1
        place = f"s3://{self._bucket}/{key}"
        try:
            if self._copy is None:
                return self._object(key, self._s3.head_object(Bucket=self._bucket, Key=key)["Metadata"])
            # One call for the metadata and, where that says so, the clip.
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
            with closing(answer["Body"]) as body:
                found = self._object(key, answer["Metadata"])
                if is_wanted(found):
                    with self._copy.open("wb") as file:
                        for piece in body.iter_chunks(_PIECE):
                            file.write(piece)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                raise ClipError(place, "must be an object; it was deleted meanwhile") from error
            raise
        except (KeyError, ValueError) as error:
            raise ClipError(place, f"must have a clip's metadata ({error})") from error
        return found

    def _object(self, key: str, metadata: Mapping[str, str]) -> _Clip | _Gap:
        """Read an object's metadata, on the clock of the search.

        Raises:
            KeyError, ValueError: When it is no clip's and no gap record's.
        """
        if metadata["format"] == keys.GAP:
            resume_ms = keys.parse_iso(metadata["resume-start"])
            return _Gap(key, resume_ms - int(metadata["lost-ms"]), resume_ms, metadata["flags"])
        arrived_ms, ended_ms = keys.parse_iso(metadata["start"]), keys.parse_iso(metadata["end"])
        own = metadata.get("producer-start")
        own_ms = None if own is None else keys.parse_iso(own)
        start_ms = arrived_ms if self._by_arrival or own_ms is None else own_ms
        # The end in the metadata is without the last frame, which has no listed length; the file has it.
        length_ms = int(metadata["duration-ms"]) or ended_ms - arrived_ms
        end_ms = start_ms + max(length_ms, ended_ms - arrived_ms if self._by_arrival else 0)
        usual_ms = min(MAX_FRAGMENT_MS, length_ms // max(1, int(metadata["fragments"])))
        skew_ms = None if own_ms is None else arrived_ms - own_ms
        return _Clip(key, start_ms, end_ms, usual_ms, skew_ms, metadata["format"] == keys.MKV)
