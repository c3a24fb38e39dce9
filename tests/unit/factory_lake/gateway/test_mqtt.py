"""Connections to a real broker, over lines that break."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from factory_lake.gateway.batches import Batch, Batching, join, samples_of
from factory_lake.gateway.connections import Identity
from factory_lake.gateway.errors import ConfigurationError, DeliveryError
from factory_lake.gateway.fleet import SendOptions, send
from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.journal import Journal, read_journals
from factory_lake.gateway.mqtt import MAX_PAYLOAD, Connection, Timeouts, Version
from factory_lake.gateway.proxy import Proxy
from tests.unit.factory_lake.gateway.fixtures import IotLake

pytestmark = pytest.mark.cloud

QUICK = Timeouts(answer=2, give_up=20, first_pause=0.05, longest_pause=0.2)


def payloads(number: int) -> list[bytes]:
    return [b'{"value":%d}' % n for n in range(number)]


def connect(
    lake: IotLake,
    identity: Identity,
    folder: Path,
    port: int | None = None,
    timeouts: Timeouts = QUICK,
    version: Version = "5",
) -> Connection:
    return Connection(
        lake.broker(port),
        identity,
        Journal.open(folder, identity.source),
        folder / "certificate.pem",
        timeouts=timeouts,
        version=version,
    )


@pytest.mark.parametrize("version", get_args(Version))
def test_every_message_is_acknowledged_and_arrives_once(lake: IotLake, tmp_path: Path, version: Version) -> None:
    source = Source("krakow", f"plain-{version[0]}", "measurements")
    sent = [*payloads(60), b"\x00\xff not JSON", b"x" * (MAX_PAYLOAD - 200)]
    with lake.listener(source) as listener:
        progress = connect(lake, lake.identity(source), tmp_path, version=version).run(sent)
        heard = listener.wait_for(lambda heard: len(heard) >= len(sent))

    assert heard == sent
    assert (progress.published, progress.acked, progress.resent) == (len(sent), len(sent), 0)
    entries = read_journals(tmp_path)
    assert [entry.payload for entry in entries] == sent
    assert all(entry.acked_ms and entry.attempts == 1 for entry in entries)


def when(condition: Callable[[], bool], action: Callable[[], None]) -> threading.Thread:
    """Do something in another thread as soon as a condition holds."""

    def watch() -> None:
        deadline = time.monotonic() + 60
        while not condition() and time.monotonic() < deadline:
            threading.Event().wait(0.005)
        action()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("version", get_args(Version))
def test_a_cut_line_loses_nothing_and_repeats_are_in_the_journal(
    lake: IotLake, proxy: Proxy, tmp_path: Path, version: Version
) -> None:
    """The broker took messages whose PUBACKs were lost: they go out again, and the journal says so."""
    source = Source("krakow", f"cut-{version[0]}", "measurements")
    sent = payloads(80)
    identity = lake.identity(source)
    with lake.listener(source) as listener:
        connection = connect(lake, identity, tmp_path, proxy.local_port, version=version)

        def stream() -> Iterator[bytes]:
            for number, payload in enumerate(sent):
                if number == 40:
                    proxy.answers_pass = False
                if number == 45:
                    listener.wait_for(lambda heard: sent[41] in heard)
                    proxy.cut()
                    proxy.answers_pass = True
                yield payload

        progress = connection.run(stream())
        heard = Counter(listener.wait_for(lambda heard: set(sent) <= set(heard)))

    assert (progress.reconnects, progress.resumed) == (1, 1)
    assert progress.acked == len(sent)
    attempts = {entry.payload: entry.attempts for entry in read_journals(tmp_path)}
    repeated = {payload for payload, times in heard.items() if times > 1}
    assert sent[41] in repeated
    assert all(heard[payload] <= attempts[payload] for payload in sent)
    assert progress.resent == sum(attempts.values()) - len(sent)
    assert all(entry.acked_ms for entry in read_journals(tmp_path))


def test_a_broker_that_is_away_is_tried_again(lake: IotLake, proxy: Proxy, tmp_path: Path) -> None:
    source = Source("krakow", "away", "measurements")
    proxy.is_up = False
    connection = connect(lake, lake.identity(source), tmp_path, proxy.local_port)
    trouble = when(lambda: connection.progress.state == "reconnecting", lambda: setattr(proxy, "is_up", True))
    progress = connection.run(payloads(5))
    trouble.join()
    assert progress.acked == 5
    assert [entry.attempts for entry in read_journals(tmp_path)] == [1] * 5


def test_a_broker_that_stays_silent_counts_as_lost(lake: IotLake, proxy: Proxy, tmp_path: Path) -> None:
    """No PUBACK for too long: the connection is opened again and the messages go out again."""
    source = Source("krakow", "silent", "measurements")
    timeouts = Timeouts(answer=0.5, give_up=20, first_pause=0.05, longest_pause=0.2)
    connection = connect(lake, lake.identity(source), tmp_path, proxy.local_port, timeouts)

    def stream() -> Iterator[bytes]:
        for number, payload in enumerate(payloads(60)):
            if number == 10:
                proxy.answers_pass = False
            yield payload

    trouble = when(lambda: connection.progress.state == "reconnecting", lambda: setattr(proxy, "answers_pass", True))
    progress = connection.run(stream())
    trouble.join()
    assert progress.acked == 60
    assert progress.reconnects >= 1
    assert progress.resent >= 1


def test_gives_up_in_the_end_and_the_next_run_sends_what_is_unacknowledged(
    lake: IotLake, proxy: Proxy, tmp_path: Path
) -> None:
    source = Source("krakow", "owed", "measurements")
    identity = lake.identity(source)
    sent = payloads(30)
    timeouts = Timeouts(answer=5, give_up=1, first_pause=0.05, longest_pause=0.1)
    journal = Journal.open(tmp_path, source)
    first = Connection(lake.broker(proxy.local_port), identity, journal, tmp_path / "c.pem", timeouts=timeouts)

    def stream() -> Iterator[bytes]:
        for number, payload in enumerate(sent):
            if number == 15:
                proxy.is_up = False
                proxy.cut()
            yield payload

    with pytest.raises(DeliveryError, match=r"acknowledged nothing for .* messages stay unacknowledged in .*\.jsonl"):
        first.run(stream())
    journal.close()
    left = [entry for entry in read_journals(tmp_path) if entry.is_unacknowledged]
    taken = len(read_journals(tmp_path))
    assert left

    with lake.listener(source) as listener:
        second = connect(lake, identity, tmp_path).run(sent[taken:])
        listener.wait_for(lambda heard: len(heard) >= len(left) + len(sent) - taken)

    assert second.resent == len(left)
    entries = read_journals(tmp_path)
    assert [entry.payload for entry in entries] == sent
    assert not [entry for entry in entries if entry.is_unacknowledged]
    assert all(entry.attempts > 1 for entry in entries if entry.n in {one.n for one in left})


def test_a_foreign_topic_is_refused_and_said_so(lake: IotLake, tmp_path: Path) -> None:
    source = Source("krakow", "foreign", "measurements")
    identity = lake.identity(source, topic="factories/lyon/foreign/measurements")
    with pytest.raises(DeliveryError, match=f"PUBLISH to {source.topic} refused: Not authorized"):
        connect(lake, identity, tmp_path).run(payloads(1))
    (entry,) = read_journals(tmp_path)
    assert entry.refused == "Not authorized"


def test_a_foreign_topic_with_an_older_gateway(lake: IotLake, tmp_path: Path) -> None:
    """MQTT 3.1.1 has no way to say no: the broker closes. The gateway must not try indefinitely."""
    source = Source("krakow", "foreign-3", "measurements")
    identity = lake.identity(source, topic="factories/lyon/foreign/measurements")
    timeouts = Timeouts(answer=1, give_up=1, first_pause=0.05, longest_pause=0.1)
    with pytest.raises(DeliveryError, match=r"acknowledged nothing for .*connection closed"):
        connect(lake, identity, tmp_path, timeouts=timeouts, version="3.1.1").run(payloads(1))
    (entry,) = read_journals(tmp_path)
    assert entry.is_unacknowledged


def test_a_foreign_client_id_is_refused_and_said_so(lake: IotLake, tmp_path: Path) -> None:
    source = Source("krakow", "stranger", "measurements")
    identity = lake.identity(source, client_id="somebody-else-measurements")
    timeouts = Timeouts(answer=1, give_up=0.5, first_pause=0.05, longest_pause=0.1)
    with pytest.raises(DeliveryError, match=r"CONNECT refused: Not authorized"):
        connect(lake, identity, tmp_path, timeouts=timeouts).run(payloads(1))
    assert read_journals(tmp_path) == []


def test_a_broker_with_a_foreign_certificate_is_not_trusted(lake: IotLake, tmp_path: Path) -> None:
    source = Source("krakow", "trusting", "measurements")
    identity = lake.identity(source)
    foreign = tmp_path / "foreign.pem"
    foreign.write_text(identity.certificate)  # a certificate, but of no authority that signed the broker's
    broker = lake.broker()
    connection = Connection(
        type(broker)(broker.host, broker.port, foreign), identity, Journal.open(tmp_path, source), tmp_path / "c.pem"
    )
    with pytest.raises(DeliveryError, match="is not trusted"):
        connection.run(payloads(1))


def test_two_connections_with_one_client_id_are_found_out(lake: IotLake, tmp_path: Path) -> None:
    """AWS IoT closes the older one, so both would evict each other indefinitely."""
    source = Source("krakow", "twins", "measurements")
    identity = lake.identity(source)
    failures: list[str] = []
    stop = threading.Event()

    def forever() -> Iterator[bytes]:
        while True:
            yield b"{}"

    def run(folder: Path) -> None:
        try:
            connect(lake, identity, folder).run(forever(), stop)
        except DeliveryError as error:
            failures.append(str(error))
            stop.set()

    twins = [threading.Thread(target=run, args=(tmp_path / name,)) for name in ("one", "two")]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join(30)
    assert failures
    assert "another connection with this client ID keeps taking over" in failures[0]


def test_a_fleet_sends_side_by_side_and_finishes_the_others_when_one_fails(lake: IotLake, tmp_path: Path) -> None:
    good = Source("lyon", "good", "measurements")
    bad = Source("lyon", "bad", "measurements")
    connections = lake.connections(lake.identity(good), lake.identity(bad, topic="factories/lyon/other/measurements"))
    states: list[set[str]] = []

    with pytest.raises(DeliveryError, match="lyon-bad-measurements: PUBLISH to"):
        send(
            connections,
            {good: payloads(40), bad: payloads(3)},
            tmp_path,
            SendOptions(timeouts=QUICK),
            lambda progress: states.append({one.state for one in progress.values()}),
        )

    entries = read_journals(tmp_path)
    assert sum(1 for entry in entries if entry.source == good and entry.acked_ms) == 40
    assert states[-1] == {"done", "failed"}


def test_a_fleet_can_be_stopped(lake: IotLake, tmp_path: Path) -> None:
    """What was in flight is finished, nothing new begins, and nothing stays unacknowledged."""
    source = Source("lyon", "stopped", "measurements")
    stop = threading.Event()

    def endless() -> Iterator[bytes]:
        number = 0
        while True:
            if number == 20:
                stop.set()
            yield b"%d" % number
            number += 1

    progress = send(lake.connections(lake.identity(source)), {source: endless()}, tmp_path, stop=stop)[source]

    assert progress.state == "stopped"
    assert 20 <= progress.acked < 100
    assert not [entry for entry in read_journals(tmp_path) if entry.is_unacknowledged]


def test_a_second_of_sending_stays_below_the_limit(lake: IotLake, tmp_path: Path) -> None:
    source = Source("lyon", "paced", "measurements")
    connect(lake, lake.identity(source), tmp_path).run(payloads(250))
    times = sorted(entry.first_ms for entry in read_journals(tmp_path))
    most = max(sum(1 for other in times if start <= other < start + 1000) for start in times)
    assert most <= 101  # one more than the limit, since the clock of the journal ticks in milliseconds
    assert times[-1] - times[0] < 5000


def test_batches_are_journaled_as_they_are_published_and_repeated_whole(
    lake: IotLake, proxy: Proxy, tmp_path: Path
) -> None:
    """Measurements are joined, configuration is not; what is not acknowledged goes out again with all its samples."""
    source, other = (Source("lyon", "joined", lane) for lane in LANES)
    sent = payloads(91)
    sent[70] = b"not JSON"
    connections = lake.connections(lake.identity(source), lake.identity(other), port=proxy.local_port)
    options = SendOptions(timeouts=QUICK, batching=Batching(14))

    def stream() -> Iterator[bytes]:
        for number, payload in enumerate(sent):
            if number == 30:
                proxy.answers_pass = False
            if number == 60:
                listener.wait_for(lambda heard: join(sent[28:42]) in heard)
                proxy.cut()
                proxy.answers_pass = True
            yield payload

    with lake.listener(source) as listener:
        progress = send(connections, {source: stream(), other: payloads(3)}, tmp_path, options)
        expected = [
            *(join(sent[at : at + 14]) for at in range(0, 70, 14)),
            b"not JSON",
            join(sent[71:85]),
            join(sent[85:]),
        ]
        heard = Counter(listener.wait_for(lambda heard: set(expected) <= set(heard)))

    assert set(heard) == set(expected)
    assert (progress[source].published, progress[source].acked, progress[source].messages) == (8, 8, 91)
    assert (progress[other].published, progress[other].messages) == (3, 3)
    entries = read_journals(tmp_path)
    assert [one.payload for one in entries if one.source == source] == expected
    assert [sample for one in entries if one.source == source for sample in samples_of(one.payload)] == sent
    attempts = {one.payload: one.attempts for one in entries}
    assert attempts[join(sent[28:42])] > 1
    assert all(times <= attempts[payload] for payload, times in heard.items())


def test_nothing_yet_is_no_end_and_blocks_nothing(lake: IotLake, tmp_path: Path) -> None:
    """While the source has nothing, PUBACKs are read: it waits for the one of what it gave."""
    source = Source("lyon", "trickle", "measurements")
    connection = connect(lake, lake.identity(source), tmp_path)
    deadline = time.monotonic() + 60

    def stream() -> Iterator[bytes | Batch | None]:
        for number, payload in enumerate(payloads(3)):
            while connection.progress.acked < number:
                assert time.monotonic() < deadline
                yield None
            yield Batch(payload, 5)

    progress = connection.run(stream())
    assert (progress.acked, progress.messages, progress.state) == (3, 15, "done")


def test_basic_ingest_is_its_own_topic(lake: IotLake, tmp_path: Path) -> None:
    """Publishing behind the rule's name needs that very topic in the policy, and no other."""
    source = Source("lyon", "cheap", "measurements")
    topic = f"$aws/rules/lake_lyon_measurements/{source.topic}"
    identity = replace(lake.identity(source, topic=topic), basic_ingest_topic=topic)
    connections = lake.connections(identity)
    send(connections, {source: payloads(3)}, tmp_path / "cheap", SendOptions(basic_ingest=True))
    assert all(one.acked_ms for one in read_journals(tmp_path / "cheap"))
    with pytest.raises(DeliveryError, match=f"PUBLISH to {source.topic} refused: Not authorized"):
        send(connections, {source: payloads(1)}, tmp_path / "plain")


def test_a_lake_that_names_no_topic_for_basic_ingest(lake: IotLake, tmp_path: Path) -> None:
    source = Source("lyon", "older", "measurements")
    place = r"output gateways\.lyon\.older\.measurements"
    with pytest.raises(ConfigurationError, match=f"{place} must hold basic_ingest_topic for --basic-ingest"):
        send(lake.connections(lake.identity(source)), {source: payloads(1)}, tmp_path, SendOptions(basic_ingest=True))
