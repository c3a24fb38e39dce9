"""What a camera does all day, drawn from a seed: how long its fragments are, when it is away."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.testing.errors import InputError


@dataclass(frozen=True)
class Segment:
    """One fragment to be filmed; it begins at a producer timestamp, epoch milliseconds."""

    start_ms: int
    frames: int
    width: int
    height: int


@dataclass(frozen=True)
class Script:
    """The rules of a camera's day.

    Attributes:
        seed: everything random follows from it.
        fps: frames a second.
        shortest_ms: least length of a fragment.
        longest_ms: greatest length of a fragment; PutMedia takes 20 s.
        resolutions: pictures' widths and heights; a change goes to the next one, round and round.
        change_chance: that the resolution changes before a fragment, which changes the codec private data.
        away_chance: that the connection breaks before a fragment; nothing is filmed while it is away.
        away_ms: least and greatest length of such a break.
    """

    seed: int
    fps: int = 5
    shortest_ms: int = 2_000
    longest_ms: int = 2_000
    resolutions: tuple[tuple[int, int], ...] = ((160, 96),)
    change_chance: float = 0.0
    away_chance: float = 0.0
    away_ms: tuple[int, int] = (8_000, 60_000)

    def __post_init__(self) -> None:
        if self.fps < 1 or 1000 % self.fps:
            raise InputError(f"fps must divide 1000, got {self.fps}")
        for name in ("change_chance", "away_chance"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name.replace('_', '-')} must be 0..1, got {getattr(self, name)}")
        if not 1000 // self.fps <= self.shortest_ms <= self.longest_ms <= 20_000:
            raise InputError(
                f"fragments must last from one frame ({1000 // self.fps} ms) to 20000 ms,"
                f" got {self.shortest_ms}..{self.longest_ms}"
            )

    def segments(self, start_ms: int) -> Iterator[Segment]:
        """The day from this moment on; it never ends."""
        chance = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        frame_ms = 1000 // self.fps
        resolution = 0
        while True:
            if chance.random() < self.away_chance:
                start_ms += chance.randint(*self.away_ms)
            if chance.random() < self.change_chance:
                resolution = (resolution + 1) % len(self.resolutions)
            frames = chance.randint(self.shortest_ms, self.longest_ms) // frame_ms
            yield Segment(start_ms, frames, *self.resolutions[resolution])
            start_ms += frames * frame_ms
