"""Run histories in batches and add up their outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from harness.simulation.checker import check
from harness.simulation.generate import generate
from harness.simulation.history import History
from harness.simulation.run import run_history


@dataclass
class Totals:
    """Sums over histories."""

    counts: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)

    def add(self, other: Totals) -> None:
        """Take another's in."""
        self.counts.update(other.counts)
        self.cuts.update(other.cuts)
        self.failed.extend(other.failed)


def violations_of(history: History) -> list[str]:
    """Return what is wrong with the outcome of a history; so is an exception of the code under test."""
    try:
        return check(run_history(history)).violations
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def run_seeds(seeds: range) -> Totals:
    """Run the histories of some seeds."""
    totals = Totals()
    for seed in seeds:
        try:
            result = check(run_history(generate(seed)))
        except Exception:  # whatever it is, violations_of tells when the failure is printed
            totals.counts.update(histories=1)
            totals.failed.append(seed)
            continue
        totals.counts.update(
            histories=1,
            fragments=result.fragments,
            archived=result.archived,
            expired=result.expired,
            unlisted=result.unlisted,
            lost=result.lost,
            duplicated=result.duplicated,
            rows=result.rows,
        )
        totals.cuts.update(result.cuts)
        if result.violations:
            totals.failed.append(seed)
    return totals
