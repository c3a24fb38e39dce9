"""What a run found and did, counted. Never holds a payload."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from factory_lake.gateway.identities import Lane
from factory_lake.output import Table

_SHOWN = 20


@dataclass(frozen=True, order=True)
class Finding:
    """Messages that are counted together."""

    factory: str
    lane: Lane
    kind: str  # the error type, or `stream` for what a delivery stream skipped
    day: str  # the day in the objects' keys, or of the records' arrival; `YYYY-MM-DD` (UTC)
    rule: str  # the rule that they broke, or the error code
    outcome: str


# Outcomes; those that hold a message back say why.
REDRIVEN = "redriven"
WOULD_REDRIVE = "would be redriven"
BEFORE = "redriven before"
NO_GATEWAY = "held: gateway unknown"
TOO_LARGE = "held: too large for the data stream"
REFUSED_AGAIN = "held: would be refused again"
NOT_RESTORED = "held: not a line of the transform"
IN_PLACE = "delivered or in errors"


@dataclass
class Findings:
    """The counts of a run."""

    counts: Counter[Finding] = field(default_factory=Counter)
    # Messages that an earlier run may have redriven already and that were redriven again, since the data stream no
    # longer tells.
    in_doubt: int = 0
    problems: list[str] = field(default_factory=list)

    def total(self, *outcomes: str) -> int:
        """How many messages had one of these outcomes."""
        return sum(count for one, count in self.counts.items() if one.outcome in outcomes)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "findings": [{**asdict(one), "messages": count} for one, count in sorted(self.counts.items())],
            "in_doubt": self.in_doubt,
            "problems": self.problems,
        }

    def table(self) -> Table:
        """The counts, what people look for first."""
        rows = [
            (count, one.outcome, one.rule, one.kind, one.factory, one.lane, one.day)
            for one, count in sorted(self.counts.items())
        ]
        columns = ("messages", "outcome", "rule", "type", "factory", "lane", "day")
        return Table(columns, rows, frozenset({"outcome", "rule"}))

    def notes(self, *, applied: bool) -> list[str]:
        """What the table does not say: doubts and problems."""
        notes = []
        if self.in_doubt:
            notes.append(f"{self.in_doubt} of them may have been redriven by an earlier run as well")
        notes += [f"problem: {problem}" for problem in self.problems[:_SHOWN]]
        if len(self.problems) > _SHOWN:
            notes.append(f"... and {len(self.problems) - _SHOWN} more; --report FILE has all")
        if not applied:
            notes.append("Nothing was redriven; --apply does it.")
        return notes
