"""Planning: which fragments make the next clip, and the range that asks for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch import planning
from clip_fetch.model import Fragment
from clip_fetch.planning import Clip, Limits, Listing, NoClip, Plan, groups_of, plan_clip
from tests.support.clip_fetch_aws import HOUR, T0, footage, numbers

WAIT, FURTHER = NoClip(lists_further=False), NoClip(lists_further=True)
LIMITS = Limits(clip_ms=10_000, settle_ms=5_000, quiet_ms=60_000, gap_ms=3_000)


def plan(
    fragments: list[Fragment], now_ms: int | None = None, until_ms: int | None = None, limits: Limits = LIMITS
) -> Plan:
    """The plan for fragments that were listed so long after the last of them that all are settled."""
    asked_ms = fragments[-1].end_ms + 10_000 if now_ms is None else now_ms
    return plan_clip(Listing(fragments, asked_ms if until_ms is None else until_ms, asked_ms), None, HOUR, limits)


def planned(fragments: list[Fragment], limits: Limits = LIMITS) -> Clip:
    """A plan that is a clip."""
    clip = plan(fragments, limits=limits)
    assert isinstance(clip, Clip)
    return clip


def moved(fragments: list[Fragment], by_ms: int, producer_ms: int | None = None) -> list[Fragment]:
    """The fragments later, by the server's clock and by the camera's."""
    camera_ms = by_ms if producer_ms is None else producer_ms
    return [
        Fragment(f.number + 500, f.start_ms + by_ms, f.producer_ms + camera_ms, f.length_ms, f.size) for f in fragments
    ]


def test_a_clip_closes_with_the_fragment_that_makes_it_long_enough() -> None:
    clip = planned(footage(9, length_ms=3000))
    assert (numbers(clip.fragments), clip.cut) == ([1000, 1001, 1002, 1003], planning.LENGTH)
    assert len(planned(footage(9)).fragments) == 5  # an exact length is enough


def test_an_unfinished_clip_waits() -> None:
    assert plan(footage(4)) == WAIT


def test_nothing_listed_is_waited_for() -> None:
    assert plan_clip(Listing([], T0, T0), None, HOUR, LIMITS) == WAIT


def test_a_fragment_counts_only_when_it_ended_long_enough_ago() -> None:
    fragments = footage(5)
    assert plan(fragments, now_ms=fragments[-1].end_ms + 4_999) == WAIT
    assert isinstance(plan(fragments, now_ms=fragments[-1].end_ms + 5_000), Clip)


def test_what_follows_an_unsettled_fragment_does_not_count_though_it_ended_earlier() -> None:
    long_one = Fragment(1000, T0, T0, 20_000, 1)
    rest = footage(6, start_ms=T0 + 1, first=1001)
    assert plan([long_one, *rest], now_ms=T0 + 20_000) == WAIT


def test_a_listing_that_ended_early_is_continued_before_anything_waits() -> None:
    fragments = footage(4)
    assert plan(fragments, until_ms=fragments[-1].start_ms) == FURTHER


@pytest.mark.parametrize(
    ("second", "cut"),
    [
        pytest.param(moved(footage(3), 7_100), planning.GAP, id="a pause"),
        pytest.param(moved(footage(3), 4_000, producer_ms=-9_000), planning.CLOCK, id="a clock set back"),
        pytest.param(moved(footage(3), 4_000, producer_ms=2_000), planning.CLOCK, id="a fragment sent again"),
        pytest.param(moved(footage(3), 4_000, producer_ms=99_000), planning.GAP, id="a clock set forward"),
        pytest.param(moved(footage(3), 65_000, producer_ms=4_000), planning.QUIET, id="a broken connection"),
    ],
)
def test_a_clip_ends_where_the_footage_is_broken(second: list[Fragment], cut: str) -> None:
    clip = planned([*footage(2), *second])
    assert (numbers(clip.fragments), clip.cut) == ([1000, 1001], cut)


def test_a_pause_that_is_not_a_gap_goes_into_the_clip() -> None:
    """It takes its time of the clip, as it does of the camera's day."""
    clip = planned([*footage(2), *moved(footage(3), 7_000)])
    assert (len(clip.fragments), clip.cut) == (4, planning.LENGTH)


