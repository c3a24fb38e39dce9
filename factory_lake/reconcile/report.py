"""The result of an account: numbers by lane, and every message that is not where it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table

Kind = Literal[
    "lost",
    "duplicated",
    "altered",
    "unexpectedly accepted",
    "unexpectedly rejected",
    "error action",
    "wrong partition",
    "wrong arrival time",
    "never sent",
]

_SHOWN = 20
# Broken by hand where they would make a terminal of 80 columns too narrow.
_HEADINGS = {"error_action": "error\naction", "duplicated": "dupli-\ncated", "redelivered": "redeli-\nvered"}


@dataclass
class Tally:
    """How many messages of a lane ended where.

    `sent` is `delivered + rejected + error_action + lost`; copies beyond the first count in the last two.

    Attributes:
        sent: Messages in the journals.
        delivered: In their table, with the content that was sent.
        rejected: In an error object of the delivery.
        error_action: In a document of the topic rule's error action.
        lost: In none of them.
        duplicated: Copies that nothing explains.
        redelivered: Copies that QoS 1 explains: the gateway published the message again, because no PUBACK
            came.
    """

    sent: int = 0
    delivered: int = 0
    rejected: int = 0
    error_action: int = 0
    lost: int = 0
    duplicated: int = 0
    redelivered: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            **{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)}
        )


@dataclass(frozen=True)
class Offender:
    """A message that is not where or what it should be. Never holds a payload.

    Attributes:
        kind: What is wrong.
        source: `<factory>/<gateway>/<lane>`; parts that are unknown are `?`.
        n: Its position in the source's journal; None for what no journal has.
        where: The object and the position in it; None for what is not stored.
        detail: What exactly is wrong.
    """

    kind: Kind
    source: str
    n: int | None
    where: str | None
    detail: str


@dataclass(frozen=True)
class Account:
    """The account of a lake.

    Attributes:
        by_lane: `<factory>/<lane>` to numbers.
        offenders: What is wrong.
        foreign: Rows of gateways that have no journal here; they are not judged.
    """

    by_lane: Mapping[str, Tally]
    offenders: Sequence[Offender]
    foreign: int = 0

    @property
    def total(self) -> Tally:
        """All lanes together."""
        return sum(self.by_lane.values(), Tally())

    @property
    def is_clean(self) -> bool:
        """Whether every message is where it should be, once."""
        return not self.offenders

    def messages(self) -> dict[str, Any]:
        """The numbers as plain data: `{"total": {...}, "by_lane": {"<factory>/<lane>": {...}}}`."""
        return {
            "total": asdict(self.total),
            "by_lane": {lane: asdict(tally) for lane, tally in sorted(self.by_lane.items())},
        }

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "messages": self.messages(),
            "foreign": self.foreign,
            "offenders": [asdict(offender) for offender in self.offenders],
        }

    def show(self, console: Console) -> None:
        """Print the numbers as a table, and the first offenders."""
        table = Table(title="Account of every message", box=box.SIMPLE_HEAD, padding=0, show_edge=False)
        table.add_column("factory/lane", no_wrap=True)
        for part in fields(Tally):
            table.add_column(_HEADINGS.get(part.name, part.name), justify="right")
        for lane, tally in [*sorted(self.by_lane.items()), ("total", self.total)]:
            if lane == "total":
                table.add_section()
            table.add_row(lane, *(str(getattr(tally, part.name)) for part in fields(Tally)))
        console.print(table)
        if self.foreign:
            console.print(f"{self.foreign} rows of gateways without a journal here were not judged")
        for offender in self.offenders[:_SHOWN]:
            position = "" if offender.n is None else f" message {offender.n}"
            place = f" ({offender.where})" if offender.where else ""
            console.print(
                f"{offender.kind}: {offender.source}{position}: {offender.detail}{place}",
                markup=False,
                soft_wrap=True,
            )
        if len(self.offenders) > _SHOWN:
            console.print(f"... and {len(self.offenders) - _SHOWN} more; the JSON report has all")
