"""Periods of connection, from events that repeat, overtake each other and are missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_lake.connections import Connection, Event, connections

REASONS = ("CLIENT_INITIATED_DISCONNECT", "CONNECTION_LOST", "MQTT_KEEP_ALIVE_TIMEOUT", "DUPLICATE_CLIENTID")


@dataclass(frozen=True)
class Lived:
    """A connection as it was, with the events of it that the lake has."""

    connection: Connection
    events: tuple[Event, ...]


def _lived(client_id: str, start: int, end: int | None, told: int, session: str, version: int, reason: str) -> Lived:
    connection = Connection(client_id, "line-1", "measurements", start, end, session, reason, "10.0.0.1", version)
    if end is None:
        connection = Connection(
            client_id, "line-1", "measurements", start, None, session, "", "10.0.0.1", version, is_end_known=False
        )
    common = {"client_id": client_id, "gateway": "line-1", "lane": "measurements"}
    begun = Event(start, "connected", **common, session=session, version=version, ip="10.0.0.1")
    ended = Event(told, "disconnected", **common, session=session, version=version, reason=reason)
    return Lived(connection, (begun,) if end is None else (begun, ended))


@st.composite
def histories(draw: st.DrawFn, client_id: str = "krakow-line-1-measurements") -> list[Lived]:
    """The connections of a client, in order; a session has one or several, and a version number may begin again."""
    count = draw(st.integers(0, 8))
    now, session, version = draw(st.integers(1, 1000)), 0, 0
    history = []
    for place in range(count):
        if draw(st.booleans()):
            session += 1
            version = 0 if draw(st.booleans()) else version + draw(st.integers(1, 3))
        else:
            version += draw(st.integers(1, 3))
        pause = draw(st.integers(0, 1000))
        # AWS takes one CONNECT of a client ID a second; of closer ones nobody could tell the order.
        length = draw(st.integers(max(1, 1000 - pause), 2000))
        reason = draw(st.sampled_from(REASONS[:-1])) if pause else REASONS[-1]
        is_last = place == count - 1
        end = None if is_last and draw(st.booleans()) else now + length
        # Of a connection that another one replaced, the end may be told a little later than that one's beginning.
        told = now + length + (draw(st.integers(0, 5)) if not pause and not is_last else 0)
        history.append(_lived(client_id, now, end, told, f"session-{session}", version, reason))
        now += length + pause
    return history


def _told_end(lived: Lived, following: Lived | None) -> int | None:
    """When it ended as far as its events tell, if not before the next one began."""
    ends = [event.at_ms for event in lived.events if event.event == "disconnected"]
    if not ends:
        return None
    return ends[0] if following is None else min(ends[0], following.connection.start_ms)


@given(histories(), st.data())
def test_events_that_repeat_and_overtake_each_other_tell_the_history(
    history: list[Lived], data: st.DataObject
) -> None:
    events = [event for lived in history for event in lived.events]
    shuffled = data.draw(
        st.permutations(events + data.draw(st.lists(st.sampled_from(events)) if events else st.just([])))
    )
    found = connections(shuffled)
    assert [(each.start_ms, each.session, each.version, each.reason, each.ip) for each in found] == [
        (
            each.connection.start_ms,
            each.connection.session,
            each.connection.version,
            each.connection.reason,
            "10.0.0.1",
        )
        for each in history
    ]
    followers = [*history[1:], None]
    assert [each.end_ms for each in found] == [
        _told_end(*pair) for pair in zip(history, followers[: len(history)], strict=True)
    ]


@given(histories(), st.data())
def test_without_some_events_nothing_is_told_that_was_not(history: list[Lived], data: st.DataObject) -> None:
    kept = [tuple(event for event in lived.events if data.draw(st.booleans())) for lived in history]
    found = connections([event for events in kept for event in events], since_ms=0)
    known = [lived for lived, events in zip(history, kept, strict=True) if events]
    assert [(each.session, each.version) for each in found] == [
        (each.connection.session, each.connection.version) for each in known
    ]
    for each, lived in zip(found, known, strict=True):
        if each.is_begin_known:
            assert each.start_ms == lived.connection.start_ms
        else:
            assert each.ip == ""
        assert each.is_end_known == any(event.event == "disconnected" for event in kept[history.index(lived)])
        if each.is_end_known:
            assert each.reason == lived.connection.reason
            assert each.end_ms is not None
        assert each.end_ms is None or each.start_ms <= each.end_ms
    for before, after in pairwise(found):
        assert before.end_ms is not None
        assert before.end_ms <= after.start_ms


@given(histories("krakow-line-1-measurements"), histories("krakow-line-2-measurements"))
def test_clients_have_nothing_to_do_with_each_other(first: list[Lived], second: list[Lived]) -> None:
    of_first, of_second = ([event for lived in each for event in lived.events] for each in (first, second))
    assert connections([*of_second, *of_first]) == connections(of_first) + connections(of_second)


def test_a_connection_whose_beginning_is_not_there_began_before_the_range() -> None:
    event = Event(5000, "disconnected", "c", "g", "configuration", "s", 7, "CONNECTION_LOST")
    (found,) = connections([event], since_ms=1000)
    assert (found.start_ms, found.end_ms, found.reason, found.is_begin_known) == (1000, 5000, "CONNECTION_LOST", False)


def test_a_connection_that_nothing_ended_ends_with_the_next_one() -> None:
    first = Event(1000, "connected", "c", "g", "configuration", "s", 1)
    again = Event(3000, "connected", "c", "g", "configuration", "t", 2)
    lost, running = connections([again, first])
    assert (lost.end_ms, lost.is_end_known, lost.reason) == (3000, False, "")
    assert (running.start_ms, running.end_ms) == (3000, None)


@pytest.mark.parametrize("sessions", [("s", "t"), ("t", "s"), ("s", "s")])
def test_a_replaced_connection_comes_before_the_one_that_replaced_it_though_its_end_is_told_later(
    sessions: tuple[str, str],
) -> None:
    replaced = Event(5006, "disconnected", "c", "g", "configuration", sessions[0], 1, "DUPLICATE_CLIENTID")
    begun = Event(5003, "connected", "c", "g", "configuration", sessions[1], 2)
    before, after = connections([begun, replaced], since_ms=1000)
    assert (before.version, before.start_ms, before.end_ms) == (1, 1000, 5003)
    assert (after.version, after.start_ms, after.end_ms) == (2, 5003, None)


@pytest.mark.parametrize(
    "ts", [1_772_323_445_678, "2026-03-01 00:04:05.678", datetime(2026, 3, 1, 0, 4, 5, 678_000, tzinfo=UTC)]
)
def test_a_row_is_read_as_it_comes(ts: object) -> None:
    row = {
        "ts": ts,
        "event": "connected",
        "client_id": "c",
        "gateway": "g",
        "lane": "measurements",
        "session": "s",
        "version": "12",
        "reason": None,
        "ip_address": "10.0.0.1",
    }
    expected = Event(1_772_323_445_678, "connected", "c", "g", "measurements", "s", 12, "", "10.0.0.1")
    assert Event.from_row(row) == expected
