"""Download a clip and check what came.

What GetClip returns is believed only when its duration agrees.
"""

from __future__ import annotations

from typing import NamedTuple, Sequence

from . import mp4, planning
from .deadline import Deadline
from .errors import GONE_CODES, MEDIA_CODES, DeadlineExceededError, InvalidMediaError, StaleStateError, code_of
from .model import Fragment, Stream
from .mp4 import Playback
from .planning import Clip
from .spool import SpooledFile
from .throughput import Throughput
from .video import Video

#: Footage that expires sooner than this is not begun with: it would be gone before it is downloaded.
HEADROOM_MS = 30_000

#: A download may end early without an error, when the answer did not say how long it is.
MAX_DOWNLOADS = 3


class Part(NamedTuple):
    """Media on disk.

    Attributes:
        clip: What it holds: the requested clip or its beginning.
        file_format: One of those in ``keys``.
        duration_ms: As the file says; 0 where it does not.
        problem: Why it is not as it should be; empty when it is.
    """

    clip: Clip
    file: SpooledFile
    file_format: str
    duration_ms: int
    problem: str


class CheckResult(NamedTuple):
    """What a download turned out to be.

    Attributes:
        problem: Empty when it is the requested clip.
        differs: Whether the problem is its duration.
    """

    duration_ms: int = 0
    problem: str = ""
    differs: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is the requested clip."""
        return not self.problem


class Downloader:
    """Downloads clips of one stream."""

    def __init__(self, stream: Stream, video: Video, deadline: Deadline, throughput: Throughput) -> None:
        self._stream = stream
        self._video = video
        self._deadline = deadline
        self._throughput = throughput

    def attempt(self, clip: Clip, file: SpooledFile) -> CheckResult:
        """Download the clip and check it.

        Raises:
            StaleStateError: It came incomplete because its fragments expire.
        """
        try:
            result = self._download(clip, file)
        except Exception as error:
            code = code_of(error)
            if code not in MEDIA_CODES and code not in GONE_CODES:
                raise
            if code in GONE_CODES:
                self.check_still_there(clip)
            result = CheckResult(problem=code)
        if not result.is_whole and self._remaining_ms(clip) <= 0:
            raise StaleStateError
        return result

    def _download(self, clip: Clip, file: SpooledFile) -> CheckResult:
        problem = ""
        for _ in range(MAX_DOWNLOADS):
            self._video.get_clip(clip.range_ms, file)
            try:
                return check_playback(clip, mp4.playback(file.rewound(), file.size))
            except InvalidMediaError as error:
                problem = error.reason
        return CheckResult(problem=problem)

    def probe(self, clip: Clip, file: SpooledFile) -> CheckResult:
        """Download and check as :meth:`attempt` does; raise ``DeadlineExceededError`` if there is no time."""
        if not self._throughput.affords(clip.size):
            raise DeadlineExceededError
        return self.attempt(clip, file)

    def check_still_there(self, clip: Clip) -> None:
        """Raise ``StaleStateError`` where footage expires, which is no footage that cannot be read."""
        if self._remaining_ms(clip) < HEADROOM_MS:
            raise StaleStateError
        try:
            there = {each.number for each in self._video.list_fragments(clip.start_ms, clip.latest_ms)}
        except Exception as error:
            if code_of(error) not in GONE_CODES:
                raise
            raise StaleStateError from error
        if any(each.number not in there for each in clip.fragments):
            raise StaleStateError

    def _remaining_ms(self, clip: Clip) -> int:
        return self._stream.remaining_retention_ms(clip.first, self._deadline.now_ms())


def check_playback(clip: Clip, found: Playback) -> CheckResult:
    """Tell whether an MP4 that plays like this can hold the clip's fragments, all of them and no other.

    Every fragment has a frame, and one that is listed with length 0 has no other: of a clip of such fragments
    the number of frames tells. Of any other clip the duration tells.
    """
    fragments = clip.fragments
    if found.frames < len(fragments):
        fits = False
    elif not any(fragment.length_ms for fragment in fragments):
        fits = found.frames == len(fragments)
    else:
        fits = _fits(fragments, found)
    return CheckResult(found.duration_ms) if fits else CheckResult(found.duration_ms, "duration", differs=True)


def _fits(fragments: Sequence[Fragment], found: Playback) -> bool:
    """Tell whether the duration is that of these fragments; some have several frames.

    A fragment plays for its listed length and its last frame, which that lacks. The service may show the last
    frames as long as the camera did, about as long as the clip's other frames; or until the next fragment, so
    that the clip keeps the pauses and plays for the time from first to last on the camera's clock; or for a
    time of its own, the same for all. Half a fragment beyond what that comes to is a fragment too few or too
    many. What is listed is rounded to milliseconds, for each fragment.
    """
    count = len(fragments)
    several = [fragment.length_ms for fragment in fragments if fragment.length_ms]
    listed_ms = sum(several)
    frame_ms = listed_ms / (found.frames - count) if found.frames > count else 0.0
    joined_ms = listed_ms + len(several) * frame_ms
    kept_ms = fragments[-1].producer_ms + fragments[-1].length_ms - fragments[0].producer_ms
    tolerance_ms = max((min(several) + frame_ms) / 2, count)
    steps_ms = [after.producer_ms - each.producer_ms for each, after in planning.successions(fragments)]
    # A lone frame may be shown for as long as a fragment can last, or until the next; the clip's last one for
    # as long as another of its fragment, which the file then holds as well.
    alone_ms = max([planning.MAX_FRAGMENT_MS, *steps_ms])
    last_ms = max(frame_ms, min(fragments[-1].length_ms, max(each_ms for each_ms, _ in found.often_ms)))
    most_ms = max(joined_ms, kept_ms + last_ms) + (count - len(several)) * alone_ms + tolerance_ms
    least_ms = min(joined_ms - tolerance_ms, kept_ms - count)
    if least_ms < found.duration_ms < most_ms:
        return True
    rest_ms = found.duration_ms - listed_ms
    return any(n >= count and abs(rest_ms - count * each_ms) <= count for each_ms, n in found.often_ms)
