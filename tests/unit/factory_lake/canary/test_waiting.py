"""How a step waits: until what it looks for is there, no longer than its bound, and not when it is stopped."""

from __future__ import annotations

import threading

import pytest

from factory_lake.canary.model import Clock, Found, Message, StepError, sample
from factory_lake.canary.tables import Tables

HERE = Found("here")


class _Stop(threading.Event):
    """Time passes by waiting alone."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return self.is_set()


@pytest.fixture
def stop() -> _Stop:
    return _Stop()


@pytest.fixture
def clock(stop: _Stop) -> Clock:
    return Clock(stop, lambda: stop.now)


def test_what_is_there_is_given_at_once(clock: Clock, stop: _Stop) -> None:
    assert clock.until(lambda: HERE, 100) == HERE
    assert stop.now == 0


def test_it_looks_again_until_it_is_there_and_once_more_at_the_bound(clock: Clock, stop: _Stop) -> None:
    assert clock.until(lambda: HERE if stop.now >= 60 else None, 60) == HERE
    assert stop.now == 60


def test_it_gives_up_at_its_bound(clock: Clock, stop: _Stop) -> None:
    assert clock.until(lambda: None, 450) is None
    assert stop.now == 450


def test_it_looks_a_few_times_a_minute_at_most(clock: Clock, stop: _Stop) -> None:
    looks: list[float] = []

    def look() -> None:
        looks.append(stop.now)

    clock.until(look, 600)
    assert len(looks) < 600 / 10 + 10


def test_it_ends_when_it_is_stopped(clock: Clock, stop: _Stop) -> None:
    stop.set()
    assert clock.until(lambda: None, 600) is None
    assert stop.now < 1


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"gateway": "line-2", "value": 42.0}, "the row has the gateway line-2, not canary"),
        ({"gateway": "canary", "value": 41.9}, "the row has the value 41.9, not 42"),
    ],
)
def test_a_row_that_is_not_as_it_was_sent_fails(
    row: dict[str, object], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(_self: Tables, _sql: str, _message: Message) -> list[dict[str, object]]:
        return [row]

    monkeypatch.setattr(Tables, "_rows", rows)
    with pytest.raises(StepError) as caught:
        Tables(None, "lake", "lake").arrived(sample("krakow", "canary", 1))  # type: ignore[arg-type]
    assert str(caught.value) == rule
