"""Times without a connection, by presence events."""

from __future__ import annotations

from factory_lake.connections import Event
from factory_lake.coverage.connectivity import NOT_CONNECTED, lanes_of
from factory_lake.coverage.evidence import Offline

CLIENT = "krakow-line-1-measurements"


def event(at: int, kind: str, session: str, reason: str = "", gateway: str = "line-1") -> Event:
    return Event(at, kind, CLIENT.replace("line-1", gateway), gateway, "measurements", session, 0, reason)


def test_the_time_between_two_connections_is_offline_for_the_reason_of_the_first() -> None:
    events = [
        event(100, "connected", "a"),
        event(200, "disconnected", "a", "CONNECTION_LOST"),
        event(300, "connected", "b"),
    ]
    (lane,) = lanes_of([*events, *events]).values()
    assert lane.offline == (Offline(100, 200, 300, "CONNECTION_LOST", CLIENT),)
    assert lane.known_from_ms == 100


def test_a_connection_that_another_replaced_leaves_no_gap() -> None:
    """The event of the new one may be earlier than that of the old one's end."""
    events = [
        event(100, "connected", "a"),
        event(200, "connected", "b"),
        event(201, "disconnected", "a", "DUPLICATE_CLIENTID"),
    ]
    (lane,) = lanes_of(events).values()
    assert lane.offline == ()
    assert lane.takeovers == (Offline(100, 200, None, "DUPLICATE_CLIENTID", CLIENT),)


def test_a_takeover_lasts_until_the_connection_that_took_over_ended() -> None:
    events = [
        event(100, "connected", "a"),
        event(200, "disconnected", "a", "DUPLICATE_CLIENTID"),
        event(203, "connected", "b"),
        event(300, "disconnected", "b", "CLIENT_INITIATED_DISCONNECT"),
        event(320, "connected", "c"),
    ]
    (lane,) = lanes_of(events).values()
    assert lane.takeovers == (Offline(100, 200, 300, "DUPLICATE_CLIENTID", CLIENT),)
    assert lane.offline[1:] == (Offline(203, 300, 320, "CLIENT_INITIATED_DISCONNECT", CLIENT),)


def test_a_lane_whose_first_connection_comes_later_than_others_was_not_connected_before() -> None:
    found = lanes_of([event(100, "connected", "a"), event(500, "connected", "b", gateway="line-2")])
    client = CLIENT.replace("line-1", "line-2")
    assert found["line-1", "measurements"].offline == ()
    assert found["line-2", "measurements"].offline == (Offline(100, 100, 500, NOT_CONNECTED, client),)


def test_a_connection_of_before_the_first_event_was_there_from_it_on() -> None:
    events = [event(100, "connected", "x", gateway="line-2"), event(400, "disconnected", "a", "SERVER_ERROR")]
    lane = lanes_of(events)["line-1", "measurements"]
    (offline,) = lane.offline
    (bounded,) = lanes_of(events, known_to_ms=900)["line-1", "measurements"].offline
    assert (offline.known_to_ms, bounded.known_to_ms) == (None, 900)
    assert (offline.noticed_ms, offline.end_ms, offline.reason) == (400, None, "SERVER_ERROR")
    assert lane.known_from_ms == 100


def test_the_canarys_connections_are_no_lanes_and_nobody_else_was_offline_for_them() -> None:
    of_the_canary = [event(100, "connected", "x", gateway="canary"), event(200, "disconnected", "x", gateway="canary")]
    assert lanes_of([*of_the_canary, event(1_000, "connected", "a")]) == lanes_of([event(1_000, "connected", "a")])
