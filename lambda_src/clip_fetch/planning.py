"""Which fragments make the next clip: pure functions of what was listed.

The rules, each with the accident that it prevents, are explained in docs/exactness.md. In short: fragments go
in number order; only settled ones count; a cut is made only where no other fragment starts within a
millisecond; the requested range ends between fragments, never on one.

A fragment's listed length ends with the start of its last frame: how long that frame is shown is missing, and
a fragment of one frame is listed with length 0. So a fragment is as long as the camera's clock says up to its
successor, where one follows without a gap, and a clip is as long as that clock says.
"""

from __future__ import annotations

from typing import NamedTuple, Sequence, Union

from .model import Fragment

#: GetClip gives the first 200 fragments or the first 100 MB of a range, silently (API model,
#: GetClipOutput.Payload). Which megabyte is meant and what counts is not said, hence the distance.
MAX_FRAGMENTS = 200
MAX_BYTES = 95 * 10**6

#: GetClip's range spans at most 24 hours (API model, ClipTimestampRange); an hour is left for the bounds.
MAX_SPAN_MS = 23 * 3600 * 1000

#: Starts closer than this cannot be told apart by whole milliseconds on either side.
MIN_CUT_MS = 2

#: A bound need not lie farther from the clip's own fragments than this.
MAX_REACH_MS = 10_000

#: A clip is archived unfinished when its first fragment has less than this to live, so that several runs get
#: their chance, or a quarter of the retention where that is shorter.
RESERVE_MS = 3600 * 1000

#: A fragment's greatest length (API reference, PutMedia). A fragment of one frame lasts until the next frame,
#: which may be that long after it without a gap.
MAX_FRAGMENT_MS = 20_000

# Why a clip ends where it ends.

#: It is as long as the setting says.
LENGTH = "length"
#: The camera's own time jumps.
GAP = "gap"
#: The camera's own time does not advance.
CLOCK = "clock"
#: One more would pass 200 fragments.
COUNT = "count"
#: One more would pass 100 MB.
SIZE = "size"
#: One more would pass 24 hours.
SPAN = "span"
#: The camera sent nothing more.
QUIET = "quiet"
#: Waiting longer would risk its first fragment.
RETENTION = "retention"
#: What follows cannot be in the same clip.
CODEC = "codec"
#: A longer one does not fit into a run.
DEADLINE = "deadline"
#: Longer clips came back incomplete.
SHORT = "short"
#: What follows, or the clip itself, is not readable as a clip.
UNREADABLE = "unreadable"


class Limits(NamedTuple):
    """What bounds a clip, in milliseconds, fragments and bytes."""

    clip_ms: int
    settle_ms: int
    quiet_ms: int
    gap_ms: int
    max_fragments: int = MAX_FRAGMENTS
    max_bytes: int = MAX_BYTES
    max_span_ms: int = MAX_SPAN_MS


