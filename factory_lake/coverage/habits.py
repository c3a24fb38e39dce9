"""How often a tag sends, learned from its own history.

A tag is **periodic** when the middle four fifths of its intervals lie between half and one and a half of the
median. Its period is the median, and a pause is missing data when it is longer than two periods and the tag's
usual jitter. Every other tag sends **on change**: by its habit nothing is due for up to three times what one
interval in a hundred exceeds, or one and a half times the longest interval of the days before the range.
"""

from dataclasses import dataclass

from factory_lake.coverage.evidence import Pauses

#: A habit shows in no fewer samples.
LEAST_SAMPLES = 10
#: A sample of a tag that sends on change stands for so long.
MOMENT_MS = 1_000
# Jitter of tags with a short period that means nothing.
_LEAST_JITTER_MS = 100


@dataclass(frozen=True)
class Habit:
    """How often a tag sends.

    Attributes:
        period_ms: Time between two samples; None for a tag that sends on change, or of which too little is known.
        usual_ms: Pauses up to this count as data.
        longest_ms: The longest pause that is normal; None when too little is known of the tag.
        basis: Where that comes from, in words.
    """

    period_ms: int | None
    usual_ms: int
    longest_ms: int | None
    basis: str

    @property
    def covers_ms(self) -> int:
        """For how long a sample stands, when none follows."""
        return self.period_ms or MOMENT_MS


def habit_of(pauses: Pauses, every_ms: int | None = None) -> Habit:
    """Learn a tag's habit, or take the interval that the user gives."""
    if every_ms is not None:
        return Habit(every_ms, 2 * every_ms, 2 * every_ms, f"given: a sample every {spoken(every_ms)}")
    if pauses.samples < LEAST_SAMPLES or pauses.median_ms <= 0:
        return Habit(None, 0, None, f"unknown: {pauses.samples} samples are too few to show a habit")
    if 2 * pauses.tenth_ms >= pauses.median_ms and 2 * pauses.ninetieth_ms <= 3 * pauses.median_ms:
        jitter_ms = max(_LEAST_JITTER_MS, pauses.ninetieth_ms - pauses.median_ms)
        longest_ms = 2 * pauses.median_ms + jitter_ms
        basis = f"periodic: a sample every {spoken(pauses.median_ms)}, the median of {pauses.samples} samples"
        return Habit(pauses.median_ms, longest_ms, longest_ms, basis)
    longest_ms = max(3 * pauses.rare_ms, pauses.longest_before_ms * 3 // 2)
    basis = f"on change: pauses up to {spoken(longest_ms)} are its habit, by {pauses.samples} samples"
    return Habit(None, pauses.rare_ms, longest_ms, basis)


def spoken(ms: int) -> str:
    """A time in words."""
    if ms < 1000:
        return f"{ms} ms"
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms / 1000:.4g} s"
