"""When which fault is injected: generated from the seed alone, so that a run can be repeated."""

from dataclasses import dataclass
from random import Random

from harness.soak.faults import FAULT_TYPES

_FIRST_SECONDS = 3.0
# One more fault in so many seconds, once every type has had its turn: several are active at most times.
_SECONDS_EACH = 10.0


@dataclass(frozen=True, order=True)
class PlannedFault:
    """One fault of a plan.

    Attributes:
        at: Seconds after the beginning.
        fault_type: Its name in `FAULT_TYPES`.
        seconds: How long it may take.
        seed: Of its own randomness.
    """

    at: float
    fault_type: str
    seconds: float
    seed: str


def generate_plan(seed: int, seconds: float) -> list[PlannedFault]:
    """The faults of a run, by time: every type that fits into it once at least; all have ended when it ends."""
    chance = Random(f"plan/{seed}")  # noqa: S311  # repeatable, not secret
    room = seconds - _FIRST_SECONDS
    fitting = [name for name in sorted(FAULT_TYPES) if FAULT_TYPES[name].min_seconds <= room]
    if not fitting:
        return []
    more = max(0, int(seconds / _SECONDS_EACH) - len(fitting))
    chosen = chance.sample(fitting, len(fitting)) + chance.choices(fitting, k=more)
    planned = []
    for number, name in enumerate(chosen):
        lasts = chance.uniform(FAULT_TYPES[name].min_seconds, min(FAULT_TYPES[name].max_seconds, room))
        at = _FIRST_SECONDS + chance.uniform(0, room - lasts)
        planned.append(PlannedFault(at, name, lasts, f"{seed}/{number}/{name}"))
    return sorted(planned)
