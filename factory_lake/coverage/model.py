"""What a coverage says: for each gateway's lane, tag and camera one state for every moment of a range.

Times are epoch milliseconds. A span includes its start and excludes its end; the spans of a timeline follow each
other without holes from the range's start to its end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self, get_args

State = Literal[
    "data",  # what was expected is in its table, or in a clip
    "late",  # it arrived after the day that it belongs to
    "clock_off",  # what arrived then says another time, since the gateway's clock was off
    "refused",  # the transform refused it; the reason is the rule
    "waiting",  # it is in the data stream or in a buffer, or not archived yet though on time
    "gateway_offline",  # no connection; the reason is AWS IoT's
    "camera_silent",  # the camera sent no footage
    "expired",  # footage went out of retention before it was archived
    "archiver_behind",  # footage is there, and its clip is overdue
    "error_action",  # the topic rule could not hand it on; it lies where its error action put it
    "quiet",  # the tag publishes on change, and by its own habit nothing was due
    "unexplained",  # something is missing, and nothing says why
]
#: Every state, the harmless ones first.
STATES: tuple[State, ...] = get_args(State)
#: States in which nothing is missing for good that was expected.
HARMLESS: frozenset[State] = frozenset({"data", "late", "quiet", "waiting"})

Kind = Literal["gateway", "tag", "camera"]


@dataclass(frozen=True)
class Span:
    """One state, for a while.

    Attributes:
        count: How many samples, messages or fragments the span has evidence of.
        reason: The rule, the disconnect reason, or the like, as a code; empty when the state says it all.
        cause: What happened, in one sentence; empty for `data`.
        evidence: Where that can be seen: a table and its condition, an object's key, a metric.
    """

    start_ms: int
    end_ms: int
    state: State
    count: int = 0
    reason: str = ""
    cause: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """Whose timeline it is.

    Attributes:
        name: Of a gateway's lane `<gateway>/<lane>`, of a tag `<gateway>/<device name>/<tag name>`, of a camera
            its ID.
    """

    kind: Kind
    factory: str
    name: str


@dataclass(frozen=True)
class Timeline:
    """The states of one gateway's lane, tag or camera.

    Attributes:
        expected_ms: Longest time between samples, messages or fragments that is normal here; None when it is unknown.
        basis: Where `expected_ms` comes from, in words.
    """

    subject: Subject
    spans: tuple[Span, ...]
    expected_ms: int | None = None
    basis: str = ""


@dataclass(frozen=True)
class Coverage:
    """The timelines of a lake, of a range of time.

    Attributes:
        made_at_ms: When the evidence was read.
        scanned_bytes: What the queries read, as Athena counts it.
        query_ms: How long the queries ran, in all.
        notes: What limits the evidence, in sentences.
    """

    lake: str
    from_ms: int
    to_ms: int
    made_at_ms: int
    timelines: tuple[Timeline, ...]
    scanned_bytes: int = 0
    query_ms: int = 0
    notes: tuple[str, ...] = field(default=())

    def total_ms(self, state: State, subjects: Iterable[Kind] = get_args(Kind)) -> int:
        """How long the timelines are in a state, in all."""
        kinds = set(subjects)
        return sum(
            span.end_ms - span.start_ms
            for timeline in self.timelines
            if timeline.subject.kind in kinds
            for span in timeline.spans
            if span.state == state
        )

    def to_json(self) -> dict[str, Any]:
        """The document that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave.

        Raises:
            KeyError, TypeError: When it is something else.
        """
        timelines = tuple(
            Timeline(
                subject=Subject(**timeline["subject"]),
                spans=tuple(Span(**{**span, "evidence": tuple(span["evidence"])}) for span in timeline["spans"]),
                expected_ms=timeline["expected_ms"],
                basis=timeline["basis"],
            )
            for timeline in document["timelines"]
        )
        return cls(**{**document, "timelines": timelines, "notes": tuple(document["notes"])})
