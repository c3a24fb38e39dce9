"""The reckoning: which state every moment of a range has, from evidence alone.

What is there comes first, so a gap that was caught up is none. A hole then takes the cause that explains it best:
messages that are known to have failed, no connection, a buffer that may still hold it. What no cause covers is
`quiet` where nothing was due by the tag's own habit, and else `unexplained`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from factory_lake.coverage.canvas import Canvas
from factory_lake.coverage.causes import (
    APART_MS,
    ORDERLY,
    Failures,
    absorb,
    clock_spans,
    connectivity,
    failure_spans,
    offline_spans,
    takeover_spans,
    waiting_spans,
)
from factory_lake.coverage.evidence import (
    FactoryEvidence,
    Failure,
    LaneEvidence,
    Offline,
    Pauses,
    Run,
    TagHistory,
    Waiting,
)
from factory_lake.coverage.footage import camera_timeline
from factory_lake.coverage.habits import MOMENT_MS, habit_of, spoken
from factory_lake.coverage.model import Span, State, Subject, Timeline
from factory_lake.coverage.times import iso, moment, text

# States of tags that a lane without data inherits, in their order.
_CAUSES: tuple[State, ...] = ("refused", "error_action", "gateway_offline", "waiting")


@dataclass(frozen=True)
class Range:
    """What is reckoned, and how.

    Attributes:
        now_ms: When the evidence was read.
        seen_from_ms: The first moment that habits are learned from; what was before it is not known.
        every_ms: The interval of every tag, where the user gives one.
    """

    from_ms: int
    to_ms: int
    now_ms: int
    seen_from_ms: int
    every_ms: int | None = None


def timelines(evidence: FactoryEvidence, span: Range) -> Iterator[Timeline]:
    """The timelines of a factory: its gateways' lanes, their tags, and its cameras."""
    failures = Failures.of(evidence)
    histories: dict[str, list[TagHistory]] = {gateway: [] for gateway in evidence.gateways}
    for history in [*evidence.tags, *_only_failed(evidence, failures)]:
        histories.setdefault(history.tag.gateway, []).append(history)
    for gateway, known in histories.items():
        lane = evidence.lanes.get((gateway, "measurements"), LaneEvidence())
        waiting = evidence.waiting.get("measurements", ())
        tags = [_TagCanvas(evidence.factory, history, failures, lane, waiting, span) for history in known]
        whole = _measurements(evidence, gateway, tags, failures, span)
        yield whole
        yield _configuration(evidence, gateway, failures, span)
        silent = [one for one in whole.spans if one.state == "unexplained"]
        yield from (tag.timeline(silent) for tag in tags)
    yield from (
        camera_timeline(evidence.factory, camera, span.from_ms, span.to_ms, span.now_ms) for camera in evidence.cameras
    )


def _only_failed(evidence: FactoryEvidence, failures: Failures) -> list[TagHistory]:
    """Tags of which nothing is known but failures."""
    known = {history.tag for history in evidence.tags}
    return [TagHistory(tag, (), Pauses(0)) for tag in sorted(failures.of_tag.keys() - known)]


