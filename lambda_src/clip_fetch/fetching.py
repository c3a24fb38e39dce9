"""Get a clip's media and know what it is.

What GetClip returns is believed only when its duration agrees. What to do with a clip that is refused or that
comes back short is in ``salvage.py``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, NamedTuple, Sequence

from clip_fetch import mp4, planning
from clip_fetch.errors import (
    GONE_CODES,
    MEDIA_CODES,
    ArchiveMoved,
    OutOfTime,
    UnfitMedia,
    code_of,
)
from clip_fetch.keys import MP4
from clip_fetch.model import Fragment, Stream
from clip_fetch.mp4 import Playback
from clip_fetch.pace import Pace
from clip_fetch.planning import Clip
from clip_fetch.spool import Spool, SpooledFile
from clip_fetch.video import Video

#: Footage that expires sooner than this is not begun with: it would be gone before it is downloaded.
HEADROOM_MS = 30_000

#: A download may end early without an error, when the answer did not say how long it is.
DOWNLOADS = 3


class Part(NamedTuple):
    """Media on disk.

    Attributes:
        clip: What it holds: the clip that was asked for or its beginning.
        file: Its bytes.
        file_format: One of those in ``keys``.
        duration_ms: As the file says; 0 where it does not.
        problem: Why it is not as it should be; empty when it is.
    """

    clip: Clip
    file: SpooledFile
    file_format: str
    duration_ms: int
    problem: str


class Verdict(NamedTuple):
    """What a download turned out to be.

    Attributes:
        duration_ms: As the file says.
        problem: Empty when it is the clip that was asked for.
        differs: Whether the problem is its duration.
    """

    duration_ms: int = 0
    problem: str = ""
    differs: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it is the clip that was asked for."""
        return not self.problem


class Fetcher:
    """Downloads the clips of one stream."""

    def __init__(
        self,
        stream: Stream,
        video: Video,
        pace: Pace,
        spool: Spool,
        log: Callable[[str, Dict[str, Any]], None],
    ) -> None:
        self._stream = stream
        self._video = video
        self._pace = pace
        self._spool = spool
        self._log = log

    def life_ms(self, fragment: Fragment) -> int:
        """How long the fragment is still retained."""
        return fragment.start_ms + self._stream.retention_ms - self._pace.now_ms()

    @contextmanager
    def longest_part(self, clip: Clip, file_format: str = MP4) -> Iterator[Part]:
        """The clip or, where it cannot be had, the longest beginning that can; gone when the block ends.

        Args:
            clip: The clip.
            file_format: ``MKV`` for one that must be kept as Matroska.

        Raises:
            ArchiveMoved: Its fragments expire.
            OutOfTime: There is no time for it.
            Unobtainable: Its first fragments are listed, but no call returns them.
            Exception: AWS's last word, after retries.
        """
        clip = self._affordable(clip)
        verdict = None
        if file_format == MP4 and not planning.is_knotted(clip.groups[0]):
            with self._spool.files(1, clip.size, self._pace) as (file,):
                begun_ms = self._pace.now_ms()
                verdict = self.attempt(clip, file)
                if verdict.is_whole:
                    yield Part(clip, file, MP4, verdict.duration_ms, "")
                    self._pace.took(clip.size, self._pace.now_ms() - begun_ms)
                    return
            self._log("clip refused", {"first": str(clip.first.number), "problem": verdict.problem})
        from clip_fetch.salvage import Salvage  # seldom needed: no cold start should wait for it

        with Salvage(self, self._video, self._spool, self._pace).longest_part(clip, verdict) as part:
            yield part

    def _affordable(self, clip: Clip) -> Clip:
        """The clip, or what there is time for of one that is too much for any run.

        Raises:
            OutOfTime: It is for the next run.
        """
        if self._pace.affords(clip.size):
            return clip
        groups = len(clip.groups) - 1 if self._pace.is_too_much(clip.size) else 0
        while groups and not self._pace.affords(clip.head(groups, clip.cut).size):
            groups -= 1
        if not groups:
            raise OutOfTime
        return clip.head(groups, planning.DEADLINE)

    def attempt(self, clip: Clip, file: SpooledFile) -> Verdict:
        """Download the clip and judge it.

        Raises:
            ArchiveMoved: It came incomplete because its fragments expire.
        """
        try:
            verdict = self._download(clip, file)
        except Exception as error:
            code = code_of(error)
            if code not in MEDIA_CODES and code not in GONE_CODES:
                raise
            if code in GONE_CODES:
                self.check_still_there(clip)
            verdict = Verdict(problem=code)
        if not verdict.is_whole and self.life_ms(clip.first) <= 0:
            raise ArchiveMoved
        return verdict

    def _download(self, clip: Clip, file: SpooledFile) -> Verdict:
        problem = ""
        for _ in range(DOWNLOADS):
            self._video.get_clip(clip.range_ms, file)
            try:
                return judge(clip, mp4.playback(file.rewound(), file.size))
            except UnfitMedia as error:
                problem = error.reason
        return Verdict(problem=problem)

    def probe(self, clip: Clip, file: SpooledFile) -> Verdict:
        """Download and judge, if there is time.

        Raises:
            ArchiveMoved: As :meth:`attempt`.
            OutOfTime: There is none.
        """
        if not self._pace.affords(clip.size):
            raise OutOfTime
        return self.attempt(clip, file)

    def check_still_there(self, clip: Clip) -> None:
        """Tell footage that expires from footage that cannot be read.

        Raises:
            ArchiveMoved: It expires.
        """
        if self.life_ms(clip.first) < HEADROOM_MS:
            raise ArchiveMoved
        try:
            there = {each.number for each in self._video.list_fragments(clip.start_ms, clip.latest_ms)}
        except Exception as error:
            if code_of(error) not in GONE_CODES:
                raise
            raise ArchiveMoved from error
        if any(each.number not in there for each in clip.fragments):
            raise ArchiveMoved


def judge(clip: Clip, found: Playback) -> Verdict:
    """Whether an MP4 that plays like this can hold the clip's fragments, all of them and no other.

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
    return Verdict(found.duration_ms) if fits else Verdict(found.duration_ms, "duration", differs=True)


def _fits(fragments: Sequence[Fragment], found: Playback) -> bool:
    """Whether the duration is that of these fragments; some have several frames.

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
    # A frame that stands alone may be shown for as long as a fragment can last, or until the next; the clip's
    # last one for as long as another of its fragment, which the file then holds as well.
    alone_ms = max([planning.MAX_FRAGMENT_MS, *steps_ms])
    last_ms = max(frame_ms, min(fragments[-1].length_ms, max(each_ms for each_ms, _ in found.often_ms)))
    most_ms = max(joined_ms, kept_ms + last_ms) + (count - len(several)) * alone_ms + tolerance_ms
    least_ms = min(joined_ms - tolerance_ms, kept_ms - count)
    if least_ms < found.duration_ms < most_ms:
        return True
    rest_ms = found.duration_ms - listed_ms
    return any(n >= count and abs(rest_ms - count * each_ms) <= count for each_ms, n in found.often_ms)
