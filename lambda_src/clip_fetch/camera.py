"""One camera's archive, clip by clip.

A run moves through these states, and may die in any of them without harm::

    read the archive's position -> list what follows -> plan a clip -> download and check it -> put it

The put is the only step that changes the archive. It is refused when the key exists, and the key is that of the first
fragment after the position, so of all runs that stand at one position one gets on and the others read again.

That holds as long as all runs at one position agree on the first fragment after it. They may not when footage expires:
one run still saw a fragment that another no longer sees. Near that boundary a run therefore first puts a gap record,
whose key depends on the position alone, that names the fragment with which the archive goes on.

They may not either when a listing hides footage. One that begins before the stream's last change of
retention may be empty although there is footage (a maintainer's word of 2018; not documented), so an empty
answer proves nothing. One that holds any fragment is complete: usually that is the last one archived, with
which every listing begins. Where there is none, the run requests once more, from the same beginning, a
fragment that it saw later. If that does not show, the run finds by halving the beginning from which footage
does show, and a gap record names the first fragment there.

They must also agree on the key. What can only be kept as Matroska has another than an MP4 file would have,
so before it a record is put under that one, which makes all runs go on to the key of the Matroska file.
"""

from __future__ import annotations

import io
import json
import zlib
from typing import Any, Callable, Iterator

from . import keys, planning
from .archive import Archive
from .deadline import Deadline
from .download import HEADROOM_MS, Part
from .errors import CameraError, DeadlineExceededError, FragmentUnavailableError, StaleStateError
from .fetching import Fetcher
from .model import Fragment, Position, Stream
from .planning import Clip, Limits, Listing
from .settings import NOW, Settings
from .video import Incomplete, Video

#: A clip whose first fragment expires sooner than this is put only after a gap record has named that fragment.
RETENTION_BOUNDARY_MS = 180_000

#: A put that is not protected by a gap record is not begun later than this before the first fragment expires. It is
#: what a put may take at most, and less than RETENTION_BOUNDARY_MS, so that a run notices before it downloads.
PUT_MS = 120_000

#: How far the first listing after a position reaches; later ones reach ever farther.
WINDOW_MS = 600_000

#: By how much the next listing reaches farther where one brought no clip.
_WINDOW_GROWTH = 8

#: After this age a fragment is given up that is listed though the service says that it does not exist, so that it does
#: not hold up what follows. One that is unavailable for another reason is given up when it nears expiry.
FRAGMENT_UNAVAILABLE_MS = 3600 * 1000

#: How often a run tries again that finds the archive moved on.
_MAX_MOVES = 10


class Counts:
    """What a run did for one camera, as ``events.Summary`` describes it."""

    def __init__(self) -> None:
        self.clips = self.fragments = self.bytes = 0
        self.flagged = self.expired_ms = self.gap_records = 0