class _TagCanvas:
    """One tag's timeline in the making."""

    def __init__(
        self,
        factory: str,
        history: TagHistory,
        failures: Failures,
        lane: LaneEvidence,
        waiting: Sequence[Waiting],
        span: Range,
    ) -> None:
        self.tag = history.tag
        self.habit = habit_of(history.pauses, span.every_ms)
        self._factory = factory
        self._lane = lane
        self._waiting = waiting
        self._range = span
        self._own = failures.of_tag.get(history.tag, ())
        self._shared = failures.without_tag.get((history.tag.gateway, "measurements"), ())
        self._canvas = Canvas(span.from_ms, span.to_ms)
        self._paint(history)
        self.spans = self._canvas.spans()

    def timeline(self, silent: Sequence[Span]) -> Timeline:
        """The timeline, when it is known where the whole lane is silent without a cause."""
        spans = tuple(self._explained(one, silent) if one.state == "unexplained" else one for one in self.spans)
        return Timeline(Subject("tag", self._factory, str(self.tag)), spans, self.habit.longest_ms, self.habit.basis)

    def _paint(self, history: TagHistory) -> None:
        if not history.seen_before:
            self._before(history.runs[0].start_ms if history.runs else self._range.to_ms)
        for run, following in pairwise([*history.runs, None]):
            if run is not None:
                self._run(run, following)
        self._canvas.paint(
            [
                Span(start, stop, "unexplained", evidence=(self._where(start, stop),))
                for start, stop in self._canvas.rest()
            ]
        )

    def _before(self, first_ms: int) -> None:
        """What is before a tag's first sample."""
        self._failed(self._own, self._range.from_ms, first_ms)
        cause = f"the tag had sent nothing yet, since {iso(self._range.seen_from_ms)} at least"
        self._canvas.paint([Span(self._range.from_ms, first_ms, "quiet", reason="NOT_SEEN_BEFORE", cause=cause)])

    def _run(self, run: Run, following: Run | None) -> None:
        """A run of samples, and the pause after it."""
        stop_ms = self._range.to_ms if following is None else following.start_ms
        covered_ms = min(run.end_ms + self.habit.covers_ms, max(stop_ms, run.end_ms))
        pause_ms = stop_ms - run.end_ms
        self._canvas.paint([self._arrived(run, run.start_ms, covered_ms, run.count)])
        self._failed(self._own, covered_ms, stop_ms)
        longest_ms = self.habit.longest_ms
        if pause_ms <= self.habit.usual_ms:
            self._canvas.paint([self._arrived(run, covered_ms, stop_ms, 0)])
        elif longest_ms is None:
            cause = "the tag has sent too little for a habit to show"
            self._canvas.paint([Span(covered_ms, stop_ms, "quiet", reason="NO_HABIT", cause=cause)])
        elif pause_ms <= longest_ms:
            cause = f"the tag sends on change, and pauses up to {spoken(longest_ms)} are its habit"
            self._canvas.paint([Span(covered_ms, stop_ms, "quiet", reason="ON_CHANGE", cause=cause)])
        else:
            self._missing(covered_ms, stop_ms, longest_ms)

    def _missing(self, start_ms: int, stop_ms: int, longest_ms: int) -> None:
        """A pause that is longer than the habit allows."""
        self._failed(self._shared, start_ms, stop_ms)
        self._canvas.paint(clock_spans(self._lane.clocks, start_ms, stop_ms, self.tag.gateway))
        self._canvas.paint(takeover_spans(self._lane.takeovers, start_ms, stop_ms))
        last_ms = start_ms - self.habit.covers_ms
        self._canvas.paint(offline_spans(self._lane.offline, start_ms, stop_ms, last_ms))
        self._canvas.paint(waiting_spans(self._waiting, start_ms, stop_ms))
        absorb(self._canvas, start_ms, stop_ms, longest_ms)

    def _failed(self, failures: Sequence[Failure], start_ms: int, stop_ms: int) -> None:
        self._canvas.paint(
            failure_spans(failures, start_ms, stop_ms, self.habit.covers_ms, self.habit.usual_ms or APART_MS)
        )

    def _arrived(self, run: Run, start_ms: int, stop_ms: int, count: int) -> Span:
        if not run.late:
            return Span(start_ms, stop_ms, "data", count)
        cause = "the samples arrived on a later day than they were taken"
        return Span(start_ms, stop_ms, "late", count, cause=cause, evidence=(self._where(run.start_ms, stop_ms),))

    def _explained(self, span: Span, silent: Sequence[Span]) -> Span:
        """An unexplained span, with what is known all the same."""
        if any(one.start_ms < span.end_ms and span.start_ms < one.end_ms for one in silent):
            return replace(
                span, cause=f"nothing of the whole gateway arrived, {connectivity(self._lane, span.start_ms)}"
            )
        return replace(span, cause="no sample of the tag arrived, while others of its gateway did")

    def _where(self, start_ms: int, stop_ms: int) -> str:
        return (
            f"measurements WHERE factory = {text(self._factory)} AND gateway = {text(self.tag.gateway)} "
            f"AND device_name = {text(self.tag.device)} AND tag_name = {text(self.tag.name)} "
            f"AND ts >= {moment(start_ms)} AND ts < {moment(stop_ms)}"
        )


# Lanes