class TestLength:
    """Listed lengths lack the last frame; the camera's clock knows how long a fragment is."""

    def test_a_clip_is_as_long_as_the_camera_s_clock_says(self) -> None:
        clip = planned(footage(9, last_ms=40))
        assert (len(clip.fragments), clip.cut) == (5, planning.LENGTH)

    def test_it_is_complete_when_its_successor_is_known_or_its_own_frames_suffice(self) -> None:
        """The last frame of its last fragment ends at an unknown time before that."""
        assert plan(footage(5, last_ms=40)) == WAIT
        assert isinstance(plan(footage(6, last_ms=40)), Clip)
        enough = [*footage(4, last_ms=40), *moved(footage(1, length_ms=2400, last_ms=400), 8_000)]
        assert isinstance(plan(enough), Clip)

    def test_fragments_of_one_frame_are_as_far_apart_as_they_are_long(self) -> None:
        fragments = footage(30, length_ms=1000, last_ms=1000)
        assert {fragment.length_ms for fragment in fragments} == {0}
        clip = planned(fragments)
        assert (len(clip.fragments), clip.cut) == (10, planning.LENGTH)

    @pytest.mark.parametrize(("apart_ms", "fragments"), [(8_300, 8), (19_900, 4), (20_000, 3)])
    def test_a_frame_that_stands_alone_lasts_until_the_next(self, apart_ms: int, fragments: int) -> None:
        limits = Limits(60_000, 5_000, 120_000, 5_000)
        clip = planned(footage(20, length_ms=apart_ms, last_ms=apart_ms), limits)
        assert (len(clip.fragments), clip.cut) == (fragments, planning.LENGTH)

    def test_a_frame_that_comes_later_than_a_fragment_can_last_is_behind_a_gap(self) -> None:
        frames = footage(3, length_ms=20_001, last_ms=20_001)
        assert planned(frames).cut == planning.GAP
        patient = Limits(60_000, 5_000, 120_000, gap_ms=30_000)
        assert planned([*frames, *moved(frames, 60_003)], patient).cut == planning.LENGTH

    @pytest.mark.parametrize("jump_ms", [-30_000, -1_000, 25_000])
    def test_a_clock_that_jumps_between_single_frames_ends_the_clip(self, jump_ms: int) -> None:
        before = footage(5, length_ms=1000, last_ms=1000)
        after = moved(footage(5, length_ms=1000, last_ms=1000), 5000, producer_ms=5000 + jump_ms - 1)
        clip = planned([*before, *after])
        assert (numbers(clip.fragments), clip.cut in (planning.GAP, planning.CLOCK)) == (
            [1000, 1001, 1002, 1003, 1004],
            True,
        )

    def test_a_fragment_before_a_gap_is_as_long_as_listed(self) -> None:
        first, second = footage(1, last_ms=40)[0], moved(footage(1), 9_000)[0]
        assert planning.length_ms(first, second, 5_000) == 1960
        assert planning.length_ms(first, second, 10_000) == 9_000
        early = second._replace(producer_ms=first.producer_ms + 500)
        assert planning.length_ms(first, early, 5_000) == 1960


@pytest.mark.parametrize(
    ("fragments", "limits", "count", "cut"),
    [
        pytest.param(footage(250), Limits(3600_000, 5_000, 60_000, 3_000), 200, planning.COUNT, id="200 fragments"),
        pytest.param([f._replace(size=30_000_000) for f in footage(9)], LIMITS, 3, planning.SIZE, id="100 MB"),
        pytest.param(
            [Fragment(1000 + i, T0 + i * 8 * HOUR, T0 + i * 2000, 2000, 1) for i in range(5)],
            Limits(10**9, 5_000, 86_400_000, 3_000),
            3,
            planning.SPAN,
            id="a day, however slowly it came",
        ),
    ],
)
def test_a_clip_stays_below_what_getclip_gives(
    fragments: list[Fragment], limits: Limits, count: int, cut: str
) -> None:
    clip = planned(fragments, limits)
    assert (len(clip.fragments), clip.cut) == (count, cut)


