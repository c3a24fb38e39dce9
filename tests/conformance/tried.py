"""What a run of probes gave, as tests ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factory_lake.conformance.deletion import Leftover
from factory_lake.conformance.report import Outcome


@dataclass(frozen=True)
class Tried:
    """How probes ended, by their names, and what was left behind."""

    outcomes: dict[str, Outcome]
    leftovers: Sequence[Leftover]

    @property
    def not_held(self) -> dict[str, tuple[str, str]]:
        """State and reason of each that did not hold."""
        return {name: (one.state, one.seen) for name, one in self.outcomes.items() if one.state != "held"}
