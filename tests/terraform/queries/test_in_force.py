"""The configuration in force by the view and by the named query, against an oracle that steps through the messages."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage
from tests.terraform.queries.conftest import BUCKETS, NOW
from tests.terraform.queries.rows import QUERIES, Update, line_objects, tables, views

_DEFAULT = "CAST(date_add('day', 1, current_date) AS timestamp)"
_INSTANTS = 1_000
#: Arrivals lie on few milliseconds, so that many are equal and instants fall on them.
_STEP_MS = 250
_STEPS = 1_600


def _history(chance: random.Random) -> list[Update]:
    """Messages of four gateways in the order of the objects, which is not that of their arrival."""
    made = []
    for factory, gateway in (("krakow", "line-1"), ("krakow", "line-2"), ("krakow", None), ("lyon", "line-1")):
        for _ in range(60):
            message = f'{{"v":{chance.randrange(4)}}}'
            update = Update(message, _written(chance.randrange(_STEPS)), factory, gateway)
            made += [update] * chance.choice((1, 1, 1, 2))
            if chance.random() < 0.3:
                made.append(Update(message, _written(chance.randrange(_STEPS)), factory, gateway))
    chance.shuffle(made)
    return made


def _written(step: int) -> str:
    """A step in the form of ``rows.at``; the steps lie on both sides of a midnight."""
    moment = timedelta(milliseconds=(step - _STEPS // 2) * _STEP_MS)
    seconds = moment.total_seconds() - moment.days * 86_400
    return f"{moment.days} {int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{seconds % 60:06.3f}"


def _moment(step: int) -> datetime:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return midnight + timedelta(milliseconds=(step - _STEPS // 2) * _STEP_MS)


def _in_force(history: Iterable[Update], until: str) -> dict[tuple[str, str | None], tuple[str, str]]:
    """Message and first arrival of what each gateway had last, of the messages up to a moment, one by one."""
    held: dict[tuple[str, str | None], tuple[str, str]] = {}
    for moment, message, factory, gateway in sorted(
        ((_stamp(update), update.message, update.factory, update.gateway) for update in history),
        key=lambda one: one[:2],
    ):
        if moment <= until and held.get((factory, gateway), ("", ""))[0] != message:
            held[factory, gateway] = (message, moment)
    return held


def _stamp(update: Update) -> str:
    days, clock = update.received.split(" ")
    day = NOW.date() + timedelta(days=int(days))
    return f"{day} {clock}"


HISTORY = _history(random.Random(13))


@pytest.fixture
def history() -> Sequence[Update]:
    return HISTORY


@pytest.fixture
def lake(history: Sequence[Update]) -> MemoryStorage:
    return MemoryStorage(
        tables={("lake", table["Name"]): table for table in (*tables(BUCKETS), *views("lake"))},
        objects=line_objects(NOW, BUCKETS, history),
    )


def _rows(lake: MemoryStorage, sql: str) -> list[list[str | None]]:
    return [list(row) for row in Query(sql, database="lake", now=NOW).run(lake, lake).rows]


def test_every_instant_has_what_the_oracle_says(lake: MemoryStorage, history: Sequence[Update]) -> None:
    """All instants in one query: a row for each and each gateway that had a configuration then."""
    chance = random.Random(31)
    instants = chance.sample(range(_STEPS), _INSTANTS)
    values = ", ".join(f"TIMESTAMP '{_moment(step):%Y-%m-%d %H:%M:%S.%f}'"[:-4] + "'" for step in instants)
    found = _rows(
        lake,
        "SELECT t, factory, gateway, valid_from, "  # noqa: S608 - the instants above
        "regexp_replace(line, ',\"_received_at.*$', '}'), changed "
        f"FROM (VALUES {values}) AS instants (t) JOIN configuration_in_force ON valid_from <= t "
        "AND (valid_until > t OR valid_until IS NULL)",
    )
    by_instant: dict[str, dict[tuple[str, str | None], tuple[str, str]]] = {}
    for instant, factory, gateway, since, message, _ in found:
        assert (factory, gateway) not in by_instant.setdefault(str(instant), {})
        by_instant[str(instant)][str(factory), gateway] = (str(message), str(since))
    for step in instants:
        until = f"{_moment(step):%Y-%m-%d %H:%M:%S.%f}"[:-3]
        assert by_instant.get(until, {}) == _in_force(history, until)


def test_the_history_has_repeats_equal_times_and_overtaking(history: Sequence[Update]) -> None:
    """Else the comparison with the oracle would show little."""
    assert len({(_stamp(one), one.factory, one.gateway, one.message) for one in history}) < len(history)
    at_once: dict[tuple[str, str, str | None], set[str]] = {}
    for update in history:
        at_once.setdefault((_stamp(update), update.factory, update.gateway), set()).add(update.message)
    assert sum(len(messages) > 1 for messages in at_once.values()) > 5
    assert [_stamp(one) for one in history] != sorted(_stamp(one) for one in history)


def test_intervals_of_a_gateway_follow_each_other(lake: MemoryStorage) -> None:
    found = _rows(
        lake,
        "SELECT factory, gateway, valid_from, valid_until, regexp_replace(line, ',\"_received_at.*$', '}'), changed "
        "FROM configuration_in_force ORDER BY factory, gateway, valid_from, line",
    )
    for before, after in pairwise(found):
        if before[:2] == after[:2]:
            assert before[3] == after[2]
            assert before[4] != after[4]
            assert after[5] == "true"
        else:
            assert before[3] is None
            assert after[5] == "false"


@pytest.mark.parametrize("step", range(0, _STEPS, 53))
def test_the_named_query_says_the_same(lake: MemoryStorage, history: Sequence[Update], step: int) -> None:
    until = f"{_moment(step):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    sql = (QUERIES / "configuration-at.sql").read_text()
    assert sql.count(_DEFAULT) == 2
    found = _rows(lake, sql.replace(_DEFAULT, f"TIMESTAMP '{until}'"))
    assert {(str(row[0]), row[1]): (str(row[3]), str(row[2])) for row in found} == _in_force(history, until)


def test_one_factory_is_read_when_one_is_named(lake: MemoryStorage) -> None:
    assert _rows(lake, "SELECT count(*) FROM configuration_in_force WHERE factory = 'lyon'") != [["0"]]
    assert {key.split("/")[0] for _, key in lake.read} == {"factory=lyon"}
