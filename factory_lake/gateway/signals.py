"""How the values of a machine's registers move: small processes that are given their randomness."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

Value = float | int | bool | str


class Signal(Protocol):
    """A register's value over time."""

    def step(self, rng: Random) -> Value:
        """The next value."""


@dataclass
class Drift:
    """A measured quantity: it wanders, is pulled back to its mean, and carries sensor noise."""

    mean: float  # where it belongs
    wander: float  # standard deviation of a step of the quantity itself
    noise: float  # standard deviation of a reading
    pull: float = 0.02  # part of the distance to the mean that a step takes back
    digits: int = 3  # decimals that the sensor gives
    single: bool = False  # whether the register is a float32, whose values a double shows with all their digits
    level: float | None = None

    def step(self, rng: Random) -> float:
        """The next reading."""
        level = self.mean if self.level is None else self.level
        self.level = level + (self.mean - level) * self.pull + rng.gauss(0, self.wander)
        reading = round(self.level + rng.gauss(0, self.noise), self.digits)
        return float(struct.unpack("<f", struct.pack("<f", reading))[0]) if self.single else reading


@dataclass
class Counter:
    """A count that grows, and starts again where its register ends."""

    count: int
    most: int  # the largest step
    modulus: int = 2**64  # one more than the largest number of the register

    def step(self, rng: Random) -> int:
        """The next count."""
        self.count = (self.count + rng.randint(0, self.most)) % self.modulus
        return self.count


@dataclass
class Level:
    """A whole number that wanders between two ends, such as a speed or a valve's position."""

    low: int
    high: int
    value: int
    most: int

    def step(self, rng: Random) -> int:
        """The next number."""
        self.value = min(self.high, max(self.low, self.value + rng.randint(-self.most, self.most)))
        return self.value


@dataclass
class Flag:
    """A contact that seldom changes."""

    value: bool
    changes: float = 0.03

    def step(self, rng: Random) -> bool:
        """The next state of the contact."""
        if rng.random() < self.changes:
            self.value = not self.value
        return self.value


@dataclass
class Texts:
    """A text that is one of a few: a state, a recipe, an alarm."""

    texts: Sequence[str]  # what it can be; the first comes first
    changes: float = 0.1  # probability of another one at a step
    index: int = 0

    def step(self, rng: Random) -> str:
        """The next text."""
        if rng.random() < self.changes:
            self.index = rng.randrange(len(self.texts))
        return self.texts[self.index]
