"""The archive's layout: object keys, and the metadata that makes the archive its own checkpoint.

``factory=<id>/camera=<id>/year=YYYY/month=MM/day=DD/<start>Z-<first fragment number>.mp4``

Keys of one camera sort by time. A key is a function of the clip's first fragment alone, never of its length
or content, so two runs that would archive the same fragment first collide, whatever their settings: the
second put is refused.

The key of a clip that can only be kept as Matroska ends in ``.mkv``. It would not collide with the MP4 file
that another run may be about to put, so before it a record takes the place of that file: a gap record under
the key in ``.mp4``, which says that the archive goes on with the same fragment, as Matroska. From then on all
runs collide at the key in ``.mkv``. (Until there was this rule, Matroska lay under the keys in ``.mp4``;
content type and ``format`` tell.)
"""

from __future__ import annotations

import datetime
import re
from typing import Mapping, NamedTuple

from .model import Fragment, Position, Stream
from .planning import Clip

_STEM = r"year=\d{4}/month=\d\d/day=\d\d/(?P<start>\d{8}T\d{6}\.\d{3})Z-(?P<number>[0-9]{1,128})"
_KEY = re.compile(_STEM + r"\.(?P<kind>mp4|mkv|gap\.json)")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

#: What an object holds: a clip in one of two formats, or a gap record.
MP4 = "mp4"
MKV = "mkv"
GAP = "gap"

#: How a key ends. Of keys of one stem the later ones here say more of how far the archive reaches.
_ENDINGS = {MP4: ".mp4", MKV: ".mkv", GAP: ".gap.json"}
_RANKS = {ending[1:]: rank for rank, ending in enumerate(_ENDINGS.values())}

#: Media types, by what an object holds.
CONTENT_TYPES = {MP4: "video/mp4", MKV: "video/x-matroska", GAP: "application/json"}


def camera_prefix(factory: str, camera: str) -> str:
    """Return what the keys of one camera begin with."""
    return f"factory={factory}/camera={camera}/"


def begin_token(stream: Stream) -> str:
    """Return where an empty archive keeps what it begins with, relative to the camera's prefix.

    A stream that was deleted and made again begins anew, so the name tells which of the two it is.
    """
    return f"_begin-{stream.created_ms}.json"


def time_stem(at_ms: int) -> str:
    """Return the part of a key that tells the time; it sorts as text in the order of time."""
    at = _EPOCH + datetime.timedelta(milliseconds=at_ms)
    return at.strftime("year=%Y/month=%m/day=%d/%Y%m%dT%H%M%S.") + f"{at.microsecond // 1000:03d}"


def stem(start_ms: int, number: int) -> str:
    """Return a key without camera and extension."""
    return f"{time_stem(start_ms)}Z-{number}"


def clip_token(first: Fragment, file_format: str = MP4) -> str:
    """Return the key of the clip that begins with this fragment, relative to the camera's prefix."""
    return stem(first.start_ms, first.number) + _ENDINGS[file_format]


class ArchivedKey(NamedTuple):
    """A key of the archive, taken apart.

    Attributes:
        rank: Among keys of the same stem: a clip as MP4 or what took its place, the same as Matroska, and the
            gap record that follows them.
    """

    key: str
    start_ms: int
    number: int
    rank: int

    @property
    def stem(self) -> str:
        """The key without camera and extension."""
        return stem(self.start_ms, self.number)

    @property
    def order(self) -> tuple[int, int, int]:
        """Sorts by time, then by number as an integer, then by rank."""
        return (self.start_ms, self.number, self.rank)


def parse(key: str, prefix: str) -> ArchivedKey | None:
    """Take a key apart; None when it is not one of this archive's."""
    if not key.startswith(prefix):
        return None
    match = _KEY.fullmatch(key[len(prefix) :])
    if match is None:
        return None
    try:
        at = datetime.datetime.strptime(match["start"] + "+0000", "%Y%m%dT%H%M%S.%f%z")
    except ValueError:
        return None
    start_ms = (at - _EPOCH) // datetime.timedelta(milliseconds=1)
    return ArchivedKey(key, start_ms, int(match["number"]), _RANKS[match["kind"]])


