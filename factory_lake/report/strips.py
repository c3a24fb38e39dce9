"""Timelines as strips: paths small enough that a month of a thousand tags fits into one file.

A strip is drawn on a grid of `WIDTH` columns, in one path for each state; `data` is the strip's background. A gap
takes one column at least, however short it is. A path that several strips share is stored once. What a strip says
of a moment is in the page's data instead: durations, and for each an index of its cause's text.
"""

import json
import zlib
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from factory_lake.coverage.model import HARMLESS, STATES, Coverage, Span, State, Timeline

WIDTH, HEIGHT = 2000, 16
#: The spans of all strips that a page has before it leaves out short harmless ones.
MAX_SPANS = 200_000
#: Characters of a path from which on it is worth a reference.
_SHARED = 30


@dataclass(frozen=True)
class Strip:
    """A timeline as it is drawn."""

    id: str
    timeline: Timeline
    paths: tuple[tuple[State, str], ...]  # the harmless states first, so that gaps lie above them

    @property
    def gaps(self) -> tuple[Span, ...]:
        """The spans in which something is missing."""
        return tuple(span for span in self.timeline.spans if span.state not in HARMLESS)

    @property
    def missing_ms(self) -> Mapping[State, int]:
        """How long something is missing, by state, the gravest first."""
        sums: Counter[State] = Counter()
        for span in self.gaps:
            sums[span.state] += span.end_ms - span.start_ms
        return {state: sums[state] for state in reversed(STATES) if sums[state]}


def strips_of(coverage: Coverage) -> list[Strip]:
    """The strips of a coverage, those with the gravest and longest gaps first within each kind."""
    timelines = _bounded(coverage)
    made = [
        Strip(f"{timeline.subject.kind[0]}{number}", timeline, tuple(_paths(timeline.spans, coverage)))
        for number, timeline in enumerate(timelines)
    ]
    return sorted(made, key=_order)


def shared_paths(strips: Iterable[Strip]) -> dict[str, str]:
    """Paths that several strips have, and the IDs under which the page stores each once."""
    uses = Counter(path for strip in strips for _, path in strip.paths)
    several = (path for path, number in uses.items() if number > 1 and len(path) > _SHARED)
    return {path: f"p{number}" for number, path in enumerate(several)}


def data_of(coverage: Coverage, strips: Sequence[Strip]) -> dict[str, object]:
    """What the page's script knows of the strips.

    `why` has each text once: state, reason, cause, evidence. `spans` has each timeline once, as durations, indexes of
    `why` and counts, three numbers a span. `strips` has name, kind, index of `spans` and what is expected, by ID.
    """
    why: dict[tuple[object, ...], int] = {}
    spans: dict[tuple[int, ...], int] = {}
    rows: dict[str, list[object]] = {}
    for strip in strips:
        flat: list[int] = []
        for span in strip.timeline.spans:
            text = why.setdefault((span.state, span.reason, span.cause, span.evidence), len(why))
            flat += (span.end_ms - span.start_ms, text, span.count)
        subject = strip.timeline.subject
        at = spans.setdefault(tuple(flat), len(spans))
        rows[strip.id] = [subject.name, subject.kind, at, strip.timeline.expected_ms, strip.timeline.basis]
    return {
        "from": coverage.from_ms,
        "to": coverage.to_ms,
        "why": [[state, reason, cause, list(evidence)] for state, reason, cause, evidence in why],  # type: ignore[call-overload]
        "spans": [list(flat) for flat in spans],
        "strips": rows,
        "harmless": [state for state in STATES if state in HARMLESS],
    }


def packed(document: object) -> str:
    """A document as the page carries it: JSON, deflated, in base64, which no text can leave."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def _bounded(coverage: Coverage) -> list[Timeline]:
    """The timelines, with fewer short harmless spans where there are too many of them for a page."""
    timelines = list(coverage.timelines)
    shortest_ms = max(1, (coverage.to_ms - coverage.from_ms) // WIDTH)
    while sum(len(timeline.spans) for timeline in timelines) > MAX_SPANS and shortest_ms < _span_ms(coverage):
        timelines = [replace(timeline, spans=_coarse(timeline.spans, shortest_ms)) for timeline in timelines]
        shortest_ms *= 2
    return timelines


def _span_ms(coverage: Coverage) -> int:
    return coverage.to_ms - coverage.from_ms


def _coarse(spans: Sequence[Span], shortest_ms: int) -> tuple[Span, ...]:
    """Join harmless spans with the harmless one before them where either is short; gaps stay as they are."""
    found: list[Span] = []
    joined: list[Span] = []

    def close() -> None:
        if len(joined) > 1:
            longest = max(joined, key=lambda span: span.end_ms - span.start_ms)
            count = sum(span.count for span in joined)
            found.append(replace(longest, start_ms=joined[0].start_ms, end_ms=joined[-1].end_ms, count=count))
        else:
            found.extend(joined)
        joined.clear()

    for span in spans:
        is_harmless = span.state in HARMLESS
        if joined and not (is_harmless and _is_short(span, joined, shortest_ms)):
            close()
        if is_harmless:
            joined.append(span)
        else:
            found.append(span)
    close()
    return tuple(found)


def _is_short(span: Span, joined: Sequence[Span], shortest_ms: int) -> bool:
    before_ms = joined[-1].end_ms - joined[0].start_ms
    return min(before_ms, span.end_ms - span.start_ms) < shortest_ms or span.state == joined[-1].state


def _paths(spans: Sequence[Span], coverage: Coverage) -> Iterable[tuple[State, str]]:
    columns: dict[State, list[tuple[int, int]]] = defaultdict(list)
    length = max(1, _span_ms(coverage))
    for span in spans:
        if span.state == "data":
            continue
        # Whole columns, so that the shortest span has one.
        begin = (span.start_ms - coverage.from_ms) * WIDTH // length
        end = -(-(span.end_ms - coverage.from_ms) * WIDTH // length)
        drawn = columns[span.state]
        if drawn and begin <= drawn[-1][1]:
            drawn[-1] = (drawn[-1][0], max(end, drawn[-1][1]))
        else:
            drawn.append((begin, end))
    for state in STATES:
        if drawn := columns.get(state, []):
            moves = [drawn[0][0], *(after[0] - before[0] for before, after in pairwise(drawn))]
            yield (
                state,
                "".join(
                    f"m{move} 0h{end - begin}v{HEIGHT}h{begin - end}z"
                    for move, (begin, end) in zip(moves, drawn, strict=True)
                ),
            )


def _order(strip: Strip) -> tuple[object, ...]:
    missing = strip.missing_ms
    gravest = STATES.index(next(iter(missing))) if missing else -1
    return -gravest, -sum(missing.values()), strip.timeline.subject.name
