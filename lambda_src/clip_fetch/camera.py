"""One camera's archive, clip by clip.

A run moves through these states, and may die in any of them without harm::

    read the archive's position -> list what follows -> plan a clip -> download and check it -> put it

The put is the only step that changes anything. It is refused when the key exists, and the key is that of the
first fragment after the position, so of all runs that stand at one position one gets on and the others read
again.

That holds as long as all runs at one position agree on the first fragment after it. They may not when footage
expires: one run still saw a fragment that another no longer sees. Near that edge a run therefore first puts a
gap record, whose key depends on the position alone, that names the fragment with which the archive goes on.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Optional

from clip_fetch import keys, mp4, planning
from clip_fetch.archive import Archive
from clip_fetch.errors import (
    GONE_CODES,
    MEDIA_CODES,
    ArchiveMoved,
    CameraError,
    OutOfTime,
    UnfitMedia,
    code_of,
)
from clip_fetch.model import Fragment, Position, Stream
from clip_fetch.pace import Pace
from clip_fetch.planning import Clip, Limits, Listing
from clip_fetch.settings import NOW, Settings
from clip_fetch.spool import Spool, SpooledFile
from clip_fetch.video import Video

#: Footage that expires sooner than this is not begun with: it would be gone before it is downloaded.
HEADROOM_MS = 30_000

#: A clip whose first fragment expires sooner than this is put only after a gap record has named that
#: fragment.
EDGE_MS = 180_000

#: A put that is not protected by a gap record is not begun later than this before the first fragment expires.
#: It is what a put may take at most, and less than EDGE_MS, so that a run notices before it has downloaded.
PUT_MS = 120_000

#: How far the first listing after a position reaches; later ones reach ever farther.
WINDOW_MS = 600_000
_WINDOW_GROWTH = 8  # where a listing brought no clip

#: After this age a fragment that is listed but that no call returns is given up, so that it does not hold up
#: what follows until it expires.
UNOBTAINABLE_MS = 3600 * 1000

#: How often a run tries again that finds the archive moved on.
_MOVES = 10

#: A download may end early without an error, when the answer did not say how long it is.
_DOWNLOADS = 3


@dataclass
class Tally:
    """What a run did for one camera."""

    clips: int = 0
    fragments: int = 0
    bytes: int = 0
    flagged: int = 0
    expired_ms: int = 0
    gap_records: int = 0


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


class Camera:
    """Archives one stream.

    Attributes:
        stream: The stream.
        tally: What was done so far.
    """

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        archive: Archive,
        video: Video,
        pace: Pace,
        spool: Spool,
        run: str,
        log: Callable[[str, Dict[str, Any]], None],
    ) -> None:
        self.stream = stream
        self.tally = Tally()
        self._settings = settings
        self._limits = Limits(settings.clip_ms, settings.settle_ms, settings.quiet_ms, settings.gap_ms)
        self._archive = archive
        self._video = video
        self._pace = pace
        self._spool = spool
        self._run = run
        self._log = log
        self._forget()

    def _forget(self) -> None:
        self._is_read = False
        self._position: Optional[Position] = None
        self._listing: Optional[Listing] = None
        self._floor_ms: Optional[int] = None  # where the listing begins, if later than it should
        self._reach_ms = WINDOW_MS

    # -- what the scheduler asks

    @property
    def calls(self) -> int:
        """Calls to AWS so far."""
        return self._archive.calls + self._video.calls

    @property
    def backlog_ms(self) -> int:
        """Age of the oldest footage that is not archived, 0 when there is none."""
        first = self._first_waiting()
        return 0 if first is None else max(0, self._pace.now_ms() - first.start_ms)

    @property
    def to_loss_ms(self) -> int:
        """Time until footage expires that is not archived; the whole retention when there is none."""
        first = self._first_waiting()
        return self.stream.retention_ms if first is None else self._life_ms(first)

    @property
    def is_surveyed(self) -> bool:
        """Whether it is known what waits."""
        return self._listing is not None

    def survey(self) -> None:
        """Read the archive's position and list what follows.

        Raises:
            Exception: AWS's last word, if it does not answer.
        """
        if not self._is_read:
            self._position = self._archive.position(self.stream)
            if self._position is None and self._settings.start_from == NOW:
                self._begin_now()
            self._is_read = True
        if self._listing is None:
            self._list_first()

    def advance(self) -> bool:
        """Archive the next clip.

        Returns:
            False when nothing is left that can be archived now.

        Raises:
            OutOfTime: The deadline nears, or another run archives this camera faster.
            CameraError: It cannot be archived, for a reason that concerns this camera.
            Exception: AWS's last word, after retries.
        """
        for _ in range(_MOVES):
            try:
                self._pace.check()
                self.survey()
                clip = self._plan()
                if clip is None:
                    return False
                self._agree_on(clip.first)
                self._store(clip)
            except ArchiveMoved:
                self._forget()
            else:
                return True
        raise OutOfTime  # another run is ahead each time: it needs no help

    # -- listing and planning

    def _life_ms(self, fragment: Fragment) -> int:
        return fragment.start_ms + self.stream.retention_ms - self._pace.now_ms()

    def _first_waiting(self) -> Optional[Fragment]:
        return self._listing.fragments[0] if self._listing is not None and self._listing.fragments else None

    def _from_ms(self) -> int:
        """Start of the oldest footage that may still have to be archived."""
        return self.stream.created_ms if self._position is None else self._position.start_ms

    def _oldest_ms(self) -> int:
        """Start of the oldest footage that is begun with."""
        return self._pace.now_ms() - self.stream.retention_ms + HEADROOM_MS

    def _list_first(self) -> None:
        asked_ms = self._pace.now_ms()
        from_ms = max(self._from_ms(), self.stream.created_ms)
        start_ms = max(from_ms, self._oldest_ms())
        self._floor_ms = start_ms if start_ms > from_ms else None
        until_ms = max(start_ms, min(asked_ms, start_ms + WINDOW_MS))
        self._listing = Listing(self._list(start_ms, until_ms), until_ms, asked_ms)

    def _list_further(self, listing: Listing) -> None:
        start_ms = listing.until_ms
        until_ms = min(listing.asked_ms, start_ms + self._reach_ms)
        self._reach_ms *= _WINDOW_GROWTH
        known = {fragment.number: fragment for fragment in listing.fragments}
        known.update((fragment.number, fragment) for fragment in self._list(start_ms, until_ms))
        self._listing = Listing([known[number] for number in sorted(known)], until_ms, listing.asked_ms)

    def _list(self, start_ms: int, until_ms: int) -> List[Fragment]:
        done = -1 if self._position is None else self._position.number
        return [each for each in self._video.list_fragments(start_ms, until_ms) if each.number > done]

    def _plan(self) -> Optional[Clip]:
        while True:
            listing = self._listing
            assert listing is not None, "survey comes first"  # noqa: S101
            plan = planning.plan_clip(listing, self._previous_ms(), self.stream.retention_ms, self._limits)
            if isinstance(plan, Clip):
                self._reach_ms = WINDOW_MS
                return plan
            if isinstance(plan, planning.Wait):
                return None
            self._pace.check()
            self._list_further(listing)

    def _previous_ms(self) -> Optional[int]:
        if self._floor_ms is not None:
            return self._floor_ms - 1  # what lies below may still be there, but is not part of this archive
        return None if self._position is None else self._position.previous_ms

    # -- agreeing on the first fragment

    def _agree_on(self, first: Fragment) -> None:
        """Make sure that no run can begin the next clip with another fragment.

        Raises:
            ArchiveMoved: Another run got on.
        """
        position = self._position
        if position is not None and position.expected is not None:
            if first.number != position.expected:
                self._put_gap(position.token, first, "expired")
            return
        # The listing may not show a fragment that expired since another run has archived it. That run's put
        # was over before the fragment expired, so a second reading of the archive shows it.
        if self._is_unsure() and self._archive.position(self.stream) != position:
            raise ArchiveMoved
        if self._life_ms(first) < EDGE_MS:
            token = keys.begin_token(self.stream) if position is None else position.token
            self._put_gap(token, first, "expired" if self._lost_ms(first) else "edge")

    def _is_unsure(self) -> bool:
        """Whether footage between the archive's position and the listing may have expired."""
        return self._from_ms() < self._oldest_ms()

    def _lost_ms(self, first: Fragment) -> int:
        """How much footage before ``first`` may have expired unarchived, at most."""
        if self._position is None or not self._is_unsure():
            return 0
        return max(0, min(first.start_ms, self._oldest_ms()) - self._position.end_ms)

    def _begin_now(self) -> None:
        now_ms = self._pace.now_ms()
        metadata = keys.gap_metadata(self.stream, 0, now_ms, 0, "begin", self._run)
        begun = self._put_record(keys.begin_token(self.stream), metadata)
        self._position = keys.position_after("", metadata) if begun else self._archive.position(self.stream)

    def _put_gap(self, token: str, first: Fragment, flags: str) -> None:
        lost_ms = self._lost_ms(first)
        metadata = keys.gap_metadata(self.stream, first.number, first.start_ms, lost_ms, flags, self._run)
        if not self._put_record(token, metadata):
            raise ArchiveMoved
        self._note_lost(lost_ms)
        self._position = keys.position_after("", metadata)

    def _put_record(self, token: str, metadata: Dict[str, str]) -> bool:
        text = json.dumps(metadata, indent=1).encode() + b"\n"
        content_type = keys.CONTENT_TYPES[keys.GAP]
        done = self._archive.put(token, lambda: io.BytesIO(text), content_type, metadata, self._pace.check)
        if done:
            self.tally.gap_records += 1
            self._log("gap record", {"key": token, **metadata})
        return done

    def _note_lost(self, lost_ms: int) -> None:
        if lost_ms:
            self.tally.expired_ms += lost_ms
            self.tally.flagged += 1
            self._log("footage expired", {"at_most_seconds": lost_ms / 1000})

    # -- getting a clip

    def _store(self, clip: Clip) -> None:
        clip = self._affordable(clip)
        if planning.is_knotted(clip.groups[0]):
            self._store_raw(clip)
            return
        with self._spool.files(1, clip.size, self._pace) as (file,):
            begun_ms = self._pace.now_ms()
            verdict = self._try(clip, file)
            if verdict.is_whole:
                self._commit(clip, file, keys.MP4, verdict)
                self._pace.took(clip.size, self._pace.now_ms() - begun_ms)
                return
        self._log("clip refused", {"first": clip.first.number, "problem": verdict.problem})
        self._store_part(clip, verdict)

    def _affordable(self, clip: Clip) -> Clip:
        """The clip, or as much of it as a whole run can manage when this run has only begun.

        Raises:
            OutOfTime: It is for the next run.
        """
        if self._pace.affords(clip.size):
            return clip
        if not self._pace.is_fresh:
            raise OutOfTime
        groups = len(clip.groups)
        while groups > 1 and not self._pace.affords(clip.head(groups, clip.cut).size):
            groups -= 1
        return clip.head(groups, planning.DEADLINE) if groups < len(clip.groups) else clip

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
        if not verdict.is_whole and self._life_ms(clip.first) <= 0:
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
        if self._life_ms(clip.first) < HEADROOM_MS:
            raise ArchiveMoved
        try:
            there = {each.number for each in self._video.list_fragments(clip.start_ms, clip.latest_ms)}
        except Exception as error:
            if code_of(error) not in GONE_CODES:
                raise
            raise ArchiveMoved from error
        if any(each.number not in there for each in clip.fragments):
            raise ArchiveMoved

    def _store_part(self, clip: Clip, verdict: _Verdict) -> None:
        """Store the longest beginning of a clip that can be had; of one that came back short, a half will do.

        Whether a beginning is readable is decided by a binary search, which is right when the trouble is at
        one place: all beginnings before it can be had and none behind it. Wherever else it lies, what is
        stored was downloaded and checked.
        """
        with self._spool.files(2, clip.size, self._pace) as (file, spare):
            found = self._longest(clip, verdict, file, spare)
            if found.good:
                cut = planning.SHORT if found.refusal.differs else _cut_for(found.refusal.problem)
                self._commit(clip.head(found.good, cut), found.file, keys.MP4, found.verdict)
                return
        if found.refusal.differs and len(clip.groups[0]) == 1:
            self._store_different(clip, verdict, found.refusal)
        else:
            self._store_raw(clip)

    def _longest(self, clip: Clip, refusal: _Verdict, file: SpooledFile, spare: SpooledFile) -> _Found:
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

    def _store_different(self, clip: Clip, whole: _Verdict, single: _Verdict) -> None:
        """Store what stays different, flagged.

        Its first fragment alone has another duration than was listed, so nothing was left out of it. When the
        whole clip differs in the same proportion nothing was left out of that either.
        """
        share = single.duration_ms / clip.groups[0][0].length_ms if clip.groups[0][0].length_ms else 0.0
        shortest_ms = min(fragment.length_ms for fragment in clip.fragments)
        in_proportion = (
            whole.differs and abs(whole.duration_ms - share * clip.length_ms) < shortest_ms * share / 2
        )
        chosen = clip if in_proportion else clip.head(1, planning.SHORT)
        expected = whole if in_proportion else single
        with self._spool.files(1, chosen.size, self._pace) as (file,):
            verdict = self._probe(chosen, file)
            if not verdict.is_whole and verdict != expected:
                raise ArchiveMoved  # it came back different again: judge it anew
            self._commit(chosen, file, keys.MP4, verdict)

    def _store_raw(self, clip: Clip) -> None:
        """Keep what GetClip does not give as it was ingested, up to the first fragment that it does give."""
        count = 1
        with self._spool.files(1, clip.size, self._pace) as (file,):
            while count < len(clip.groups):
                try:
                    found = self._probe(clip.group(count), file)
                except OutOfTime:
                    break
                if found.is_whole or found.differs:
                    break
                count += 1
            for groups in sorted({count, 1}, reverse=True):
                raw = clip.head(groups, planning.UNREADABLE)
                problem = self._get_media(raw, file)
                if not problem:
                    self._commit(raw, file, keys.MKV, _Verdict(problem="unreadable"))
                    return
        self._give_up(clip.head(1, planning.UNREADABLE), problem)

    def _get_media(self, clip: Clip, file: SpooledFile) -> str:
        """Download raw media; the problem, if that is not possible."""
        try:
            self._video.get_media([fragment.number for fragment in clip.fragments], file)
        except UnfitMedia as error:
            self._check_still_there(clip)
            return error.reason
        except Exception as error:
            if code_of(error) not in GONE_CODES:
                raise
            self._check_still_there(clip)
            return code_of(error)
        return ""

    def _give_up(self, clip: Clip, problem: str) -> None:
        """Record that fragments cannot be had though they are listed, once they are old enough.

        Raises:
            CameraError: They are young: a later run may get them.
        """
        listing = self._listing
        assert listing is not None, "a clip comes from a listing"  # noqa: S101
        rest = [each for each in listing.fragments if each.number > clip.last.number]
        age_ms = self._pace.now_ms() - clip.first.start_ms
        if not rest or (
            age_ms < UNOBTAINABLE_MS
            and self._life_ms(clip.first) > planning.reserve_ms(self.stream.retention_ms)
        ):
            raise CameraError(
                "Unobtainable", f"fragment {clip.first.number} is listed but not given: {problem}"
            )
        metadata = keys.gap_metadata(
            self.stream, rest[0].number, rest[0].start_ms, clip.length_ms, "unobtainable", self._run
        )
        if not self._put_record(keys.stem(clip.first.start_ms, clip.first.number) + ".mp4", metadata):
            raise ArchiveMoved
        self._note_lost(clip.length_ms)
        self._position = keys.position_after("", metadata)
        self._listing = Listing(rest, listing.until_ms, listing.asked_ms)
        self._floor_ms = None

    # -- the commit

    def _commit(self, clip: Clip, file: SpooledFile, file_format: str, verdict: _Verdict) -> None:
        lost_ms = self._lost_ms(clip.first)
        flags = [verdict.problem] if verdict.problem else []
        if lost_ms:
            flags.append("expired-before")
        metadata = keys.clip_metadata(
            self.stream,
            clip,
            self._limits.clip_ms,
            file_format,
            verdict.duration_ms,
            ",".join(flags),
            self._run,
        )
        token = keys.stem(clip.first.start_ms, clip.first.number) + ".mp4"
        named = self._position is not None and self._position.expected == clip.first.number

        def check() -> None:
            self._pace.check()
            if not named and self._life_ms(clip.first) < PUT_MS:
                raise ArchiveMoved

        if not self._archive.put(token, file.rewound, keys.CONTENT_TYPES[file_format], metadata, check):
            raise ArchiveMoved
        self._note_lost(lost_ms)
        self.tally.clips += 1
        self.tally.fragments += len(clip.fragments)
        self.tally.bytes += file.size
        self.tally.flagged += bool(verdict.problem)
        self._log("clip", {"key": token, "bytes": file.size, **metadata})
        self._advance_behind(clip)

    def _advance_behind(self, clip: Clip) -> None:
        self._position = keys.position_after_clip(clip.last.number, clip.latest_ms, clip.last.end_ms)
        self._floor_ms = None
        listing = self._listing
        assert listing is not None, "a clip comes from a listing"  # noqa: S101
        rest = [each for each in listing.fragments if each.number > clip.last.number]
        self._listing = replace(listing, fragments=rest)


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
