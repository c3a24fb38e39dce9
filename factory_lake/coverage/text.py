"""A coverage as tables: how long each subject was in which state, and every gap with its cause."""

from collections.abc import Iterator

from factory_lake.coverage.habits import spoken
from factory_lake.coverage.model import HARMLESS, STATES, Coverage, Kind, Span, State, Timeline
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


def tables(coverage: Coverage, most: int) -> list[Table]:
    """All of it for a reader: the summaries, and a number of gaps at most; at least one table."""
    found = [*summaries(coverage), *gap_lines(coverage, most)]
    return found or [Table((), (), title=f"{coverage.lake} has no gateway, tag or camera to tell of")]


def summaries(coverage: Coverage) -> Iterator[Table]:
    """Seconds of each subject in each state that occurs, by kind of subject, those with gaps first."""
    title = f"{coverage.lake}\nfrom {iso(coverage.from_ms)} to {iso(coverage.to_ms)}, seconds by state\n\n"
    for kind, heading in _KINDS.items():
        known = [one for one in coverage.timelines if one.subject.kind == kind]
        if not known:
            continue
        present = [state for state in STATES if coverage.total_ms(state, [kind])]
        ordered = sorted(known, key=lambda one: (-_missing_ms(one), one.subject.factory, one.subject.name))
        shown = [one for at, one in enumerate(ordered) if _missing_ms(one) or at < _MOST_WHOLE]
        rows = [(_name(one), *(_seconds(one, state) for state in present)) for one in shown]
        if len(shown) < len(known):
            rows.append((f"... {len(known) - len(shown)} more without gaps", *("" for _ in present)))
        columns = (heading, *(state.replace("_", " ") for state in present))
        yield Table(columns, rows, title=title, right=frozenset(columns[1:]))
        title = "\n"


def gap_lines(coverage: Coverage, most: int) -> Iterator[Table]:
    """The gaps for a reader: a table for each state, and a list of what can be looked up."""
    found = list(enumerate(_own_gaps(coverage)[:most], start=1))
    for state in _WORDS:
        rows = [
            (
                number,
                _name(timeline),
                iso(span.start_ms // 1000 * 1000),
                spoken(span.end_ms - span.start_ms),
                span.cause,
            )
            for number, (timeline, span) in found
            if span.state == state
        ]
        if rows:
            title = f"\n{_WORDS[state]}\n\n"
            yield Table(("gap", "subject", "from", "for", "cause"), rows, frozenset({"cause"}), title=title)
    evidence = [(number, one) for number, (_, span) in found for one in span.evidence]
    if evidence:
        yield Table(("gap", "evidence"), evidence, frozenset({"evidence"}), title="\nWhere that can be seen\n\n")


def notes(coverage: Coverage, most: int) -> list[str]:
    """What is said below the tables."""
    found, own = gaps(coverage), _own_gaps(coverage)
    said = []
    if len(own) < len(found):
        said.append(f"{len(found) - len(own)} gaps of tags are those of their gateways; --format csv lists them too")
    if len(own) > most:
        said.append(f"{len(own) - most} more gaps: --gaps {len(own)}, --format csv or --report FILE has them")
    unexplained = f"{coverage.total_ms('unexplained') / 1000:,.1f}".removesuffix(".0")
    said.append(
        f"{len(coverage.timelines)} subjects, {len(found)} gaps, {unexplained} s unexplained; "
        f"queries: {coverage.scanned_bytes:,} bytes scanned, {coverage.query_ms / 1000:.1f} s"
    )
    return [*coverage.notes, *said]


def _own_gaps(coverage: Coverage) -> list[tuple[Timeline, Span]]:
    """The gaps without those of tags that lie within one of their gateway's."""
    lanes = {
        (one.subject.factory, one.subject.name.split("/", 1)[0]): one.spans
        for one in coverage.timelines
        if one.subject.kind == "gateway" and one.subject.name.endswith("/measurements")
    }

    def is_the_gateways(timeline: Timeline, span: Span) -> bool:
        if timeline.subject.kind != "tag":
            return False
        # The last sample of a tag stands longer than that of one that sends more often.
        slack_ms = timeline.expected_ms or 0
        return any(
            (one.state, one.reason) == (span.state, span.reason)
            and one.start_ms - slack_ms <= span.start_ms
            and span.end_ms <= one.end_ms + slack_ms
            for one in lanes.get((timeline.subject.factory, timeline.subject.name.split("/", 1)[0]), ())
        )

    return [one for one in gaps(coverage) if not is_the_gateways(*one)]


_KINDS: dict[Kind, str] = {"gateway": "gateway and lane", "tag": "tag", "camera": "camera"}
_WORDS: dict[State, str] = {
    "unexplained": "UNEXPLAINED: something is missing, and nothing says why",
    "refused": "refused: the transform refused it",
    "error_action": "error action: the topic rule could not hand it on",
    "gateway_offline": "gateway offline: there was no connection",
    "clock_off": "clock off: what arrived then says another time",
    "waiting": "waiting: it may be on its way",
    "camera_silent": "camera silent: it sent no footage",
    "expired": "expired: footage went out of retention before it was archived",
    "archiver_behind": "archiver behind: the clip is overdue",
    "data": "data",
    "late": "late",
    "quiet": "quiet",
}


def _name(timeline: Timeline) -> str:
    return f"{timeline.subject.factory}/{timeline.subject.name}"


def _missing_ms(timeline: Timeline) -> int:
    return sum(span.end_ms - span.start_ms for span in timeline.spans if span.state not in HARMLESS)


def _seconds(timeline: Timeline, state: State) -> str:
    seconds = sum(span.end_ms - span.start_ms for span in timeline.spans if span.state == state) / 1000
    return f"{seconds:.1f}".removesuffix(".0") if seconds else "-"
