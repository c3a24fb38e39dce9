"""Episodes: gaps of one cause that overlap are one, whoever has them."""

from __future__ import annotations

from factory_lake.report.episodes import MAX_EVIDENCE, episodes_of
from tests.unit.factory_lake.report.samples import FROM_MS, HOUR_MS, OFFLINE, QUIET, UNEXPLAINED, Gap, timeline


def at(gap: Gap, begin: float, end: float, *evidence: str) -> Gap:
    return (begin, end, gap[2], gap[3], gap[4], evidence or gap[5])


def test_gaps_of_one_cause_that_overlap_are_one() -> None:
    (episode,) = episodes_of(
        [
            timeline("gateway", "line-1/measurements", at(OFFLINE, 10, 12)),
            timeline("tag", "line-1/a", at(OFFLINE, 9.5, 11.5)),
            timeline("tag", "line-1/b", at(OFFLINE, 11, 14)),
        ]
    )
    assert (episode.start_ms, episode.end_ms) == (FROM_MS + round(9.5 * HOUR_MS), FROM_MS + 14 * HOUR_MS)
    assert episode.missing_ms == 7 * HOUR_MS
    assert {subject.name for subject in episode.subjects} == {"line-1/measurements", "line-1/a", "line-1/b"}


def test_gaps_that_only_touch_or_have_another_cause_are_several() -> None:
    tags = [
        timeline("tag", "line-1/a", at(OFFLINE, 1, 2), at(OFFLINE, 4, 5)),
        timeline("tag", "line-1/b", at(OFFLINE, 2, 3), at(UNEXPLAINED, 4, 5)),
    ]
    assert len(episodes_of(tags)) == 4


def test_what_is_unexplained_comes_first_then_the_longest() -> None:
    found = episodes_of(
        [timeline("tag", "a", at(OFFLINE, 1, 9), at(UNEXPLAINED, 20, 20.1), at(OFFLINE, 30, 50), QUIET)]
    )
    assert [(one.state, one.missing_ms // HOUR_MS) for one in found] == [
        ("unexplained", 0),
        ("gateway_offline", 20),
        ("gateway_offline", 8),
    ]


def test_an_episode_has_each_piece_of_evidence_once_and_few_of_them() -> None:
    tags = [timeline("tag", str(number), at(OFFLINE, 1, 2, "same", f"own {number}")) for number in range(9)]
    (episode,) = episodes_of(tags)
    assert episode.evidence == ("same", "own 0", "own 1")[:MAX_EVIDENCE]
