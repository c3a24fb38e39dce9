"""When which fault strikes: drawn from the seed alone, so that a run can be repeated."""

from dataclasses import dataclass
from random import Random

from harness.soak.faults import KINDS

_HEAD = 3.0
# One more strike for so many seconds, once every kind has had its turn: with these lengths, several are under
# way at most times.
_SECONDS_EACH = 10.0


@dataclass(frozen=True, order=True)
class Planned:
    """One strike.

    Attributes:
        at: Seconds after the beginning.
        kind: Its name in `KINDS`.
        seconds: How long it may take.
        seed: Of its own randomness.
    """

    at: float
    kind: str
    seconds: float
    seed: str


def draw(seed: int, seconds: float) -> list[Planned]:
    """The strikes of a run, by time: every kind that fits into it once at least.

    Args:
        seed: Another seed is another run.
        seconds: How long the run is; every strike has ended by then.
    """
    chance = Random(f"plan/{seed}")  # noqa: S311  # repeatable, not secret
    room = seconds - _HEAD
    fitting = [name for name in sorted(KINDS) if KINDS[name].lasts[0] <= room]
    if not fitting:
        return []
    more = max(0, int(seconds / _SECONDS_EACH) - len(fitting))
    chosen = chance.sample(fitting, len(fitting)) + chance.choices(fitting, k=more)
    planned = []
    for number, name in enumerate(chosen):
        least, most = KINDS[name].lasts
        lasts = chance.uniform(least, min(most, room))
        at = _HEAD + chance.uniform(0, room - lasts)
        planned.append(Planned(at, name, lasts, f"{seed}/{number}/{name}"))
    return sorted(planned)
