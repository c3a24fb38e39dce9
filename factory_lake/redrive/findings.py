"""What a run found and did, counted. Never holds a payload."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from factory_lake.gateway.identities import Lane

_SHOWN = 20


@dataclass(frozen=True, order=True)
class Finding:
    """Messages that are counted together.

    Attributes:
        factory: Whose.
        lane: Whose.
        kind: The error type, or `stream` for what a delivery stream skipped.
        day: The day in the objects' keys, or of the records' arrival; `YYYY-MM-DD` (UTC).
        rule: The rule that they broke, or the error code.
        outcome: What was done, would be done, or why nothing was.
    """

    factory: str
    lane: Lane
    kind: str
    day: str
    rule: str
    outcome: str


# Outcomes; those that hold a message back say why.
PUT_BACK = "put back"
WOULD_PUT_BACK = "would be put back"
BEFORE = "put back before"
NO_GATEWAY = "held: gateway unknown"
TOO_LARGE = "held: too large for the data stream"
REFUSED_AGAIN = "held: would be refused again"
NOT_RESTORED = "held: not a line of the transform"
IN_PLACE = "delivered or in errors"


@dataclass
class Findings:
    """The counts of a run.

    Attributes:
        counts: Messages by finding.
        in_doubt: Messages that an earlier run may have put back already and that were put back again, since
            the data stream no longer tells.
        problems: What could not be done.
    """

    counts: Counter[Finding] = field(default_factory=Counter)
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

    def show(self, console: Console, *, applied: bool) -> None:
        """Print the counts as a table, and the problems."""
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
        for name in ("factory", "lane", "type", "day", "rule", "outcome"):
            table.add_column(name, overflow="fold")
        table.add_column("messages", justify="right")
        for one, count in sorted(self.counts.items()):
            table.add_row(one.factory, one.lane, one.kind, one.day, one.rule, one.outcome, str(count))
        console.print(table)
        if self.in_doubt:
            console.print(f"{self.in_doubt} of them may have been put back by an earlier run as well")
        for problem in self.problems[:_SHOWN]:
            console.print(f"problem: {problem}", markup=False, soft_wrap=True)
        if len(self.problems) > _SHOWN:
            console.print(f"... and {len(self.problems) - _SHOWN} more; --json has all")
        if not applied:
            console.print("Nothing was put back; --apply does it.")
