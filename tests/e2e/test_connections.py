"""Gateways connect and disconnect in every way, and the table says when and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from factory_lake.connections import COLUMNS, Event, connections
from factory_lake.gateway.identities import LANES, Source
from harness.demo import messages
from harness.lake import LocalLake
from localcloud.iot.broker import BURST_SECONDS
from localcloud.testing.devices import Connection, Device, connection
from tests.e2e.plant import FLUSH_SECONDS, PATIENCE, all_keys, rows, wait_until

FACTORY = "riga"
SOURCES = {lane: Source(FACTORY, "mill", lane) for lane in LANES}

Attempt = Callable[[Source], AbstractContextManager[Connection]]
Connect = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def attempt(lake: LocalLake, tmp_path: Path) -> Attempt:
    """Try once to connect as a process that sends."""

    def get(source: Source) -> AbstractContextManager[Connection]:
        identity = messages.connections(lake).identity(source)
        certificate = tmp_path / "certificate.pem"
        certificate.write_text(identity.certificate)
        return connection(lake.cloud, Device("", "", certificate, identity.key_file), source.client_id)

    return get


@pytest.fixture
def connect(attempt: Attempt) -> Connect:
    """Connect as the process that sends measurements, once the broker's limit of connects allows it."""

    @contextmanager
    def get() -> Iterator[Connection]:
        deadline = time.monotonic() + PATIENCE
        while True:
            with attempt(SOURCES["measurements"]) as mine:
                if mine.accepted.is_set():
                    yield mine
                    return
            assert time.monotonic() < deadline, f"not accepted within {PATIENCE:g} s: {mine.reason}"

    return get


@pytest.fixture
def events(lake: LocalLake) -> Callable[[int], list[Event]]:
    """Gives the events that the table has got during the test, once there are so many."""
    before = set(_events(lake))

    def get(count: int) -> list[Event]:
        wait_until(lambda: len(_events(lake)) >= len(before) + count)
        found = [event for event in _events(lake) if event not in before]
        assert len(found) == count, found
        return found

    return get


def _events(lake: LocalLake) -> list[Event]:
    lake.cloud.flush([lake.outputs["connections"][FACTORY]["delivery_stream"]], FLUSH_SECONDS)
    sql = f"SELECT {', '.join(COLUMNS)} FROM connections WHERE factory = '{FACTORY}' ORDER BY ts"  # noqa: S608 - ours
    return [Event.from_row(dict(zip(COLUMNS, row, strict=True))) for row in rows(lake, sql)]


def _keys(lake: LocalLake, prefix: str) -> set[str]:
    return set(all_keys(lake, "configuration", prefix))


def _ask(mine: Connection, _lake: LocalLake) -> None:
    mine.client.disconnect()


def _lose(mine: Connection, _lake: LocalLake) -> None:
    mine.client.socket().close()  # type: ignore[union-attr]


def _fall_silent(_mine: Connection, lake: LocalLake) -> None:
    lake.cloud.control("POST", "iot/silence", {"client_id": SOURCES["measurements"].client_id, "seconds": 91})


def _say_too_much(mine: Connection, _lake: LocalLake) -> None:
    mine.client.publish(SOURCES["measurements"].topic, b"x" * (128 * 1024 + 1), qos=1)


def _retain(mine: Connection, _lake: LocalLake) -> None:
    mine.client.publish(SOURCES["measurements"].topic, b"{}", qos=1, retain=True)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (_ask, "CLIENT_INITIATED_DISCONNECT"),
        (_lose, "CONNECTION_LOST"),
        (_fall_silent, "MQTT_KEEP_ALIVE_TIMEOUT"),
        (_say_too_much, "CLIENT_ERROR"),
        (_retain, "AUTH_ERROR"),
    ],
)
def test_a_period_of_connection_ends_with_its_reason(
    lake: LocalLake,
    connect: Connect,
    events: Callable[[int], list[Event]],
    end: Callable[[Connection, LocalLake], None],
    reason: str,
) -> None:
    began = time.time() * 1000
    with connect() as mine:
        end(mine, lake)
        assert mine.dropped.wait(PATIENCE)

    (period,) = connections(events(2))

    assert (period.client_id, period.gateway, period.lane) == (f"{FACTORY}-mill-measurements", "mill", "measurements")
    assert (period.reason, period.ip) == (reason, "127.0.0.1")
    assert period.is_begin_known
    assert period.end_ms is not None
    assert began - 1000 <= period.start_ms <= period.end_ms <= time.time() * 1000 + 1000


def test_a_second_process_with_the_client_id_ends_the_first(
    connect: Connect, events: Callable[[int], list[Event]]
) -> None:
    with connect() as first, connect():
        assert first.dropped.wait(PATIENCE)

    before, after = connections(events(4))

    assert (before.reason, after.reason) == ("DUPLICATE_CLIENTID", "CLIENT_INITIATED_DISCONNECT")
    assert before.end_ms is not None
    assert before.end_ms <= after.start_ms


def test_a_client_that_connects_as_often_as_it_may_fills_one_object_a_flush(
    lake: LocalLake,
    attempt: Attempt,
    events: Callable[[int], list[Event]],
) -> None:
    prefix = f"connections/factory={FACTORY}/"
    events(0)
    before = _keys(lake, prefix)
    accepted = 0
    for _ in range(3 * BURST_SECONDS):
        with attempt(SOURCES["configuration"]) as mine:  # no other test has used up what this client ID may
            accepted += mine.accepted.is_set()
    assert BURST_SECONDS <= accepted < 3 * BURST_SECONDS
    wait_until(lambda: _waiting(lake) == 2 * accepted)

    assert len(connections(events(2 * accepted))) == accepted
    assert len(_keys(lake, prefix) - before) == 1


def _waiting(lake: LocalLake) -> int:
    """Records that the delivery stream holds."""
    name = lake.outputs["connections"][FACTORY]["delivery_stream"]
    status = lake.cloud.status()["engine"]["streams"]["delivery_streams"][name]
    return int(status["outstanding_records"])


def test_events_that_cannot_be_delivered_lie_under_errors_and_are_no_messages(
    lake: LocalLake, connect: Connect
) -> None:
    prefix = f"errors/factory={FACTORY}/connections/iot-rule/"
    before = _keys(lake, prefix)
    fault = lake.cloud.faults.add(
        service="firehose",
        operation="PutRecord",
        resource=lake.outputs["connections"][FACTORY]["delivery_stream"],
        error="ServiceUnavailableException",
        times=2,
    )
    with connect():
        pass
    wait_until(lambda: len(_keys(lake, prefix) - before) == 2)
    lake.cloud.faults.remove(fault)
