"""When which fault strikes: drawn from the seed alone, so that a run can be repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tools.soak.strikes import KINDS, Kind

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


def draw(
    seed: int, seconds: float, names: Sequence[str] | None = None, kinds: Mapping[str, Kind] | None = None
) -> list[Planned]:
    """The strikes of a run, by time: every kind that fits into it once at least.

    Args:
        seed: Another seed is another run.
        seconds: How long the run is; every strike has ended by then.
        names: The kinds that may strike; all of them without.
        kinds: What there is; `KINDS` without.
    """
    kinds = kinds or KINDS
    chance = Random(f"plan/{seed}")  # noqa: S311  # repeatable, not secret
    room = seconds - _HEAD
    fitting = [name for name in (names or sorted(kinds)) if kinds[name].lasts[0] <= room]
    if not fitting:
        return []
    more = max(0, int(seconds / _SECONDS_EACH) - len(fitting))
    chosen = chance.sample(fitting, len(fitting)) + chance.choices(fitting, k=more)
    planned = []
    for number, name in enumerate(chosen):
        least, most = kinds[name].lasts
        lasts = chance.uniform(least, min(most, room))
        at = _HEAD + chance.uniform(0, room - lasts)
        planned.append(Planned(at, name, lasts, f"{seed}/{number}/{name}"))
    return sorted(planned)