def test_a_quiet_camera_is_archived_short() -> None:
    fragments = footage(2)
    clip = plan(fragments, now_ms=fragments[-1].end_ms + 60_000)
    assert isinstance(clip, Clip)
    assert clip.cut == planning.QUIET
    assert plan(fragments, now_ms=fragments[-1].end_ms + 59_999) == WAIT


def test_a_camera_is_not_quiet_when_its_next_fragment_is_listed_but_not_settled() -> None:
    limits = Limits(clip_ms=10_000, settle_ms=5_000, quiet_ms=5_000, gap_ms=60_000)
    resumed = Fragment(1002, T0 + 8_500, T0 + 4_000, 2000, 1)
    assert plan([*footage(2), resumed], now_ms=T0 + 10_600, limits=limits) == WAIT


def test_an_unfinished_clip_is_archived_when_retention_nears() -> None:
    fragments = footage(2)
    reserve_ms = HOUR // 4
    now_ms = fragments[0].start_ms + HOUR - reserve_ms
    endless = Limits(10_000, 5_000, 10**9, 3_000)
    clip = plan(fragments, now_ms=now_ms, limits=endless)
    assert isinstance(clip, Clip)
    assert clip.cut == planning.RETENTION
    assert plan(fragments, now_ms=now_ms - 1, limits=endless) == WAIT