class Clip(NamedTuple):
    """Fragments that belong in one clip.

    Attributes:
        groups: The fragments, in number order, in groups that no range of times can separate.
        previous_ms: Start of the fragment before, where known.
        next_ms: Start of the fragment after, where known.
    """

    groups: tuple[tuple[Fragment, ...], ...]
    cut: str
    previous_ms: int | None
    next_ms: int | None

    @property
    def fragments(self) -> list[Fragment]:
        """All its fragments, in number order."""
        return [fragment for group in self.groups for fragment in group]

    @property
    def first(self) -> Fragment:
        """The fragment that names the clip."""
        return self.groups[0][0]

    @property
    def last(self) -> Fragment:
        """The fragment with the highest number."""
        return self.groups[-1][-1]

    @property
    def start_ms(self) -> int:
        """Earliest start."""
        return min(fragment.start_ms for fragment in self.groups[0])

    @property
    def latest_ms(self) -> int:
        """Latest start."""
        return max(fragment.start_ms for fragment in self.groups[-1])

    @property
    def listed_ms(self) -> int:
        """Sum of its fragments' listed lengths: what it plays at least."""
        return sum(fragment.length_ms for fragment in self.fragments)

    @property
    def size(self) -> int:
        """Bytes, as the sum of its fragments' sizes."""
        return sum(fragment.size for fragment in self.fragments)

    @property
    def range_ms(self) -> tuple[int, int]:
        """Bounds for GetClip, whole milliseconds, that hold exactly these fragments' starts.

        Halfway to the neighbours, rounded towards the clip, and no farther than needed. Where no fragment is
        known to follow, one may be under way, so the range ends at once.
        """
        start = self.start_ms - 1
        if self.previous_ms is not None:
            start = max(-(-(self.previous_ms + self.start_ms) // 2), self.start_ms - MAX_REACH_MS)
        end = self.latest_ms + 1
        if self.next_ms is not None:
            reach = max(self.last.length_ms // 2, 1)
            end = self.latest_ms + min((self.next_ms - self.latest_ms) // 2, reach, MAX_REACH_MS)
        return start, end

    def head(self, groups: int, cut: str) -> Clip:
        """Return the clip of its first groups."""
        if groups >= len(self.groups):
            return Clip(self.groups, cut, self.previous_ms, self.next_ms)
        next_ms = min(fragment.start_ms for fragment in self.groups[groups])
        return Clip(self.groups[:groups], cut, self.previous_ms, next_ms)

    def group(self, index: int) -> Clip:
        """Return the clip of one of its groups alone."""
        rest = self.groups[index:]
        previous = self.previous_ms
        if index:
            previous = max(fragment.start_ms for fragment in self.groups[index - 1])
        return Clip(rest, self.cut, previous, self.next_ms).head(1, self.cut)


class NoClip(NamedTuple):
    """There is no clip yet: it may be in what was not listed yet, or footage must be waited for."""

    lists_further: bool


#: What to do next.
Plan = Union[Clip, NoClip]


class Listing(NamedTuple):
    """What ListFragments returned.

    Attributes:
        fragments: All fragments after the archive's position up to ``until_ms``, in number order.
        until_ms: Up to which server time the listing reaches.
        asked_ms: When it was asked; a fragment that was not listable then may be missing from it.
    """

    fragments: Sequence[Fragment]
    until_ms: int
    asked_ms: int


def settled(listing: Listing, settle_ms: int) -> list[Fragment]:
    """Return the fragments before which nothing can turn up any more.

    A fragment's end is when it was complete, so one that ended ``settle_ms`` before the question, and all
    that came before it, were listable when it was asked.
    """
    known: list[Fragment] = []
    for fragment in listing.fragments:
        if fragment.end_ms > listing.asked_ms - settle_ms:
            break
        known.append(fragment)
    return known


def groups_of(fragments: Sequence[Fragment], count: int, until_ms: int) -> list[tuple[Fragment, ...]]:
    """Split fragments into groups wherever a range of times can.

    Args:
        fragments: In number order.
        count: How many of them are to be split; those behind only decide where the last group ends, and a
            group that reaches into them is left out.
        until_ms: Up to where fragments were listed; one that is not may start right behind, and belong to the
            last group.
    """
    earliest_after = [until_ms + 1] * (len(fragments) + 1)
    for index in range(len(fragments) - 1, -1, -1):
        earliest_after[index] = min(fragments[index].start_ms, earliest_after[index + 1])
    groups: list[tuple[Fragment, ...]] = []
    begin = 0
    latest = -1
    for index in range(count):
        latest = max(latest, fragments[index].start_ms)
        if earliest_after[index + 1] - latest >= MIN_CUT_MS:
            groups.append(tuple(fragments[begin : index + 1]))
            begin = index + 1
    return groups


def has_inseparable_starts(group: Sequence[Fragment]) -> bool:
    """Tell whether the camera's own time does not advance within a group.

    GetClip drops fragments that repeat a producer timestamp, and no range can keep these apart, so such a group is
    kept as it was ingested. It is alone in its clip: among others, pauses could make up for what was dropped.
    """
    return any(after.producer_ms <= each.producer_ms for each, after in successions(group))


def successions(fragments: Sequence[Fragment]) -> list[tuple[Fragment, Fragment]]:
    """Return each fragment with its successor."""
    return [(fragments[index - 1], fragments[index]) for index in range(1, len(fragments))]


def is_gap(fragment: Fragment, following: Fragment, gap_ms: int) -> bool:
    """Tell whether the camera's own time jumps between two fragments.

    The last frame of a fragment may be shown up to the next fragment. Of a fragment with several frames that
    is short enough not to matter.
    """
    pause_ms = following.producer_ms - fragment.producer_ms - fragment.length_ms
    allowed_ms = gap_ms if fragment.length_ms else max(gap_ms, MAX_FRAGMENT_MS)
    return not -gap_ms <= pause_ms <= allowed_ms


def length_ms(fragment: Fragment, following: Fragment, gap_ms: int) -> int:
    """Return how long it is: by the camera's clock up to its successor, or as listed where that jumps."""
    if is_gap(fragment, following, gap_ms):
        return fragment.length_ms
    return max(fragment.length_ms, following.producer_ms - fragment.producer_ms)


def reserve_ms(retention_ms: int) -> int:
    """Return how much time before expiry is kept in reserve."""
    return min(RESERVE_MS, retention_ms // 4)


class _Open:
    """A clip in the making: its groups and their running totals."""

    def __init__(self, limits: Limits) -> None:
        self.groups: list[tuple[Fragment, ...]] = []
        self.fragments = 0
        self._limits = limits
        self._length_ms = 0  # up to the start of its last fragment
        self._size = 0

    def cut_before(self, group: tuple[Fragment, ...]) -> str | None:
        """Tell why ``group`` cannot join, if it cannot."""
        if not self.groups:
            return None
        limits = self._limits
        last, following = self.groups[-1][-1], group[0]
        if (
            following.producer_ms <= last.producer_ms
            or has_inseparable_starts(self.groups[-1])
            or has_inseparable_starts(group)
        ):
            return CLOCK
        if is_gap(last, following, limits.gap_ms):
            return GAP
        if following.start_ms - last.end_ms > limits.quiet_ms:
            return QUIET
        if self._length_ms + length_ms(last, following, limits.gap_ms) >= limits.clip_ms:
            return LENGTH
        if self.fragments + len(group) > limits.max_fragments:
            return COUNT
        if self._size + sum(fragment.size for fragment in group) > limits.max_bytes:
            return SIZE
        if group[-1].start_ms - self.groups[0][0].start_ms > limits.max_span_ms:
            return SPAN
        return None

    def add(self, group: tuple[Fragment, ...]) -> str | None:
        """Take ``group`` in; why the clip is complete then, if it is."""
        chain = (self.groups[-1][-1:] if self.groups else ()) + group
        for fragment, following in successions(chain):
            self._length_ms += length_ms(fragment, following, self._limits.gap_ms)
        self.groups.append(group)
        self.fragments += len(group)
        self._size += sum(fragment.size for fragment in group)
        return LENGTH if self._length_ms + group[-1].length_ms >= self._limits.clip_ms else None

    def cut_at_end(self, listing: Listing, retention_ms: int) -> str | None:
        """Tell why the clip, unfinished, need not wait for more, if so."""
        first, last = self.groups[0][0], self.groups[-1][-1]
        nothing_follows = len(listing.fragments) == self.fragments
        if nothing_follows and listing.asked_ms - last.end_ms >= self._limits.quiet_ms:
            return QUIET
        if first.start_ms + retention_ms - listing.asked_ms <= reserve_ms(retention_ms):
            return RETENTION
        return None

    def close(self, cut: str, previous_ms: int | None, listing: Listing) -> Clip:
        """Return the clip with the groups that it has."""
        after = listing.fragments[self.fragments :]
        next_ms = min((fragment.start_ms for fragment in after), default=None)
        return Clip(tuple(self.groups), cut, previous_ms, next_ms)


def plan_clip(listing: Listing, previous_ms: int | None, retention_ms: int, limits: Limits) -> Plan:
    """Decide on the next clip.

    Returns:
        The clip; or that footage must be waited for; or that the listing must go further first.
    """
    known = settled(listing, limits.settle_ms)
    clip = _Open(limits)
    for group in groups_of(listing.fragments, len(known), listing.until_ms):
        cut = clip.cut_before(group) or clip.add(group)
        if cut is not None:
            return clip.close(cut, previous_ms, listing)
    if listing.until_ms < listing.asked_ms:
        return NoClip(lists_further=True)
    cut = clip.cut_at_end(listing, retention_ms) if clip.groups else None
    return NoClip(lists_further=False) if cut is None else clip.close(cut, previous_ms, listing)
