"""Strikes at their times, each on a thread of its own."""

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from harness.soak.faults import KINDS, Field
from harness.soak.plan import Planned


class Striking:
    """Carries a plan out. A kind that has met nothing yet gets another turn while there is time.

    Args:
        ground: Where.
        plan: What, and when.
        until: Seconds after the beginning at which no more turns are given.

    Attributes:
        struck: Faults that met something, by kind.
        missed: Faults that met nothing, by kind.
        under_way: Kinds of the strikes that last at this moment.
    """

    def __init__(self, ground: Field, plan: Sequence[Planned], until: float = 0.0) -> None:
        self._ground = ground
        self._until = until
        self._now = 0.0
        self._plan = deque(plan)
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._lock = threading.Lock()
        self.struck: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.under_way: list[str] = []

    def __enter__(self) -> "Striking":
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()

    def advance(self, now: float) -> None:
        """Begin the strikes whose time has come.

        Args:
            now: Seconds after the beginning.

        Raises:
            Exception: What a strike failed with: the soak's own fault, not one that it wanted.
        """
        self._now = now
        while self._plan and self._plan[0].at <= now:
            planned = self._plan.popleft()
            thread = threading.Thread(target=self._strike, args=(planned,), name=planned.kind)
            self._threads.append(thread)
            thread.start()
        self.check()

    @property
    def are_over(self) -> bool:
        """Whether every strike has been and gone."""
        return not self._plan and not any(thread.is_alive() for thread in self._threads)

    def heal(self) -> None:
        """End all strikes, and return when everything that they broke is whole again."""
        self._ground.healing.set()
        for thread in self._threads:
            thread.join()

    def check(self) -> None:
        """Raise what a strike failed with."""
        if self._failures:
            raise self._failures[0]

    def _strike(self, planned: Planned) -> None:
        with self._lock:
            self.under_way.append(planned.kind)
        met = False
        try:
            chance = Random(planned.seed)  # noqa: S311  # repeatable, not secret
            met = KINDS[planned.kind].strike(self._ground, chance, planned.seconds)
        except BaseException as error:  # the soak's own thread raises it
            self._failures.append(error)
        finally:
            with self._lock:
                self.under_way.remove(planned.kind)
                (self.struck if met else self.missed)[planned.kind] += 1
                if not self.struck[planned.kind] and self._now + planned.seconds <= self._until:
                    self._plan.appendleft(replace(planned, at=self._now, seed=f"{planned.seed}+"))