def _measurements(
    evidence: FactoryEvidence, gateway: str, tags: Sequence[_TagCanvas], failures: Failures, span: Range
) -> Timeline:
    """The lane measurements of a gateway: there is data when one of its tags has some."""
    lane = evidence.lanes.get((gateway, "measurements"), LaneEvidence())
    covers_ms = min((tag.habit.covers_ms for tag in tags), default=MOMENT_MS)
    longest_ms = min((tag.habit.longest_ms for tag in tags if tag.habit.longest_ms is not None), default=None)
    canvas = Canvas(span.from_ms, span.to_ms)
    for state in ("data", "late"):
        canvas.paint(_union(tags, state))
    own = failures.of_lane.get((gateway, "measurements"), ())
    canvas.paint(failure_spans(own, span.from_ms, span.to_ms, covers_ms))
    canvas.paint(replace(one, count=0) for tag in tags for one in tag.spans if one.state == "clock_off")
    for start_ms, stop_ms in canvas.rest():
        canvas.paint(offline_spans(_as_noticed(lane), start_ms, stop_ms, start_ms - covers_ms))
    for state in _CAUSES:
        # The lane's own failures have told how many there were.
        canvas.paint(replace(one, count=0) for tag in tags for one in tag.spans if one.state == state)
    where = f"measurements WHERE factory = {text(evidence.factory)} AND gateway = {text(gateway)}"
    for one in _union(tags, "unexplained"):
        cause = f"nothing of the gateway arrived, {connectivity(lane, one.start_ms)}"
        place = f"{where} AND ts >= {moment(one.start_ms)} AND ts < {moment(one.end_ms)}"
        canvas.paint([replace(one, cause=cause, evidence=(place,))])
    canvas.paint([_nothing_due(span, has_tags=bool(tags))])
    basis = f"the most frequent of its {len(tags)} tags" if longest_ms else "unknown: no tag of it shows a habit"
    return Timeline(Subject("gateway", evidence.factory, f"{gateway}/measurements"), canvas.spans(), longest_ms, basis)


def _as_noticed(lane: LaneEvidence) -> list[Offline]:
    """Times without a connection from when AWS noticed: only where something was due, the time before counts too."""
    return [replace(one, start_ms=one.noticed_ms) for one in lane.offline]


def _nothing_due(span: Range, *, has_tags: bool) -> Span:
    if has_tags:
        cause = "nothing was due, by the habits of the gateway's tags"
        return Span(span.from_ms, span.to_ms, "quiet", reason="ON_CHANGE", cause=cause)
    cause = f"nothing has come from the gateway since {iso(span.seen_from_ms)} at least"
    return Span(span.from_ms, span.to_ms, "quiet", reason="NOT_SEEN_BEFORE", cause=cause)


def _union(tags: Iterable[_TagCanvas], state: State) -> list[Span]:
    """When at least one tag is in a state, as spans that do not touch."""
    merged: list[Span] = []
    for one in sorted((one for tag in tags for one in tag.spans if one.state == state), key=lambda one: one.start_ms):
        last = merged[-1] if merged else None
        if last is not None and one.start_ms <= last.end_ms:
            merged[-1] = replace(last, end_ms=max(last.end_ms, one.end_ms), count=last.count + one.count)
        else:
            merged.append(one)
    return merged


def _configuration(evidence: FactoryEvidence, gateway: str, failures: Failures, span: Range) -> Timeline:
    """The lane configuration of a gateway, which sends when something changes."""
    lane = evidence.lanes.get((gateway, "configuration"), LaneEvidence())
    canvas = Canvas(span.from_ms, span.to_ms)
    canvas.paint(Span(at_ms, at_ms + MOMENT_MS, "data", count) for at_ms, count in lane.messages)
    own = failures.of_lane.get((gateway, "configuration"), ())
    canvas.paint(failure_spans(own, span.from_ms, span.to_ms, MOMENT_MS))
    # A gateway that ends its connection itself has nothing to send.
    broken = [one for one in _as_noticed(lane) if one.reason != ORDERLY]
    canvas.paint(offline_spans(broken, span.from_ms, span.to_ms))
    cause = "configuration is sent when it changes, so nothing was due"
    canvas.paint([Span(span.from_ms, span.to_ms, "quiet", reason="ON_CHANGE", cause=cause)])
    subject = Subject("gateway", evidence.factory, f"{gateway}/configuration")
    return Timeline(subject, canvas.spans(), None, "on change: a message whenever a configuration changes")