def iso(at_ms: int) -> str:
    """Return a time as people and query engines read it."""
    return (_EPOCH + datetime.timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_iso(text: str) -> int:
    """Return the inverse of :func:`iso`; raise ValueError where it is not such a time."""
    at = datetime.datetime.strptime(text[:-1] + "+0000", "%Y-%m-%dT%H:%M:%S.%f%z")
    return (at - _EPOCH) // datetime.timedelta(milliseconds=1)


def clip_metadata(
    stream: Stream, clip: Clip, clip_ms: int, file_format: str, duration_ms: int, flags: str, run: str
) -> dict[str, str]:
    """Object metadata of a clip.

    ``end`` is where its last fragment ends; ``flags`` is absent from a clip that is as it should be.
    """
    metadata = _stream_metadata(stream, run)
    metadata.update(
        {
            "format": file_format,
            "first-fragment": str(clip.first.number),
            "last-fragment": str(clip.last.number),
            "start": iso(clip.first.start_ms),
            "last-start": iso(clip.latest_ms),
            "end": iso(clip.last.end_ms),
            "producer-start": iso(clip.first.producer_ms),
            "fragments": str(len(clip.fragments)),
            "duration-ms": str(duration_ms),
            "clip-seconds": str(clip_ms // 1000),
            "cut": clip.cut,
        }
    )
    if flags:
        metadata["flags"] = flags
    return metadata


def gap_metadata(
    stream: Stream, resume: int, resume_ms: int, lost_ms: int, flags: str, run: str, file_format: str = MP4
) -> dict[str, str]:
    """Object metadata of a gap record: the archive goes on with fragment ``resume``, which starts at ``resume_ms``.

    A number of 0 stands for the first that starts then or later. Footage of ``lost_ms`` before it may be lost,
    at most. The format is ``MKV`` if the clip that begins with that fragment must be kept as Matroska.
    """
    metadata = _stream_metadata(stream, run)
    metadata.update(
        {
            "format": GAP,
            "resume-fragment": str(resume),
            "resume-start": iso(resume_ms),
            "lost-ms": str(lost_ms),
            "flags": flags,
        }
    )
    if file_format != MP4:
        metadata["resume-format"] = file_format
    return metadata


def _stream_metadata(stream: Stream, run: str) -> dict[str, str]:
    return {"stream": stream.name, "stream-created": iso(stream.created_ms), "run": run}


def position_after(stem_of_key: str, metadata: Mapping[str, str]) -> Position | None:
    """Tell how far an archive reaches whose newest object has this metadata.

    Args:
        stem_of_key: The object's key without camera and extension; a clip's metadata must agree with it.
        metadata: As S3 returned it.

    Returns:
        None when the metadata does not say: the object is not one that this function wrote.
    """
    try:
        if metadata["format"] == GAP:
            return _position_after_gap(
                int(metadata["resume-fragment"]),
                parse_iso(metadata["resume-start"]),
                metadata.get("resume-format", MP4),
            )
        last, last_ms = int(metadata["last-fragment"]), parse_iso(metadata["last-start"])
        named = stem(parse_iso(metadata["start"]), int(metadata["first-fragment"]))
        end_ms = parse_iso(metadata["end"])
    except (KeyError, ValueError):
        return None
    if named != stem_of_key:
        return None
    return position_after_clip(last, last_ms, end_ms)


def position_after_clip(last: int, last_ms: int, end_ms: int) -> Position:
    """Return the position behind a clip whose last fragment has this number, start and end."""
    return Position(
        number=last,
        start_ms=last_ms,
        end_ms=end_ms,
        previous_ms=last_ms,
        expected=None,
        token=stem(last_ms, last) + _ENDINGS[GAP],
    )


def _position_after_gap(resume: int, resume_ms: int, file_format: str) -> Position:
    # Fragments just before the one that is named may still be retained, so no bound may reach below its
    # start: that is what a "previous" start of one millisecond less comes to.
    return Position(
        number=resume - 1,
        start_ms=resume_ms,
        end_ms=resume_ms,
        previous_ms=resume_ms - 1,
        expected=resume or None,
        token=stem(resume_ms, resume) + _ENDINGS[file_format if resume else GAP],
    )


def expected_format(position: Position | None, first: Fragment) -> str:
    """Return the format of the clip that begins with this fragment, so that all runs collide at one key."""
    if position is None or position.expected != first.number:
        return MP4
    return MKV if position.token.endswith(_ENDINGS[MKV]) else MP4
