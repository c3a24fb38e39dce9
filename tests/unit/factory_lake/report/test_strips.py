"""Strips: every gap is drawn where it is and wide enough, shared things are stored once, gaps are never left out."""

from __future__ import annotations

import base64
import json
import re
import zlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_lake.coverage.model import HARMLESS, STATES, Coverage, Span, Subject, Timeline
from factory_lake.report import strips as module
from factory_lake.report.strips import HEIGHT, WIDTH, data_of, packed, shared_paths, strips_of
from tests.unit.factory_lake.report import samples

_MOVE = re.compile(rf"m(-?\d+) 0h(\d+)v{HEIGHT}h-(\d+)z")
LENGTHS = st.lists(st.tuples(st.integers(1, 10_000_000), st.sampled_from(STATES)), min_size=1, max_size=40)


def boxes(path: str) -> list[tuple[int, int]]:
    """First and last column of each rectangle of a path, as a browser reads it."""
    assert "".join(match[0] for match in _MOVE.finditer(path)) == path
    found, at = [], 0
    for move, right, left in _MOVE.findall(path):
        assert right == left
        at += int(move)
        found.append((at, at + int(right)))
    return found


def drawn(coverage: Coverage) -> dict[str, list[tuple[int, int]]]:
    (strip,) = strips_of(coverage)
    return {state: boxes(path) for state, path in strip.paths}


@given(LENGTHS)
def test_every_span_is_drawn_where_it_is(lengths: list[tuple[int, Any]]) -> None:
    at, spans = samples.FROM_MS, []
    for length, state in lengths:
        spans.append(Span(at, at + length, state))
        at += length
    coverage = Coverage("lake", samples.FROM_MS, at, at, (Timeline(Subject("tag", "krakow", "a"), tuple(spans)),))
    shown = drawn(coverage)
    column_ms = (at - samples.FROM_MS) / WIDTH
    assert shown.keys() == {span.state for span in spans} - {"data"}
    for state, found in shown.items():
        assert all(0 <= begin < end <= WIDTH for begin, end in found)
        assert all(before[1] < after[0] for before, after in pairwise(found))
        for begin, end in found:
            # Each column of a state has some of it.
            inside = [span for span in spans if span.state == state]
            first, last = samples.FROM_MS + begin * column_ms, samples.FROM_MS + end * column_ms
            assert any(span.start_ms < last + column_ms and span.end_ms > first - column_ms for span in inside)
    for span in spans:
        if span.state != "data":
            middle = ((span.start_ms + span.end_ms) / 2 - samples.FROM_MS) / column_ms
            assert any(begin - 1 <= middle <= end + 1 for begin, end in shown[span.state])


def test_the_data_says_each_span_again() -> None:
    coverage = samples.coverage()
    text = zlib.decompress(base64.b64decode(packed(data_of(coverage, strips_of(coverage)))))
    data = json.loads(text)
    for name, kind, index, expected, _ in data["strips"].values():
        (timeline,) = [one for one in coverage.timelines if (one.subject.name, one.subject.kind) == (name, kind)]
        assert expected == timeline.expected_ms
        at, said = data["from"], []
        flat = data["spans"][index]
        for length, why, count in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
            state, reason, cause, evidence = data["why"][why]
            said.append(Span(at, at + length, state, count, reason, cause, tuple(evidence)))
            at += length
        assert tuple(said) == timeline.spans


def test_what_is_shared_is_stored_once() -> None:
    coverage = samples.coverage(*(samples.timeline("tag", f"line-1/{n}", *([samples.OFFLINE] * 1)) for n in range(9)))
    strips = strips_of(coverage)
    data: Any = data_of(coverage, strips)
    assert len(data["spans"]) == 1
    assert len(data["why"]) == 2
    # A path as short as one rectangle's is no longer than the reference to it.
    gaps = [(hour, hour + 1.0, *samples.OFFLINE[2:]) for hour in range(0, 60, 4)]
    many = samples.coverage(*(samples.timeline("tag", f"line-1/{n}", *gaps) for n in range(9)))
    assert len(shared_paths(strips_of(many))) == 1


def test_strips_with_the_gravest_gaps_come_first() -> None:
    coverage = samples.coverage(
        samples.timeline("tag", "a"),
        samples.timeline("tag", "b", samples.OFFLINE),
        samples.timeline("tag", "c", samples.UNEXPLAINED),
        samples.timeline("tag", "d", samples.QUIET),
    )
    assert [strip.timeline.subject.name for strip in strips_of(coverage)] == ["c", "b", "a", "d"]


def test_a_page_with_too_many_spans_leaves_out_short_harmless_ones_and_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SPANS", 600)
    quiet = [(hour / 2, hour / 2 + 0.2, *samples.QUIET[2:]) for hour in range(190)]
    coverage = samples.coverage(
        *(samples.timeline("tag", f"line-1/{n}", *quiet, samples.UNEXPLAINED) for n in range(10))
    )
    assert sum(len(timeline.spans) for timeline in coverage.timelines) > 3000
    strips = strips_of(coverage)
    assert sum(len(strip.timeline.spans) for strip in strips) <= 600
    for strip in strips:
        (before,) = [one for one in coverage.timelines if one.subject == strip.timeline.subject]
        assert strip.gaps == tuple(span for span in before.spans if span.state not in HARMLESS)
        spans = strip.timeline.spans
        assert (spans[0].start_ms, spans[-1].end_ms) == (samples.FROM_MS, samples.TO_MS)
        assert all(one.end_ms == after.start_ms for one, after in pairwise(spans))
        assert sum(span.count for span in spans) == sum(span.count for span in before.spans)
