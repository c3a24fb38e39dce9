"""A coverage as tables: how long each subject was in which state, and every gap with its cause."""

from collections.abc import Iterator, Sequence

from factory_lake.coverage.habits import spoken
from factory_lake.coverage.model import HARMLESS, STATES, Coverage, Span, State, Timeline
from factory_lake.coverage.times import iso
from factory_lake.output import Table

#: Subjects of which nothing is missing, in the summary, before it only counts them.
_MOST_WHOLE = 20

GAP_COLUMNS = ("state", "from", "to", "seconds", "factory", "kind", "subject", "reason", "count", "cause", "evidence")


def gaps(coverage: Coverage) -> list[tuple[Timeline, Span]]:
    """The spans in which something is missing, what is unexplained first, then in the order of time."""
    found = [
        (timeline, span)
        for timeline in coverage.timelines
        for span in timeline.spans
        if span.state not in HARMLESS or span.state == "waiting"
    ]
    return sorted(found, key=lambda one: (one[1].state != "unexplained", one[1].start_ms))


def gap_table(coverage: Coverage) -> Table:
    """Every gap as a row, with all that is known of it."""
    rows = [
        (
            span.state,
            iso(span.start_ms),
            iso(span.end_ms),
            (span.end_ms - span.start_ms) / 1000,
            timeline.subject.factory,
            timeline.subject.kind,
            timeline.subject.name,
            span.reason,
            span.count,
            span.cause,
            "; ".join(span.evidence),
        )
        for timeline, span in gaps(coverage)
    ]
    return Table(GAP_COLUMNS, rows, frozenset({"cause"}))


def summary(coverage: Coverage) -> Table:
    """Seconds of each subject in each state that occurs, those with gaps first."""
    present = [state for state in STATES if coverage.total_ms(state)]
    ordered = sorted(coverage.timelines, key=lambda one: (-_missing_ms(one), one.subject.factory, one.subject.name))
    shown = [one for at, one in enumerate(ordered) if _missing_ms(one) or at < _MOST_WHOLE]
    rows = [
        (one.subject.kind, f"{one.subject.factory}/{one.subject.name}", *(_seconds(one, state) for state in present))
        for one in shown
    ]
    title = f"{coverage.lake}: seconds by state, from {iso(coverage.from_ms)} to {iso(coverage.to_ms)}"
    return Table(("kind", "subject", *(state.replace("_", " ") for state in present)), rows, title=title)


def gap_lines(coverage: Coverage, most: int) -> Iterator[Table]:
    """The gaps for a reader: for each state one table, so that a cause is read beside its times."""
    found = gaps(coverage)[:most]
    for state in _states(found):
        rows = [
            (
                f"{timeline.subject.factory}/{timeline.subject.name}",
                iso(span.start_ms),
                spoken(span.end_ms - span.start_ms),
                span.cause,
            )
            for timeline, span in found
            if span.state == state
        ]
        yield Table(("subject", "from", "for", "cause"), rows, frozenset({"cause"}), title=f"\n{_WORDS[state]}")


def notes(coverage: Coverage, most: int) -> list[str]:
    """What is said below the tables."""
    found = gaps(coverage)
    unexplained_ms = coverage.total_ms("unexplained")
    said = []
    if len(found) > most:
        said.append(f"{len(found) - most} more gaps: --gaps {len(found)}, --format csv or --report FILE has them")
    said.append(
        f"{len(coverage.timelines)} subjects, {len(found)} gaps, {unexplained_ms / 1000:g} s unexplained; "
        f"queries: {coverage.scanned_bytes:,} bytes scanned, {coverage.query_ms / 1000:.1f} s"
    )
    return [*coverage.notes, *said]


_WORDS: dict[State, str] = {
    "unexplained": "UNEXPLAINED: something is missing, and nothing says why",
    "refused": "refused: the transform refused it",
    "error_action": "error action: the topic rule could not hand it on",
    "gateway_offline": "gateway offline: there was no connection",
    "waiting": "waiting: it may be on its way",
    "camera_silent": "camera silent: it sent no footage",
    "expired": "expired: footage went out of retention before it was archived",
    "archiver_behind": "archiver behind: the clip is overdue",
    "data": "data",
    "late": "late",
    "quiet": "quiet",
}


def _states(found: Sequence[tuple[Timeline, Span]]) -> list[State]:
    there = {span.state for _, span in found}
    return [state for state in _WORDS if state in there]


def _missing_ms(timeline: Timeline) -> int:
    return sum(span.end_ms - span.start_ms for span in timeline.spans if span.state not in HARMLESS)


def _seconds(timeline: Timeline, state: State) -> float:
    ms = sum(span.end_ms - span.start_ms for span in timeline.spans if span.state == state)
    return round(ms / 1000, 1)
