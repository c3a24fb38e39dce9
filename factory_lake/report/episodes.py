"""Gaps of many subjects that are one event: spans of one state and cause that overlap."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from factory_lake.coverage.model import HARMLESS, STATES, Span, State, Subject, Timeline

#: So many different pieces of evidence stand with an episode; each span has its own in its strip.
MAX_EVIDENCE = 3


@dataclass(frozen=True)
class Episode:
    """What went missing for one cause at one time.

    Attributes:
        subjects: Whose gaps it is made of, in the coverage's order.
        missing_ms: The gaps' length in all: of two tags that miss the same hour, two hours.
        count: What the spans have evidence of, in all.
    """

    start_ms: int
    end_ms: int
    state: State
    reason: str
    cause: str
    evidence: tuple[str, ...]
    subjects: tuple[Subject, ...]
    missing_ms: int
    count: int


def episodes_of(timelines: Iterable[Timeline]) -> list[Episode]:
    """The gaps of some timelines as episodes: what is unexplained first, then the longest."""
    alike: dict[tuple[State, str, str], list[tuple[Span, Subject]]] = defaultdict(list)
    for timeline in timelines:
        for span in timeline.spans:
            if span.state not in HARMLESS:
                alike[span.state, span.reason, span.cause].append((span, timeline.subject))
    found = []
    for gaps in alike.values():
        gaps.sort(key=lambda gap: gap[0].start_ms)
        together: list[tuple[Span, Subject]] = []
        end_ms = 0
        for gap in gaps:
            if together and gap[0].start_ms >= end_ms:
                found.append(_episode(together))
                together = []
            together.append(gap)
            end_ms = max(end_ms, gap[0].end_ms) if len(together) > 1 else gap[0].end_ms
        found.append(_episode(together))
    return sorted(found, key=lambda one: (-STATES.index(one.state), -one.missing_ms, one.start_ms))


def _episode(gaps: list[tuple[Span, Subject]]) -> Episode:
    first = gaps[0][0]
    evidence = dict.fromkeys(piece for span, _ in gaps for piece in span.evidence)
    return Episode(
        start_ms=first.start_ms,
        end_ms=max(span.end_ms for span, _ in gaps),
        state=first.state,
        reason=first.reason,
        cause=first.cause,
        evidence=tuple(evidence)[:MAX_EVIDENCE],
        subjects=tuple(dict.fromkeys(subject for _, subject in gaps)),
        missing_ms=sum(span.end_ms - span.start_ms for span, _ in gaps),
        count=sum(span.count for span, _ in gaps),
    )
