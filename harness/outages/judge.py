"""The judgement: does a coverage say what the injector's log says, and nothing else?

It reads the spans of a coverage and the log, and shares no code with the reckoning that made the spans.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from factory_lake.coverage.model import Coverage, Span, Subject, Timeline
from harness.outages.log import Outage

#: States that say that nothing is missing. `waiting` is none of them: nothing waits where no outage holds it back.
_WHOLE = frozenset({"data", "late", "quiet"})


@dataclass
class Verdict:
    """What a coverage got right and wrong.

    Attributes:
        outages: Outages that were made.
        causes_right: Those whose whole window has the expected state and reason, of every subject.
        unexplained_ms: Time for which a subject has no cause.
        false_gaps: Spans in which something is said to be missing, and nothing is.
        kinds: The outages by kind.
        wrong: Each difference, in words.
    """

    outages: int = 0
    causes_right: int = 0
    unexplained_ms: int = 0
    false_gaps: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether every cause is right, and nothing else is named."""
        return self.causes_right == self.outages and not self.unexplained_ms and not self.false_gaps

    def add(self, other: Self) -> None:
        """Take another verdict in."""
        self.outages += other.outages
        self.causes_right += other.causes_right
        self.unexplained_ms += other.unexplained_ms
        self.false_gaps += other.false_gaps
        self.kinds += other.kinds
        self.wrong += other.wrong

    def to_json(self) -> dict[str, Any]:
        """The member `coverage` of a summary."""
        return {
            "outages": self.outages,
            "causes_right": self.causes_right,
            "unexplained_seconds": round(self.unexplained_ms / 1000, 3),
            "false_gaps": self.false_gaps,
            "kinds": dict(sorted(self.kinds.items())),
        }


def judge(outages: Sequence[Outage], coverage: Coverage) -> Verdict:
    """Compare a coverage with the outages of its subjects.

    Raises:
        ValueError: When an outage is too short for its slack to be judged.
    """
    verdict = Verdict(outages=len(outages), kinds=Counter(outage.kind for outage in outages))
    timelines = {timeline.subject: timeline for timeline in coverage.timelines}
    for outage in outages:
        differences = list(_differences(outage, timelines))
        verdict.causes_right += not differences
        verdict.wrong += differences
    for timeline in coverage.timelines:
        windows = [
            (outage.begin_ms - outage.slack_ms, outage.end_ms + outage.slack_ms)
            for outage in outages
            if timeline.subject in outage.subjects
        ]
        for span in timeline.spans:
            if span.state == "unexplained":
                verdict.unexplained_ms += span.end_ms - span.start_ms
            if span.state not in _WHOLE and any(_outside(span, windows)):
                verdict.false_gaps += 1
                verdict.wrong.append(f"{_name(timeline.subject)}: nothing is missing in {_said(span)}")
    return verdict


def _differences(outage: Outage, timelines: dict[Subject, Timeline]) -> Iterator[str]:
    """What is not as expected within an outage's window."""
    begin_ms, end_ms = outage.begin_ms + outage.slack_ms, outage.end_ms - outage.slack_ms
    if begin_ms >= end_ms:
        raise ValueError(f"{outage.kind}: an outage must be longer than twice its slack of {outage.slack_ms} ms")
    expected = f"{outage.kind} {outage.begin_ms}..{outage.end_ms}: {outage.state} ({' or '.join(outage.reasons)})"
    for subject in outage.subjects:
        told_ms = 0
        for span in timelines[subject].spans if subject in timelines else ():
            part_ms = min(span.end_ms, end_ms) - max(span.start_ms, begin_ms)
            if part_ms <= 0:
                continue
            told_ms += part_ms
            if span.state != outage.state or span.reason not in outage.reasons:
                yield f"{_name(subject)}: {expected}, got {_said(span)}"
        if told_ms < end_ms - begin_ms:
            yield f"{_name(subject)}: {expected}, not told to its end"


def _outside(span: Span, windows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of a span that lie in no window."""
    at_ms = span.start_ms
    for begin_ms, end_ms in sorted(windows):
        if begin_ms > at_ms and at_ms < span.end_ms:
            yield at_ms, min(begin_ms, span.end_ms)
        at_ms = max(at_ms, end_ms)
    if at_ms < span.end_ms:
        yield at_ms, span.end_ms


def _name(subject: Subject) -> str:
    return f"{subject.kind} {subject.factory}/{subject.name}"


def _said(span: Span) -> str:
    return f"{span.state} ({span.reason}) {span.start_ms}..{span.end_ms}"
