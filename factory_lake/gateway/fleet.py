"""Several connections at work side by side, one thread each."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from factory_lake.gateway.batches import Batching, batched
from factory_lake.gateway.connections import Connections
from factory_lake.gateway.errors import DeliveryError, GatewayError
from factory_lake.gateway.identities import Source
from factory_lake.gateway.journal import Journal
from factory_lake.gateway.mqtt import Connection, Payload, Progress, Timeouts, Version

Watcher = Callable[[Mapping[Source, Progress]], None]

_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class SendOptions:
    """How a fleet sends."""

    rate: float = 100  # publishes a second on each connection, on average; none passes 100 in any second
    version: Version = "5"
    timeouts: Timeouts | None = None
    basic_ingest: bool = False  # publish to the topic behind `$aws/rules/<rule>/`
    batching: Batching | None = None  # join measurements; configuration always goes one by one


def send(
    connections: Connections,
    work: Mapping[Source, Iterable[bytes | None]],
    journal_dir: Path,
    options: SendOptions | None = None,
    watch: Watcher | None = None,
    stop: threading.Event | None = None,
) -> dict[Source, Progress]:
    """Send every source's messages over its own connection and wait until all are acknowledged.

    A None among the messages of a source says that it has nothing more yet.

    `watch` is called in this thread a few times a second and at the end. Set `stop` to stop early; so does Ctrl-C,
    which then goes on to the caller. Certificates are written beside the journals.

    Returns:
        What each connection did.

    Raises:
        DeliveryError: When connections gave up; the others were finished first.
        GatewayError: When an identity, key or journal cannot be used.
    """
    options = options or SendOptions()
    stop = stop or threading.Event()
    look: Watcher = watch or (lambda _progress: None)
    journals: list[Journal] = []
    failures: list[BaseException] = []
    workers: dict[Source, Connection] = {}
    try:
        for source in sorted(work):
            journals.append(Journal.open(journal_dir, source))
            workers[source] = Connection(
                connections.broker,
                connections.identity(source),
                journals[-1],
                journal_dir / f"{source.client_id}.crt",
                rate=options.rate,
                basic_ingest=options.basic_ingest,
                version=options.version,
                timeouts=options.timeouts,
            )
        _watch(workers, {source: _due(source, work[source], options) for source in work}, stop, failures, look)
    finally:
        for journal in journals:
            journal.close()
    _raise_failures(failures)
    return {source: worker.progress for source, worker in workers.items()}


def _due(source: Source, messages: Iterable[bytes | None], options: SendOptions) -> Iterable[Payload]:
    return batched(messages, options.batching) if options.batching and source.lane == "measurements" else messages


def _run(
    worker: Connection, payloads: Iterable[Payload], stop: threading.Event, failures: list[BaseException]
) -> None:
    try:
        worker.run(payloads, stop)
    except BaseException as error:  # the caller's thread raises it again
        worker.progress.state = "failed"
        failures.append(error)


def _watch(
    workers: Mapping[Source, Connection],
    work: Mapping[Source, Iterable[Payload]],
    stop: threading.Event,
    failures: list[BaseException],
    look: Watcher,
) -> None:
    progress = {source: worker.progress for source, worker in workers.items()}
    with ThreadPoolExecutor(max(1, len(workers))) as threads:
        running = [threads.submit(_run, worker, work[source], stop, failures) for source, worker in workers.items()]
        try:
            while wait(running, _BETWEEN_LOOKS).not_done:
                look(progress)
        finally:
            # Reached early by Ctrl-C: the threads still write to the journals, so they must end before those close.
            if wait(running, 0).not_done:
                stop.set()
            wait(running)
            look(progress)


def _raise_failures(failures: list[BaseException]) -> None:
    known = [failure for failure in failures if isinstance(failure, GatewayError)]
    for failure in failures:
        if failure not in known:
            raise failure
    if len(known) == 1:
        raise known[0]
    if known:
        rules = "; ".join(str(failure) for failure in known)
        raise DeliveryError(f"{len(known)} connections", rules) from known[0]
