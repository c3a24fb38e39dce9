"""Faults at their times, each on a thread of its own."""

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Self

from harness.soak.faults import FAULT_TYPES, FaultContext
from harness.soak.plan import PlannedFault
from harness.workers import Workers


class FaultScheduler:
    """Injects the faults of a plan. A type that had no effect yet gets another turn while there is time.

    Args:
        context: What the faults work on.
        plan: Which faults, and when.
        until: Seconds after the beginning at which no more turns are given.

    Attributes:
        injected: Faults that had an effect, by type.
        no_effect: Faults that had none, by type.
        active: Types of the faults that last at this moment.
    """

    def __init__(self, context: FaultContext, plan: Sequence[PlannedFault], until: float = 0.0) -> None:
        self._context = context
        self._until = until
        self._now = 0.0
        self._plan = deque(plan)
        self._workers = Workers()
        self._lock = threading.Lock()
        self.injected: Counter[str] = Counter()
        self.no_effect: Counter[str] = Counter()
        self.active: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.recover()

    def advance(self, now: float) -> None:
        """Begin the faults whose time has come."""
        self._now = now
        while self._plan and self._plan[0].at <= now:
            planned = self._plan.popleft()
            self._workers.start(partial(self._inject, planned), planned.fault_type)
        self.check()

    @property
    def is_finished(self) -> bool:
        """Whether every fault has begun and ended."""
        return not self._plan and self._workers.are_done

    def recover(self) -> None:
        """End all faults, and return when everything that they broke is whole again."""
        self._context.recovering.set()
        self._workers.join()

    def check(self) -> None:
        """Raise the soak's own error in a fault, if there was one."""
        self._workers.check()

    def _inject(self, planned: PlannedFault) -> None:
        name = planned.fault_type
        with self._lock:
            self.active.append(name)
        had_effect = False
        try:
            chance = Random(planned.seed)  # noqa: S311  # repeatable, not secret
            had_effect = FAULT_TYPES[name].inject(self._context, chance, planned.seconds)
        finally:
            with self._lock:
                self.active.remove(name)
                (self.injected if had_effect else self.no_effect)[name] += 1
                if not self.injected[name] and self._now + planned.seconds <= self._until:
                    self._plan.appendleft(replace(planned, at=self._now, seed=f"{planned.seed}+"))
