"""Get as much as possible of a clip that GetClip refuses or returns incomplete.

Of a clip that is refused, shorter and longer parts are requested until the place of the trouble is found;
of one that comes back short, halves; what GetClip never returns is kept as it was ingested.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator, NamedTuple

from . import mkv, planning
from .deadline import Deadline
from .download import MAX_DOWNLOADS, CheckResult, Downloader, Part
from .errors import (
    GONE_CODES,
    MEDIA_CODES,
    DeadlineExceededError,
    FragmentUnavailableError,
    InvalidMediaError,
    StaleStateError,
    code_of,
)
from .keys import MKV, MP4
from .planning import Clip
from .raw import get_media
from .spool import Spool, SpooledFile
from .video import Video


class _Found(NamedTuple):
    """The longest available beginning of a clip (0 groups if none), and the refusal of the shortest that is not."""

    good: int
    result: CheckResult
    refusal: CheckResult
    file: SpooledFile


class Recovery:
    """The second way to a clip's media."""

    def __init__(self, downloader: Downloader, video: Video, spool: Spool, deadline: Deadline) -> None:
        self._downloader = downloader
        self._video = video
        self._spool = spool
        self._deadline = deadline

    @contextmanager
    def longest_part(self, clip: Clip, whole: CheckResult | None) -> Iterator[Part]:
        """Return the longest available beginning of a clip, with the errors of ``Fetcher.longest_part``.

        ``whole`` is what GetClip made of it; None when it was not asked because it would leave fragments out, or
        because the archive says already that it does not give them.
        """
        rest = self._raw(clip)
        if whole is not None:
            with self._spool.files(2, clip.size, self._deadline) as (file, spare):
                found = self._longest(clip, whole, file, spare)
                if found.good:
                    cut = planning.SHORT if found.refusal.differs else _cut_for(found.refusal.problem)
                    yield Part(clip.head(found.good, cut), found.file, MP4, found.result.duration_ms, "")
                    return
            if found.refusal.differs and len(clip.groups[0]) == 1:
                rest = self._different(clip, whole, found.refusal)
        with rest as part:
            yield part

    def _longest(self, clip: Clip, refusal: CheckResult, file: SpooledFile, spare: SpooledFile) -> _Found:
        """Look for the longest available beginning; when the clip came back short, a half will do.

        Whether a beginning is readable is decided by a binary search, which is right when the trouble is at
        one place: all beginnings before it are available and none behind it. Wherever else it lies, what is
        found was downloaded and checked.
        """
        good, bad = 0, len(clip.groups)
        result = refusal
        while bad - good > 1 and not (good and refusal.differs):
            middle = (good + bad) // 2
            try:
                tried = self._downloader.probe(clip.head(middle, clip.cut), spare)
            except DeadlineExceededError:
                if not good:
                    raise
                break
            if tried.is_whole:
                good, result = middle, tried
                file, spare = spare, file
            else:
                bad, refusal = middle, tried
        return _Found(good, result, refusal, file)

    @contextmanager
    def _different(self, clip: Clip, whole: CheckResult, single: CheckResult) -> Iterator[Part]:
        """Return what has another duration than was listed, however it is requested.

        Of its first fragment alone nothing can have been left out. When the whole clip differs in the same
        proportion, nothing was left out of that either.
        """
        length_ms = clip.groups[0][0].length_ms
        share = single.duration_ms / length_ms if length_ms else 0.0
        tolerance_ms = min(fragment.length_ms for fragment in clip.fragments) * share / 2
        in_proportion = whole.differs and abs(whole.duration_ms - share * clip.listed_ms) < tolerance_ms
        chosen = clip if in_proportion else clip.head(1, planning.SHORT)
        with self._spool.files(1, chosen.size, self._deadline) as (file,):
            result = self._downloader.probe(chosen, file)
            if not result.is_whole and result != (whole if in_proportion else single):
                raise StaleStateError  # it came back different again: begin anew
            yield Part(chosen, file, MP4, result.duration_ms, result.problem)

    @contextmanager
    def _raw(self, clip: Clip) -> Iterator[Part]:
        """Return what GetClip does not return, as it was ingested, up to the first fragment that it does."""
        with self._spool.files(2, clip.size, self._deadline) as (file, spare):
            count = self._unreadable(clip, file)
            for groups in sorted({count, 1}, reverse=True):
                part = clip.head(groups, planning.UNREADABLE)
                problem = self._get_media(part, file)
                if not problem:
                    yield self._playable(part, file, spare)
                    return
        raise FragmentUnavailableError(problem)

    def _playable(self, clip: Clip, file: SpooledFile, spare: SpooledFile) -> Part:
        """Return the media written anew so that players take it; as it came where it cannot be read."""
        try:
            recording = mkv.Recording(file.rewound(), file.size)
            spare.write(recording.chunks(), self._deadline)
        except InvalidMediaError:
            return Part(clip, file, MKV, 0, "unreadable")
        return Part(clip, spare, MKV, recording.duration_ms, "unreadable")

    def _unreadable(self, clip: Clip, file: SpooledFile) -> int:
        """Tell how many of its groups, one by one, GetClip does not give; the first is known to be one."""
        count = 1
        while count < len(clip.groups):
            try:
                found = self._downloader.probe(clip.group(count), file)
            except DeadlineExceededError:
                break
            if found.is_whole or found.differs:
                break
            count += 1
        return count

    def _get_media(self, clip: Clip, file: SpooledFile) -> str:
        """Download raw media; the problem, if that is not possible.

        What ends inside an element is downloaded again, but is better than nothing when it always does.
        """
        problem = ""
        for left in range(MAX_DOWNLOADS - 1, -1, -1):
            try:
                get_media(self._video, [fragment.number for fragment in clip.fragments], file, self._deadline)
                if left and _is_cut_off(file):
                    continue
            except InvalidMediaError as error:
                problem = error.reason
            except Exception as error:
                problem = code_of(error)
                if problem not in GONE_CODES:
                    raise
            else:
                return ""
            self._downloader.check_still_there(clip)
        return problem


def _is_cut_off(file: SpooledFile) -> bool:
    try:
        mkv.Recording(file.rewound(), file.size)
    except InvalidMediaError as error:
        return error.reason == mkv.CUT_OFF
    return False


def _cut_for(problem: str) -> str:
    return planning.CODEC if problem in MEDIA_CODES - {"InvalidMediaFrameException"} else planning.UNREADABLE
