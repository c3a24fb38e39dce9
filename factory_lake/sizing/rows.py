"""A sum beside its limit, and how a page shows it."""

from collections.abc import Iterable
from dataclasses import dataclass

from factory_lake.sizing.numbers import percent, text


@dataclass(frozen=True)
class Row:
    """One sum and its limit."""

    what: str  # what is compared, with its unit
    sum: str  # how it is calculated, in numbers
    asked: float
    limit: float | None  # the most that is possible; None where the account's own must be looked up
    remedy: str

    @property
    def used(self) -> float:
        """Part of the limit that is used; nothing of one that is not known."""
        return 0 if self.limit is None else self.asked / self.limit

    @property
    def cells(self) -> list[str]:
        """The row of a table with `HEADER`."""
        known = ["differs", ""] if self.limit is None else [text(self.limit), percent(self.used)]
        return [self.what, self.sum, text(self.asked), *known]


HEADER = ["what", "sum", "asked", "limit", "used"]


FITS = "Everything fits."


def shortages(rows: Iterable[Row]) -> list[str]:
    """What is too little, each with its remedy."""
    return [f"{row.what}: {row.remedy}" for row in rows if row.used > 1]