class Camera:
    """Archives one stream."""

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        archive: Archive,
        video: Video,
        fetcher: Fetcher,
        deadline: Deadline,
        run: str,
        log: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self.stream = stream
        self.counts = Counts()
        self._settings = settings
        self._limits = Limits(settings.clip_ms, settings.settle_ms, settings.quiet_ms, settings.gap_ms)
        self._archive = archive
        self._video = video
        self._deadline = deadline
        self._fetcher = fetcher
        self._run = run
        self._log = log
        self._incomplete: set[Incomplete] = set()
        self._forget()

    def _forget(self) -> None:
        self._is_read = False
        self._position: Position | None = None
        self._listing: Listing | None = None
        self._begin_ms = 0  # where the listing should begin
        self._floor_ms: int | None = None  # where it begins, if later than that
        self._is_confirmed = False  # whether it shows all that is there
        self._hidden_ms: tuple[int, int] | None = None  # between these no listing shows what is there
        self._reach_ms = WINDOW_MS

    # -- what the scheduler asks

    @property
    def calls(self) -> int:
        """Calls to AWS so far."""
        return self._archive.calls + self._archive.index.calls + self._video.calls

    @property
    def row_refusal(self) -> Exception | None:
        """Why rows of the table ``clips`` are missing though the clips are there; None where none is."""
        return self._archive.index.refusal

    @property
    def backlog_ms(self) -> int:
        """Age of the oldest footage that is not archived, 0 when there is none."""
        first_ms = self._first_ms()
        return 0 if first_ms is None else max(0, self._deadline.now_ms() - first_ms)

    @property
    def ms_until_expiry(self) -> int:
        """Time until footage expires that is not archived; the whole retention when there is none."""
        return self.stream.retention_ms - self.backlog_ms

    @property
    def silent_ms(self) -> int | None:
        """How long the camera had sent nothing when it was last asked; None when that is not known.

        The newest footage is the last that was listed, or where all is archived the end of that. It costs no
        call. It is not known of a camera that has never sent anything, be it new or not installed yet, nor
        while the archiver is too far behind to have listed up to the present.
        """
        listing = self._listing
        if listing is None or listing.until_ms < listing.asked_ms:
            return None
        ends = [fragment.end_ms for fragment in listing.fragments]
        if self._position is not None and self._position.number >= 0:
            ends.append(self._position.end_ms)
        return max(0, listing.asked_ms - max(ends)) if ends else None

    @property
    def is_refreshed(self) -> bool:
        """Whether it is known what waits."""
        return self._listing is not None

    def refresh(self) -> Listing:
        """Read the archive's position and list until something follows, where that is not known."""
        if not self._is_read:
            self._position = self._archive.position(self.stream)
            if self._position is None and self._settings.start_from == NOW:
                self._begin_now()
            self._is_read = True
        listing = self._list_first() if self._listing is None else self._listing
        listing = self._list_until_found(listing)
        if not self._is_confirmed:
            listing = self._list_until_found(self._confirm(listing))
        self._listing = listing
        return listing

    def advance(self) -> bool:
        """Archive the next clip.

        Returns:
            False when nothing is left that can be archived now.

        Raises:
            DeadlineExceededError: The deadline nears, or another run archives this camera faster.
            CameraError: It cannot be archived, for a reason that concerns this camera.
            Exception: That of the last call, after retries.
        """
        for _ in range(_MAX_MOVES):
            try:
                self._deadline.check()
                clip, listing = self._plan(self.refresh())
                if clip is None:
                    return False
                self._agree_on(clip.first)
                self._store(clip, listing)
            except StaleStateError:
                self._forget()
            else:
                return True
        raise DeadlineExceededError  # another run is ahead each time: it needs no help

    # -- listing and planning

    def _first_ms(self) -> int | None:
        """Start of the oldest footage that waits; of what is not listed yet, the earliest that it can be."""
        listing = self._listing
        if listing is None or (not listing.fragments and listing.until_ms >= listing.asked_ms):
            return None
        return listing.fragments[0].start_ms if listing.fragments else listing.until_ms

    def _from_ms(self) -> int:
        """Start of the oldest footage that may still have to be archived."""
        return self.stream.created_ms if self._position is None else self._position.start_ms

    def _oldest_ms(self) -> int:
        """Start of the oldest footage that is begun with."""
        return self._deadline.now_ms() - self.stream.retention_ms + HEADROOM_MS

    def _list_first(self) -> Listing:
        asked_ms = self._deadline.now_ms()
        from_ms = max(self._from_ms(), self.stream.created_ms)
        start_ms = max(from_ms, self._oldest_ms())
        self._begin_ms = start_ms
        self._floor_ms = start_ms if start_ms > from_ms else None
        until_ms = max(start_ms, min(asked_ms, start_ms + WINDOW_MS))
        return Listing(self._list(start_ms, until_ms), until_ms, asked_ms)

    def _list_until_found(self, listing: Listing) -> Listing:
        while not listing.fragments and listing.until_ms < listing.asked_ms:
            self._deadline.check()
            listing = self._list_further(listing)
        return listing

    def _list_further(self, listing: Listing) -> Listing:
        start_ms = listing.until_ms
        until_ms = min(listing.asked_ms, start_ms + self._reach_ms)
        self._reach_ms *= _WINDOW_GROWTH
        known = {fragment.number: fragment for fragment in listing.fragments}
        known.update((fragment.number, fragment) for fragment in self._list(start_ms, until_ms))
        return Listing([known[number] for number in sorted(known)], until_ms, listing.asked_ms)

    def _list(self, start_ms: int, until_ms: int) -> list[Fragment]:
        done = -1 if self._position is None else self._position.number
        listed = self._video.list_fragments(start_ms, until_ms)
        self._is_confirmed = self._is_confirmed or (start_ms == self._begin_ms and bool(listed))
        self._note_incomplete()
        return [each for each in listed if each.number > done]

    def _confirm(self, listing: Listing) -> Listing:
        """Make sure that a listing whose beginning is empty hides nothing that could be seen.

        Of silence this costs one call, when footage follows it; of a camera without any, one call each time
        that the age of what is requested doubles; of a beginning that hides footage, one call each time that
        its distance to what is seen halves, 30 for two weeks.
        """
        if listing.fragments:
            seen_ms = end_ms = listing.fragments[0].start_ms
        else:
            end_ms = listing.asked_ms
            starts = self._starts_to_try(listing.asked_ms)
            found = next((start for start in starts if self._video.lists_any(start, end_ms)), None)
            if found is None:
                self._is_confirmed = True  # as far as it can be in this run
                return listing
            seen_ms = found
        hiding_ms = self._begin_ms
        if self._video.lists_any(hiding_ms, end_ms):
            self._is_confirmed = True
            return listing if listing.fragments else self._list_first()
        while seen_ms - hiding_ms > 1:
            middle_ms = (hiding_ms + seen_ms) // 2
            if self._video.lists_any(middle_ms, end_ms):
                seen_ms = middle_ms
            else:
                hiding_ms = middle_ms
        known_ms = self._from_ms() if self._position is None else self._position.end_ms
        self._hidden_ms = (min(max(known_ms, self._begin_ms), seen_ms), seen_ms)
        self._begin_ms = self._floor_ms = seen_ms
        self._is_confirmed = True
        self._log("footage unlisted", {"from": keys.iso(self._hidden_ms[0]), "until": keys.iso(seen_ms)})
        until_ms = min(listing.asked_ms, seen_ms + WINDOW_MS)
        return Listing(self._list(seen_ms, until_ms), until_ms, listing.asked_ms)

    def _starts_to_try(self, asked_ms: int) -> Iterator[int]:
        """Return beginnings from which footage may show, the latest first, each twice as long ago.

        The ages differ in each run, so that what falls between those of one is met by those of another.
        """
        share = asked_ms // 1000 * 619 % 1009 / 1009  # two primes: any interval of runs goes through them all
        age_ms = int(self._limits.settle_ms * (1 + share))
        while asked_ms - age_ms > self._begin_ms:
            yield asked_ms - age_ms
            age_ms *= 2

    def _note_incomplete(self) -> None:
        """Report, once a run, what was listed incompletely and is not archived yet."""
        done = self._position
        while self._video.incomplete:
            each = self._video.incomplete.pop()
            if each in self._incomplete:
                continue
            self._incomplete.add(each)
            if done is not None and each.number is not None and each.number <= done.number:
                continue
            if done is not None and each.start_ms is not None and each.start_ms < done.start_ms:
                continue
            self.counts.flagged += 1
            where = {"start": keys.iso(each.start_ms)} if each.start_ms is not None else {}
            self._log(
                "fragment listed incompletely",
                {"fragment": str(each.number), **where, "missing": ",".join(each.missing)},
            )

    def _plan(self, listing: Listing) -> tuple[Clip | None, Listing]:
        """Return the next clip, if there is one yet, and the listing that shows it."""
        while True:
            plan = planning.plan_clip(listing, self._previous_ms(), self.stream.retention_ms, self._limits)
            if isinstance(plan, Clip):
                self._reach_ms = WINDOW_MS
                return plan, listing
            if not plan.lists_further:
                return None, listing
            self._deadline.check()
            listing = self._listing = self._list_further(listing)

    def _previous_ms(self) -> int | None:
        if self._floor_ms is not None:
            return self._floor_ms - 1  # what lies below may still be there, but is not part of this archive
        return None if self._position is None else self._position.previous_ms

    # -- agreeing on the first fragment

    def _agree_on(self, first: Fragment) -> None:
        """Make sure that no run can begin the next clip with another fragment."""
        position = self._position
        is_hidden = self._hidden_ms is not None
        if position is not None and position.expected is not None:
            if first.number != position.expected:
                self._put_gap(position.token, first, "unlisted" if is_hidden else "expired")
            return
        # The listing may not show a fragment that expired, or was hidden, since another run has archived it.
        # That run's put was over before that, so a second reading of the archive shows it.
        if (self._is_unsure() or is_hidden) and self._archive.position(self.stream) != position:
            raise StaleStateError
        if is_hidden or self._remaining_retention_ms(first) < RETENTION_BOUNDARY_MS:
            token = keys.begin_token(self.stream) if position is None else position.token
            reason = "expired" if self._lost_ms(first) else "edge"
            self._put_gap(token, first, "unlisted" if is_hidden else reason)

    def _is_unsure(self) -> bool:
        """Tell whether footage between the archive's position and the listing may have expired."""
        return self._from_ms() < self._oldest_ms()

    def _remaining_retention_ms(self, fragment: Fragment) -> int:
        return self.stream.remaining_retention_ms(fragment, self._deadline.now_ms())

    def _lost_ms(self, first: Fragment) -> int:
        """Tell how much footage before ``first`` may have expired unarchived, at most."""
        if self._position is None or not self._is_unsure():
            return 0
        return max(0, min(first.start_ms, self._oldest_ms()) - self._position.end_ms)

    def _begin_now(self) -> None:
        now_ms = self._deadline.now_ms()
        metadata = keys.gap_metadata(self.stream, 0, now_ms, 0, "begin", self._run)
        begun = self._put_record(keys.begin_token(self.stream), metadata)
        self._position = keys.position_after("", metadata) if begun else self._archive.position(self.stream)

    def _put_gap(self, token: str, first: Fragment, flags: str) -> None:
        lost_ms = self._lost_ms(first)
        from_ms, until_ms = self._hidden_ms or (0, 0)
        metadata = keys.gap_metadata(
            self.stream, first.number, first.start_ms, lost_ms + until_ms - from_ms, flags, self._run
        )
        if not self._put_record(token, metadata):
            raise StaleStateError
        self._note_lost(lost_ms)
        self.counts.flagged += self._hidden_ms is not None
        self._hidden_ms = None
        self._position = keys.position_after("", metadata)

    def _put_record(self, token: str, metadata: dict[str, str], check: Callable[[], None] | None = None) -> bool:
        text = json.dumps(metadata, indent=1).encode() + b"\n"
        content_type = keys.CONTENT_TYPES[keys.GAP]
        done = self._archive.put(
            token,
            lambda: io.BytesIO(text),
            len(text),
            zlib.crc32(text),
            content_type,
            metadata,
            check or self._deadline.check,
        )
        if done:
            self.counts.gap_records += 1
            self._log("gap record", {"key": token, **metadata})
        return done

    def _note_lost(self, lost_ms: int) -> None:
        if lost_ms:
            self.counts.expired_ms += lost_ms
            self.counts.flagged += 1
            self._log("footage expired", {"at_most_seconds": lost_ms / 1000})

    # -- the commit

    def _store(self, clip: Clip, listing: Listing) -> None:
        try:
            file_format = keys.expected_format(self._position, clip.first)
            with self._fetcher.longest_part(clip, file_format) as part:
                self._commit(part)
        except FragmentUnavailableError as error:
            self._give_up(clip.head(1, planning.UNREADABLE), listing, error)

    def _commit(self, part: Part) -> None:
        clip = part.clip
        first = clip.first
        lost_ms = self._lost_ms(first)
        flags = [part.problem] if part.problem else []
        if lost_ms:
            flags.append("expired-before")
        metadata = keys.clip_metadata(
            self.stream, clip, self._limits.clip_ms, part.file_format, part.duration_ms, ",".join(flags), self._run
        )
        if part.file_format != keys.expected_format(self._position, first):
            self._take_place(first, part.file_format, lost_ms, flags)
            lost_ms = 0
        token = keys.clip_token(first, part.file_format)
        content_type = keys.CONTENT_TYPES[part.file_format]
        check = self._check_of(first)
        file = part.file
        if not self._archive.put(token, file.rewound, file.size, file.crc32, content_type, metadata, check):
            raise StaleStateError
        self._note_lost(lost_ms)
        self.counts.clips += 1
        self.counts.fragments += len(clip.fragments)
        self.counts.bytes += part.file.size
        self.counts.flagged += bool(part.problem)
        self._log("clip", {"key": token, "bytes": part.file.size, **metadata})
        self._move_behind(clip, keys.position_after_clip(clip.last.number, clip.latest_ms, clip.last.end_ms))

    def _take_place(self, first: Fragment, file_format: str, lost_ms: int, flags: list[str]) -> None:
        """Put a record where an MP4 file would be, so that no run begins one with this fragment any more."""
        metadata = keys.gap_metadata(
            self.stream, first.number, first.start_ms, lost_ms, ",".join(flags), self._run, file_format
        )
        if not self._put_record(keys.clip_token(first), metadata, self._check_of(first)):
            raise StaleStateError
        self._note_lost(lost_ms)
        self._position = keys.position_after("", metadata)

    def _check_of(self, first: Fragment) -> Callable[[], None]:
        """Return what must hold when the put of a key begins that is made from this fragment."""
        named = self._position is not None and self._position.expected == first.number

        def check() -> None:
            self._deadline.check()
            if not named and self._remaining_retention_ms(first) < PUT_MS:
                raise StaleStateError

        return check

    def _give_up(self, clip: Clip, listing: Listing, error: FragmentUnavailableError) -> None:
        """Record that listed fragments are unavailable, once there is no hope for them."""
        remaining_retention_ms = self._remaining_retention_ms(clip.first)
        age_ms = self.stream.retention_ms - remaining_retention_ms
        is_hopeless = (error.is_final and age_ms >= FRAGMENT_UNAVAILABLE_MS) or (
            remaining_retention_ms <= planning.reserve_ms(self.stream.retention_ms)
        )
        settled = planning.settled(listing, self._limits.settle_ms)
        following = next((each for each in settled if each.number > clip.last.number), None)
        if following is None or not is_hopeless:
            raise CameraError(
                "FragmentUnavailable", f"fragment {clip.first.number} is listed but not given: {error.reason}"
            ) from error
        fragments = [*clip.fragments, following]
        lost_ms = sum(
            planning.length_ms(each, after, self._limits.gap_ms) for each, after in planning.successions(fragments)
        )
        metadata = keys.gap_metadata(
            self.stream, following.number, following.start_ms, lost_ms, "unobtainable", self._run
        )
        token = keys.clip_token(clip.first, keys.expected_format(self._position, clip.first))
        if not self._put_record(token, metadata):
            raise StaleStateError
        self._note_lost(lost_ms)
        self._move_behind(clip, keys.position_after("", metadata))

    def _move_behind(self, clip: Clip, position: Position | None) -> None:
        self._position = position
        self._floor_ms = self._hidden_ms = None
        if self._listing is not None:
            rest = [each for each in self._listing.fragments if each.number > clip.last.number]
            self._listing = self._listing._replace(fragments=rest)
