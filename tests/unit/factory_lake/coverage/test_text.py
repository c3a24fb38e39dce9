"""What the command prints of a coverage, and what it asks of a scope."""

from __future__ import annotations

import pytest

from factory_lake.coverage import text
from factory_lake.coverage.collect import Scope
from factory_lake.coverage.model import Coverage, Kind, Span, Subject, Timeline
from factory_lake.output import layout

HOUR = 3_600_000
GAP = ("measurements WHERE factory = 'krakow'",)


def timeline(kind: Kind, name: str, *spans: Span, expected_ms: int | None = 2000) -> Timeline:
    return Timeline(Subject(kind, "krakow", name), spans, expected_ms, "periodic")


def unexplained(begin: int, end: int) -> Span:
    return Span(begin, end, "unexplained", cause="nothing arrived", evidence=GAP)


def coverage(*timelines: Timeline) -> Coverage:
    return Coverage("lake", 0, HOUR, HOUR, timelines, 1234, 5600, ("a note",))


LANE = timeline("gateway", "line-1/measurements", Span(0, 1000, "data", 5), unexplained(1000, HOUR))
TAGS = [
    timeline("tag", f"line-1/press/tag-{number:03}", Span(0, 2000, "data", 5), unexplained(2000, HOUR))
    for number in range(100)
]
OFFLINE = Span(1000, HOUR, "gateway_offline", 0, "CONNECTION_LOST", "it was seen to disconnect", ("connections",))


def printed(found: Coverage, most: int = 50) -> str:
    tables = text.tables(found, most)
    return "\n".join([*(line for table in tables for line in layout(table, 80)), *text.notes(found, most)])


def test_a_gap_of_a_whole_gateway_is_shown_once() -> None:
    shown = printed(coverage(LANE, *TAGS))
    assert shown.count("nothing arrived") == 1
    assert "100 gaps of tags are those of their gateways" in shown
    assert max(map(len, shown.partition("100 gaps of tags")[0].splitlines())) <= 80


def test_what_is_unexplained_comes_first_and_each_gap_says_where_it_can_be_seen() -> None:
    other = timeline("gateway", "line-2/measurements", Span(0, 1000, "data"), OFFLINE)
    found = coverage(other, LANE)
    assert [span.state for _, span in text.gaps(found)] == ["unexplained", "gateway_offline"]
    shown = printed(found)
    assert shown.index("UNEXPLAINED") < shown.index("gateway offline: ") < shown.index("Where that can be seen")
    assert GAP[0] in shown
    assert "a note" in shown
    assert "3,599 s unexplained; queries: 1,234 bytes scanned, 5.6 s" in shown


def test_whole_subjects_are_counted_where_they_are_many() -> None:
    whole = [timeline("tag", f"line-1/press/{number}", Span(0, HOUR, "data", 9)) for number in range(50)]
    assert "... 30 more without gaps" in printed(coverage(*whole))


def test_more_gaps_than_asked_for_are_counted() -> None:
    tags = [timeline("tag", f"line-{number}/press/tag", unexplained(0, HOUR)) for number in range(5)]
    assert "3 more gaps: --gaps 5," in printed(coverage(*tags), most=2)


def test_every_gap_is_a_row_of_the_csv() -> None:
    table = text.gap_table(coverage(LANE, *TAGS))
    assert len(table.rows) == 101
    assert dict(zip(table.columns, table.rows[0], strict=True))["evidence"] == GAP[0]


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        (Scope(0, 1), "lane tag camera"),
        (Scope(0, 1, gateways=("line-1",)), "lane tag"),
        (Scope(0, 1, gateways=("line-2",)), ""),
        (Scope(0, 1, tags=("speed",)), "tag"),
        (Scope(0, 1, tags=("press/speed",)), "tag"),
        (Scope(0, 1, tags=("line-1/press/speed",)), "tag"),
        (Scope(0, 1, tags=("eed",)), ""),
        (Scope(0, 1, tags=("speed",), gateways=("line-2",)), ""),
        (Scope(0, 1, cameras=("door",)), "camera"),
        (Scope(0, 1, cameras=("door",), tags=("speed",)), "tag camera"),
    ],
)
def test_a_scope_wants_what_it_names(scope: Scope, wanted: str) -> None:
    subjects = {
        "lane": timeline("gateway", "line-1/measurements"),
        "tag": timeline("tag", "line-1/press/speed"),
        "camera": timeline("camera", "door"),
    }
    assert " ".join(name for name, one in subjects.items() if scope.wants(one)) == wanted


def test_a_lake_of_the_canary_alone_has_nothing_to_tell_of_and_says_so() -> None:
    (table,) = text.tables(Coverage("environments/dev", 0, 1, 1, ()), 50)
    assert "".join(layout(table, 80)) == "environments/dev has no gateway, tag or camera to tell of"