def test_fragments_of_one_moment_are_not_separated() -> None:
    fragments = footage(4)
    twins = [Fragment(2000 + i, T0 + 8000 + i // 2, T0 + 8000 + 2000 * i, 2000, 1) for i in range(4)]
    clip = planned([*fragments, *twins, *footage(3, start_ms=T0 + 20_000, first=3000)])
    assert numbers(clip.fragments)[-4:] == [2000, 2001, 2002, 2003]


def test_a_group_that_reaches_into_what_is_not_settled_waits() -> None:
    twins = [Fragment(1000, T0, T0, 2000, 1), Fragment(1001, T0, T0 + 2000, 9000, 1)]
    assert groups_of(twins, 1, T0 + 10**6) == []
    assert plan(twins, now_ms=T0 + 8_000, limits=Limits(1000, 5_000, 60_000, 3_000)) == WAIT


def test_a_group_that_may_go_on_behind_the_listing_waits_for_more_of_it() -> None:
    alone = [Fragment(1000, T0, T0, 10_000, 1)]
    assert plan(alone, until_ms=T0) == FURTHER
    assert isinstance(plan(alone, until_ms=T0 + 1), Clip)


def test_a_group_that_repeats_a_producer_time_is_alone_in_its_clip() -> None:
    pair = [Fragment(2000, T0 + 4000, T0 + 4000, 2000, 1), Fragment(2001, T0 + 4000, T0 + 4000, 2000, 1)]
    after = footage(3, start_ms=T0 + 6000, first=3000)
    first = planned([*footage(2), *pair, *after])
    second = planned([*pair, *after])
    assert (numbers(first.fragments), first.cut) == ([1000, 1001], planning.CLOCK)
    assert (numbers(second.fragments), second.cut) == ([2000, 2001], planning.CLOCK)


class TestRange:
    """The range holds the starts of the clip's fragments and no others."""

    def clip(self, *starts: int, previous: int | None = None, following: int | None = None) -> Clip:
        fragments = [Fragment(i, T0 + start, T0 + start, 2000, 1) for i, start in enumerate(starts)]
        return Clip(
            tuple((fragment,) for fragment in fragments),
            planning.LENGTH,
            None if previous is None else T0 + previous,
            None if following is None else T0 + following,
        )

    @pytest.mark.parametrize(
        ("clip", "start", "end"),
        [
            pytest.param({"starts": (1000, 3000), "previous": 0, "following": 5000}, 500, 4000, id="halfway"),
            pytest.param({"starts": (2,), "previous": 0, "following": 4}, 1, 3, id="as close as can be"),
            pytest.param({"starts": (3,), "previous": 0, "following": 6}, 2, 4, id="rounded towards the clip"),
            pytest.param({"starts": (1000,)}, 999, 1001, id="neighbours unknown"),
            pytest.param({"starts": (9**9,), "previous": 0, "following": 10**9}, 9**9 - 10_000, 9**9 + 1000, id="far"),
        ],
    )
    def test_bounds(self, clip: dict, start: int, end: int) -> None:  # type: ignore[type-arg]
        made = self.clip(*clip["starts"], previous=clip.get("previous"), following=clip.get("following"))
        assert made.range_ms == (T0 + start, T0 + end)

    def test_the_parts_of_a_clip_have_ranges_that_do_not_touch(self) -> None:
        clip = self.clip(0, 2000, 4000, 6000, previous=-2000, following=8000)
        assert clip.head(2, planning.SHORT).range_ms == (T0 - 1000, T0 + 3000)
        assert clip.group(2).range_ms == (T0 + 3000, T0 + 5000)


@st.composite
def streams(draw: st.DrawFn) -> list[Fragment]:
    """What a camera sent, odd spacings and clocks included."""
    spacings = st.sampled_from([0, 1, 2, 3, 500, 1000, 2000, 2000, 2000, 20_000, 70_000])
    number, start_ms, producer_ms = draw(st.integers(1, 10**40)), T0, T0
    fragments: list[Fragment] = []
    for _ in range(draw(st.integers(1, 30))):
        length_ms = draw(st.integers(1, 20_000))
        size = draw(st.sampled_from([1000, 1_000_000, 40_000_000]))
        fragments.append(Fragment(number, start_ms, producer_ms, length_ms, size))
        number += draw(st.integers(1, 10**40))
        start_ms += draw(spacings)
        producer_ms += draw(st.sampled_from([length_ms, length_ms, length_ms, 0, -50_000, 50_000]))
    return fragments


@given(fragments=streams(), clip_ms=st.integers(1, 60_000))
def test_consecutive_plans_cover_every_fragment_once_with_ranges_that_hold_only_their_own(
    fragments: list[Fragment], clip_ms: int
) -> None:
    """The whole point, for one run without faults: plan, move behind the clip, plan again."""
    limits = Limits(clip_ms, 5_000, 60_000, 3_000)
    asked_ms = fragments[-1].start_ms + 10**6
    rest, previous_ms, clips = fragments, None, []
    while rest:
        clip = plan_clip(Listing(rest, asked_ms, asked_ms), previous_ms, 10**12, limits)
        assert isinstance(clip, Clip), "a quiet camera's footage never waits"
        clips.append(clip)
        rest, previous_ms = rest[len(clip.fragments) :], clip.latest_ms
    assert [f for clip in clips for f in clip.fragments] == fragments
    for clip in clips:
        low, high = clip.range_ms
        assert low < high
        assert [f for f in fragments if low <= f.start_ms <= high] == clip.fragments
        assert len(clip.groups) == 1 or clip.size <= planning.MAX_BYTES
        assert len(clip.groups) == 1 or clip.groups[-1:] == clip.group(len(clip.groups) - 1).groups
        before = [f for group in clip.groups[:-1] for f in group]
        known = [planning.length_ms(a, b, limits.gap_ms) for a, b in planning.successions(before)]
        assert not before or sum(known) + before[-1].length_ms < clip_ms


@given(fragments=streams(), data=st.data())
def test_a_plan_does_not_depend_on_what_was_listed_behind_it(fragments: list[Fragment], data: st.DataObject) -> None:
    """Two runs with the same settings agree, however far each has listed."""
    limits = Limits(data.draw(st.integers(1, 60_000)), 5_000, 60_000, 3_000)
    asked_ms = fragments[-1].start_ms + 10**6
    far = plan_clip(Listing(fragments, asked_ms, asked_ms), None, 10**12, limits)
    until_ms = data.draw(st.integers(T0, fragments[-1].start_ms))
    listed = [fragment for fragment in fragments if fragment.start_ms <= until_ms]
    near = plan_clip(Listing(listed, until_ms, asked_ms), None, 10**12, limits)
    assert isinstance(far, Clip)
    assert near == FURTHER or near.fragments == far.fragments  # type: ignore[union-attr]
