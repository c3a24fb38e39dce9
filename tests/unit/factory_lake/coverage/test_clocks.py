"""A clock that is off shows by the delays of what arrives: asked of the local engine, over arrivals made here."""

from __future__ import annotations

import pytest

from factory_lake.coverage import sql
from factory_lake.coverage.evidence import Clock
from factory_lake.coverage.tables import clock_of
from tests.unit.factory_lake.coverage.oracle import BEGIN, DAY, Plant
from tests.unit.factory_lake.coverage.test_sql import answer, storage_of

HOUR, MINUTE = 3600, 60
NOON = BEGIN + 12 * HOUR
#: Arrivals, by when each sample says that it was taken.
Arrivals = dict[int, int]


def steady(begin: int, end: int, behind: int, every: int = 10, way: int = 1) -> Arrivals:
    """A gateway that samples and sends, with a clock that is off."""
    return {at - behind: at + way for at in range(begin, end, every)}


def clocks(samples: Arrivals, begin: int = NOON - HOUR, end: int = NOON + HOUR) -> list[Clock]:
    plant = Plant(10, begin, end, samples)
    window = sql.Window("krakow", *sql.days_between(1000 * begin, 1000 * end, 7, 1))
    found = answer(storage_of(("speed", plant)), sql.clocks(window, 1000 * begin, 1000 * end, ("line-1",)))
    return [clock_of(row) for row in found]


@pytest.mark.parametrize("behind", [90, 7200, 6 * DAY, -90, -7200, -20 * HOUR])
def test_a_clock_that_is_off(behind: int) -> None:
    off = steady(NOON, NOON + 10 * MINUTE, behind)
    right = steady(NOON - 30 * MINUTE, NOON, 0) | steady(NOON + 10 * MINUTE, NOON + 30 * MINUTE, 0)

    (found,) = clocks(right | off)

    assert found == Clock(1000 * NOON, 1000 * (NOON + 10 * MINUTE), 1000 * (behind + 1), 60)


def test_a_clock_that_is_always_off() -> None:
    (found,) = clocks(steady(NOON - 3 * HOUR, NOON + 3 * HOUR, 3600))
    assert (found.start_ms, found.end_ms) == (1000 * (NOON - HOUR), 1000 * (NOON + HOUR))


def test_two_times_with_a_longer_pause_between_them() -> None:
    found = clocks(steady(NOON - 20 * MINUTE, NOON - 10 * MINUTE, 7200) | steady(NOON, NOON + 10 * MINUTE, 7200))
    assert [(one.start_ms, one.end_ms) for one in found] == [
        (1000 * (NOON - 20 * MINUTE), 1000 * (NOON - 10 * MINUTE)),
        (1000 * NOON, 1000 * (NOON + 10 * MINUTE)),
    ]


def test_a_gateway_that_sends_by_the_minute_what_it_sampled_meanwhile() -> None:
    """The delays of its freshest samples differ by as much as it samples."""
    samples = {at - 7200: at // 60 * 60 + 60 for at in range(NOON, NOON + HOUR // 2, 17)}
    (found,) = clocks(samples)
    assert 7_200_000 <= found.behind_ms <= 7_217_000


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(steady(NOON - HOUR, NOON + HOUR, 0), id="right"),
        pytest.param(steady(NOON - HOUR, NOON + HOUR, 45), id="off by less than a minute"),
        pytest.param(steady(NOON - HOUR, NOON, 0) | steady(NOON, NOON + 2 * MINUTE, 7200), id="for two minutes"),
        pytest.param({NOON - at: NOON + 1 for at in range(0, 5 * HOUR, 10)}, id="a buffer at once"),
        pytest.param(
            {NOON + 2 * at: NOON + HOUR // 2 + at for at in range(0, HOUR // 2, 5)}, id="caught up, twice as fast"
        ),
        pytest.param({NOON - HOUR + 11 * at: NOON - HOUR // 2 + 10 * at for at in range(180)}, id="caught up slowly"),
        pytest.param(
            {at: at // 600 * 600 + 600 for at in range(NOON - HOUR, NOON + HOUR, 10)}, id="sent every ten minutes"
        ),
        pytest.param(
            {at - 3 * HOUR: at + 1 for at in range(NOON, NOON + HOUR, 20)} | steady(NOON, NOON + HOUR, 0, 20),
            id="a buffer beside fresh samples",
        ),
    ],
)
def test_no_clock_is_off(samples: Arrivals) -> None:
    assert clocks(samples) == []


def test_the_days_of_the_window_are_read_and_no_more() -> None:
    plant = Plant(10, NOON, NOON + HOUR, steady(NOON, NOON + HOUR, 0) | {NOON - 30 * DAY: NOON})
    storage = storage_of(("speed", plant))
    window = sql.Window("krakow", *sql.days_between(1000 * NOON, 1000 * (NOON + HOUR), 7, 1))
    answer(storage, sql.clocks(window, 1000 * NOON, 1000 * (NOON + HOUR), ()))
    assert {key.split("month=")[1].removesuffix("/a.parquet") for _, key in storage.read} == {"03/day=09"}
