"""The result of a reconciliation: numbers by lane, and every message that is not where it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from factory_lake.output import Table

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


@dataclass
class Counts:
    """How many messages of a lane ended where.

    `sent` is `delivered + rejected + error_action + lost`; copies beyond the first count in the last two.
    """

    sent: int = 0  # messages in the journals; of a batch, its samples
    delivered: int = 0  # in their table, with the content that was sent
    rejected: int = 0  # in an error object of the delivery
    error_action: int = 0  # in a document of the topic rule's error action
    lost: int = 0  # in none of them
    duplicated: int = 0  # copies that nothing explains
    # Copies that are explained: the gateway published the message again, because no PUBACK came, or the transform put
    # a sample of a batch back on the data stream more than once.
    redelivered: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)})


@dataclass(frozen=True)
class Discrepancy:
    """A message that is not where or what it should be. Never holds a payload."""

    kind: Kind
    source: str  # `<factory>/<gateway>/<lane>`; parts that are unknown are `?`
    n: int | None  # its position in the source's journal; None for what no journal has
    where: str | None  # the object and the position in it; None for what is not stored
    detail: str
    sample: int | None = None  # its position in the batch that was published, from 1; None for what came alone


@dataclass(frozen=True)
class ReconciliationReport:
    """What a reconciliation found."""

    by_lane: Mapping[str, Counts]  # `<factory>/<lane>` to numbers
    discrepancies: Sequence[Discrepancy]
    unexpected: int = 0  # rows of gateways that have no journal here; they are not judged
    in_batches: Counts = field(default_factory=Counts)  # of these, the samples that were sent in batches

    @property
    def total(self) -> Counts:
        """All lanes together."""
        return sum(self.by_lane.values(), Counts())

    @property
    def is_clean(self) -> bool:
        """Whether every message is where it should be, once."""
        return not self.discrepancies

    def messages(self) -> dict[str, Any]:
        """The numbers as plain data: `{"total": {...}, "by_lane": {"<factory>/<lane>": {...}}}`."""
        return {
            "total": asdict(self.total),
            "by_lane": {lane: asdict(counts) for lane, counts in sorted(self.by_lane.items())},
        }

    def to_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "messages": self.messages(),
            "in_batches": asdict(self.in_batches),
            "unexpected": self.unexpected,
            "discrepancies": [asdict(discrepancy) for discrepancy in self.discrepancies],
        }

    def table(self) -> Table:
        """The numbers by lane, the total last."""
        lanes = [*sorted(self.by_lane.items()), ("total", self.total)]
        names = [part.name for part in fields(Counts)]
        rows = [(lane, *(getattr(counts, name) for name in names)) for lane, counts in lanes]
        return Table(("lane", *(name.replace("_", " ") for name in names)), rows)

    def notes(self, shown: int = _SHOWN) -> list[str]:
        """What the table does not say: the first discrepancies, and what was not judged."""
        notes = (
            [f"{self.unexpected} rows of gateways without a journal here were not judged"] if self.unexpected else []
        )
        for discrepancy in self.discrepancies[:shown]:
            position = "" if discrepancy.n is None else f" message {discrepancy.n}"
            position += "" if discrepancy.sample is None else f", sample {discrepancy.sample}"
            place = f" ({discrepancy.where})" if discrepancy.where else ""
            notes.append(f"{discrepancy.kind}: {discrepancy.source}{position}: {discrepancy.detail}{place}")
        if len(self.discrepancies) > shown:
            notes.append(f"... and {len(self.discrepancies) - shown} more; --report FILE has all")
        return notes
