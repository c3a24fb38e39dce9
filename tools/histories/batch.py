"""Play histories by the batch and add up what came of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tools.histories.draw import draw
from tools.histories.history import History
from tools.histories.judge import judge
from tools.histories.play import play


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


def faults_of(history: History) -> list[str]:
    """What is wrong with what came of a history; an exception of the code under test is wrong as well."""
    try:
        return judge(play(history)).faults
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def play_seeds(seeds: range) -> Totals:
    """Play the histories of some seeds."""
    totals = Totals()
    for seed in seeds:
        try:
            verdict = judge(play(draw(seed)))
        except Exception:  # whatever it is, faults_of tells when the failure is printed
            totals.counts.update(histories=1)
            totals.failed.append(seed)
            continue
        totals.counts.update(
            histories=1,
            fragments=verdict.fragments,
            archived=verdict.archived,
            expired=verdict.expired,
            unlisted=verdict.unlisted,
            lost=verdict.lost,
            duplicated=verdict.duplicated,
        )
        totals.cuts.update(verdict.cuts)
        if verdict.faults:
            totals.failed.append(seed)
    return totals
