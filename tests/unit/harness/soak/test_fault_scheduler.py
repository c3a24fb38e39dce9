"""Strikes begin at their times, are counted by what they met, and end when they are told to."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import cast

import pytest

from harness.lake import LocalLake
from harness.soak.__main__ import main
from harness.soak.cameras import Cameras
from harness.soak.fault_scheduler import Striking
from harness.soak.faults import KINDS, Field, Kind, Strike
from harness.soak.gateways import Gateways
from harness.soak.plan import Planned
from harness.soak.targets import Grounds

LONG = 60.0


@pytest.fixture
def ground(tmp_path: Path) -> Field:
    """A field for strikes that touch nothing of it but the wish to heal."""
    grounds = Grounds(cast(LocalLake, None), (), tmp_path)
    return Field(grounds, cast(Gateways, None), cast(Cameras, None))


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Strike], None]:
    """Adds a kind of fault."""
    known = cast(dict[str, Kind], KINDS)
    return lambda name, strike: monkeypatch.setitem(known, name, Kind(strike, (1, 1)))


def test_a_strike_begins_at_its_time(ground: Field, kind: Callable[[str, Strike], None]) -> None:
    kind("meets", lambda _ground, _chance, _seconds: True)
    kind("misses", lambda _ground, _chance, _seconds: False)
    with Striking(ground, [Planned(1, "meets", 1, "a"), Planned(2, "misses", 1, "b")]) as strikes:
        strikes.advance(0.5)
        assert not strikes.struck
        strikes.advance(2.5)
    assert (dict(strikes.struck), dict(strikes.missed)) == ({"meets": 1}, {"misses": 1})
    assert strikes.under_way == []


def test_a_kind_that_met_nothing_gets_another_turn_while_there_is_time(
    ground: Field, kind: Callable[[str, Strike], None]
) -> None:
    turns = iter([False, True])
    kind("misses", lambda _ground, _chance, _seconds: next(turns))
    with Striking(ground, [Planned(1, "misses", 2, "a")], until=5) as strikes:
        strikes.advance(1)
        strikes.heal()
        strikes.advance(1.5)  # unless it had its second turn at once
    assert (strikes.struck["misses"], strikes.missed["misses"]) == (1, 1)


def test_no_turn_is_given_that_would_end_too_late(ground: Field, kind: Callable[[str, Strike], None]) -> None:
    kind("misses", lambda _ground, _chance, _seconds: False)
    with Striking(ground, [Planned(1, "misses", 5, "a")], until=5) as strikes:
        strikes.advance(1)
        strikes.heal()
        assert strikes.are_over
    assert strikes.missed["misses"] == 1


def test_healing_ends_what_is_under_way_at_once(ground: Field, kind: Callable[[str, Strike], None]) -> None:
    kind("lasts", lambda place, _chance, seconds: place.healing.wait(seconds))
    began = time.monotonic()
    with Striking(ground, [Planned(0, "lasts", LONG, "a")]) as strikes:
        strikes.advance(0)
        assert strikes.under_way == ["lasts"]
    assert time.monotonic() - began < LONG
    assert strikes.struck["lasts"] == 1


def test_a_strike_that_fails_is_the_soaks_own_failure(
    ground: Field, kind: Callable[[str, Strike], None]
) -> None:
    def fail(_ground: Field, _chance: Random, _seconds: float) -> bool:
        raise LookupError("no such stream")

    kind("fails", fail)
    strikes = Striking(ground, [Planned(0, "fails", 1, "a")])
    with suppress(LookupError):  # it may have failed already
        strikes.advance(0)
    strikes.heal()
    with pytest.raises(LookupError, match="no such stream"):
        strikes.check()


def test_a_run_must_take_some_time(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--minutes", "0"])
    assert "must be above 0, got 0" in capsys.readouterr().err
