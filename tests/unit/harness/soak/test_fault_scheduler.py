"""Faults begin at their times, are counted by their effect, and end when recovery begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import cast

import pytest

from harness.lake import LocalLake
from harness.lake.targets import Targets
from harness.soak.cameras import Cameras
from harness.soak.fault_scheduler import FaultScheduler
from harness.soak.faults import FAULT_TYPES, FaultContext, FaultType, Inject
from harness.soak.gateways import Gateways
from harness.soak.plan import PlannedFault

LONG = 60.0


@pytest.fixture
def context(tmp_path: Path) -> FaultContext:
    """A context for faults that use nothing of it but its recovery."""
    targets = Targets(cast(LocalLake, None), (), tmp_path)
    return FaultContext(targets, cast(Gateways, None), cast(Cameras, None))


@pytest.fixture
def fault_type(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Inject], None]:
    """Adds a type of fault."""
    known = cast(dict[str, FaultType], FAULT_TYPES)
    return lambda name, inject: monkeypatch.setitem(known, name, FaultType(inject, 1, 1))


def test_a_fault_begins_at_its_time(context: FaultContext, fault_type: Callable[[str, Inject], None]) -> None:
    fault_type("works", lambda _context, _chance, _seconds: True)
    fault_type("fizzles", lambda _context, _chance, _seconds: False)
    with FaultScheduler(context, [PlannedFault(1, "works", 1, "a"), PlannedFault(2, "fizzles", 1, "b")]) as scheduler:
        scheduler.advance(0.5)
        assert not scheduler.injected
        scheduler.advance(2.5)
    assert (dict(scheduler.injected), dict(scheduler.no_effect)) == ({"works": 1}, {"fizzles": 1})
    assert scheduler.active == []


def test_a_fault_without_effect_gets_another_turn_while_there_is_time(
    context: FaultContext, fault_type: Callable[[str, Inject], None]
) -> None:
    turns = iter([False, True])
    fault_type("fizzles", lambda _context, _chance, _seconds: next(turns))
    with FaultScheduler(context, [PlannedFault(1, "fizzles", 2, "a")], until=5) as scheduler:
        scheduler.advance(1)
        scheduler.recover()
        scheduler.advance(1.5)  # unless it had its second turn at once
    assert (scheduler.injected["fizzles"], scheduler.no_effect["fizzles"]) == (1, 1)


def test_no_turn_is_given_that_would_end_too_late(
    context: FaultContext, fault_type: Callable[[str, Inject], None]
) -> None:
    fault_type("fizzles", lambda _context, _chance, _seconds: False)
    with FaultScheduler(context, [PlannedFault(1, "fizzles", 5, "a")], until=5) as scheduler:
        scheduler.advance(1)
        scheduler.recover()
        assert scheduler.is_finished
    assert scheduler.no_effect["fizzles"] == 1


def test_recovery_ends_active_faults_at_once(context: FaultContext, fault_type: Callable[[str, Inject], None]) -> None:
    fault_type("lasts", lambda place, _chance, seconds: place.recovering.wait(seconds))
    began = time.monotonic()
    with FaultScheduler(context, [PlannedFault(0, "lasts", LONG, "a")]) as scheduler:
        scheduler.advance(0)
        assert scheduler.active == ["lasts"]
    assert time.monotonic() - began < LONG
    assert scheduler.injected["lasts"] == 1


def test_an_error_in_a_fault_is_the_soaks_own_error(
    context: FaultContext, fault_type: Callable[[str, Inject], None]
) -> None:
    def fail(_context: FaultContext, _chance: Random, _seconds: float) -> bool:
        raise LookupError("no such stream")

    fault_type("fails", fail)
    scheduler = FaultScheduler(context, [PlannedFault(0, "fails", 1, "a")])
    with suppress(LookupError):  # it may have failed already
        scheduler.advance(0)
    scheduler.recover()
    with pytest.raises(LookupError, match="no such stream"):
        scheduler.check()
