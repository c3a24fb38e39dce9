"""Get a clip's media, or as much from its beginning as can be had, and know what it is.

What GetClip returns is believed only when its duration agrees. A clip that is refused or that comes back
short is asked for again in parts; what GetClip never gives is kept as it was ingested.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator

from clip_fetch import mp4, planning
from clip_fetch.errors import (
    GONE_CODES,
    MEDIA_CODES,
    ArchiveMoved,
    OutOfTime,
    UnfitMedia,
    Unobtainable,
    code_of,
)
from clip_fetch.keys import MKV, MP4
from clip_fetch.model import Fragment, Stream
from clip_fetch.pace import Pace
from clip_fetch.planning import Clip
from clip_fetch.spool import Spool, SpooledFile
from clip_fetch.video import Video

#: Footage that expires sooner than this is not begun with: it would be gone before it is downloaded.
HEADROOM_MS = 30_000

#: A download may end early without an error, when the answer did not say how long it is.
_DOWNLOADS = 3


@dataclass(frozen=True)
class Part:
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


@dataclass(frozen=True)
class _Verdict:
    """What a download turned out to be."""

    duration_ms: int = 0
    problem: str = ""  # empty: a whole clip
    differs: bool = False  # the problem is its duration

    @property
    def is_whole(self) -> bool:
        return not self.problem


@dataclass(frozen=True)
class _Found:
    """The longest beginning of a clip that could be had.

    Attributes:
        good: Its groups; 0 when there is none.
        verdict: On it.
        refusal: On the shortest beginning that could not be had.
        file: Holds it.
    """

    good: int
    verdict: _Verdict
    refusal: _Verdict
    file: SpooledFile


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
    def longest_part(self, clip: Clip) -> Iterator[Part]:
        """The clip or, where it cannot be had, the longest beginning that can; gone when the block ends.

        Raises:
            ArchiveMoved: Its fragments expire.
            OutOfTime: There is no time for it.
            Unobtainable: Its first fragments are listed, but no call returns them.
            Exception: AWS's last word, after retries.
        """
        clip = self._affordable(clip)
        if planning.is_knotted(clip.groups[0]):
            with self._raw(clip) as part:
                yield part
            return
        with self._spool.files(1, clip.size, self._pace) as (file,):
            begun_ms = self._pace.now_ms()
            verdict = self._try(clip, file)
            if verdict.is_whole:
                yield Part(clip, file, MP4, verdict.duration_ms, "")
                self._pace.took(clip.size, self._pace.now_ms() - begun_ms)
                return
        self._log("clip refused", {"first": str(clip.first.number), "problem": verdict.problem})
        with self._spool.files(2, clip.size, self._pace) as (file, spare):
            found = self._longest(clip, verdict, file, spare)
            if found.good:
                cut = planning.SHORT if found.refusal.differs else _cut_for(found.refusal.problem)
                yield Part(clip.head(found.good, cut), found.file, MP4, found.verdict.duration_ms, "")
                return
        can_differ = found.refusal.differs and len(clip.groups[0]) == 1
        with self._different(clip, verdict, found.refusal) if can_differ else self._raw(clip) as part:
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

    def _try(self, clip: Clip, file: SpooledFile) -> _Verdict:
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
                self._check_still_there(clip)
            verdict = _Verdict(problem=code)
        if not verdict.is_whole and self.life_ms(clip.first) <= 0:
            raise ArchiveMoved
        return verdict

    def _download(self, clip: Clip, file: SpooledFile) -> _Verdict:
        problem = ""
        for _ in range(_DOWNLOADS):
            self._video.get_clip(clip.range_ms, file)
            try:
                return judge(clip, mp4.duration_ms(file.rewound(), file.size))
            except UnfitMedia as error:
                problem = error.reason
        return _Verdict(problem=problem)

    def _probe(self, clip: Clip, file: SpooledFile) -> _Verdict:
        if not self._pace.affords(clip.size):
            raise OutOfTime
        return self._try(clip, file)

    def _check_still_there(self, clip: Clip) -> None:
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

    def _longest(self, clip: Clip, refusal: _Verdict, file: SpooledFile, spare: SpooledFile) -> _Found:
        """Look for the longest beginning that can be had; when the clip came back short, a half will do.

        Whether a beginning is readable is decided by a binary search, which is right when the trouble is at
        one place: all beginnings before it can be had and none behind it. Wherever else it lies, what is
        found was downloaded and checked.
        """
        good, bad = 0, len(clip.groups)
        verdict = refusal
        while bad - good > 1 and not (good and refusal.differs):
            middle = (good + bad) // 2
            try:
                tried = self._probe(clip.head(middle, clip.cut), spare)
            except OutOfTime:
                if not good:
                    raise
                break
            if tried.is_whole:
                good, verdict = middle, tried
                file, spare = spare, file
            else:
                bad, refusal = middle, tried
        return _Found(good, verdict, refusal, file)

    @contextmanager
    def _different(self, clip: Clip, whole: _Verdict, single: _Verdict) -> Iterator[Part]:
        """What has another duration than was listed, however it is asked for.

        Of its first fragment alone nothing can have been left out. When the whole clip differs in the same
        proportion, nothing was left out of that either.
        """
        length_ms = clip.groups[0][0].length_ms
        share = single.duration_ms / length_ms if length_ms else 0.0
        tolerance_ms = min(fragment.length_ms for fragment in clip.fragments) * share / 2
        in_proportion = whole.differs and abs(whole.duration_ms - share * clip.length_ms) < tolerance_ms
        chosen = clip if in_proportion else clip.head(1, planning.SHORT)
        with self._spool.files(1, chosen.size, self._pace) as (file,):
            verdict = self._probe(chosen, file)
            if not verdict.is_whole and verdict != (whole if in_proportion else single):
                raise ArchiveMoved  # it came back different again: begin anew
            yield Part(chosen, file, MP4, verdict.duration_ms, verdict.problem)

    @contextmanager
    def _raw(self, clip: Clip) -> Iterator[Part]:
        """What GetClip does not give, as it was ingested, up to the first fragment that it does give."""
        with self._spool.files(1, clip.size, self._pace) as (file,):
            count = self._unreadable(clip, file)
            for groups in sorted({count, 1}, reverse=True):
                part = clip.head(groups, planning.UNREADABLE)
                problem = self._get_media(part, file)
                if not problem:
                    yield Part(part, file, MKV, 0, "unreadable")
                    return
        raise Unobtainable(problem)

    def _unreadable(self, clip: Clip, file: SpooledFile) -> int:
        """How many of its groups, one by one, GetClip does not give; the first is known to be one."""
        count = 1
        while count < len(clip.groups):
            try:
                found = self._probe(clip.group(count), file)
            except OutOfTime:
                break
            if found.is_whole or found.differs:
                break
            count += 1
        return count

    def _get_media(self, clip: Clip, file: SpooledFile) -> str:
        """Download raw media; the problem, if that is not possible."""
        problem = ""
        for _ in range(_DOWNLOADS):
            try:
                self._video.get_media([fragment.number for fragment in clip.fragments], file)
            except UnfitMedia as error:
                problem = error.reason
            except Exception as error:
                problem = code_of(error)
                if problem not in GONE_CODES:
                    raise
            else:
                return ""
            self._check_still_there(clip)
        return problem


def judge(clip: Clip, duration_ms: int) -> _Verdict:
    """Whether an MP4 of this duration can hold the clip's fragments, all of them and no other.

    The file's time line either joins the fragments or keeps the small pauses between them, so its duration is
    at least the sum of theirs and at most the time from first to last on the camera's clock. Half a fragment
    beyond that is a fragment too few or too many; every fragment's listed duration is rounded to a
    millisecond.
    """
    fragments = clip.fragments
    total_ms = clip.length_ms
    span_ms = fragments[-1].producer_ms + fragments[-1].length_ms - fragments[0].producer_ms
    tolerance_ms = max(min(fragment.length_ms for fragment in fragments) / 2, len(fragments))
    low_ms = total_ms - tolerance_ms
    high_ms = max(total_ms, span_ms) + tolerance_ms
    if low_ms < duration_ms < high_ms:
        return _Verdict(duration_ms)
    return _Verdict(duration_ms, "duration", differs=True)


def _cut_for(problem: str) -> str:
    return planning.CODEC if problem in MEDIA_CODES - {"InvalidMediaFrameException"} else planning.UNREADABLE
