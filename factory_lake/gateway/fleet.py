"""Several connections at work side by side, one thread each."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from factory_lake.gateway.connections import Connections
from factory_lake.gateway.errors import DeliveryError, GatewayError
from factory_lake.gateway.identities import Source
from factory_lake.gateway.journal import Journal
from factory_lake.gateway.mqtt import Connection, Progress, Timeouts, Version

Watcher = Callable[[Mapping[Source, Progress]], None]

_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class SendOptions:
    """How a fleet sends.

    Attributes:
        rate: Publishes a second on each connection, on average; none passes 100 in any second.
    """

    rate: float = 100
    version: Version = "5"
    timeouts: Timeouts | None = None


def send(
    connections: Connections,
    work: Mapping[Source, Iterable[bytes]],
    journal_dir: Path,
    options: SendOptions | None = None,
    watch: Watcher | None = None,
    stop: threading.Event | None = None,
) -> dict[Source, Progress]:
    """Send every source's payloads over its own connection and wait until all are acknowledged.

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
                version=options.version,
                timeouts=options.timeouts,
            )
        threads = [
            threading.Thread(
                target=_run, args=(worker, work[source], stop, failures), name=source.client_id, daemon=True
            )
            for source, worker in workers.items()
        ]
        _watch(threads, {source: worker.progress for source, worker in workers.items()}, look, stop)
    finally:
        for journal in journals:
            journal.close()
    _raise_failures(failures)
    return {source: worker.progress for source, worker in workers.items()}


def _run(worker: Connection, payloads: Iterable[bytes], stop: threading.Event, failures: list[BaseException]) -> None:
    try:
        worker.run(payloads, stop)
    except BaseException as error:  # the caller's thread raises it again
        worker.progress.state = "failed"
        failures.append(error)


def _watch(
    threads: list[threading.Thread], progress: Mapping[Source, Progress], look: Watcher, stop: threading.Event
) -> None:
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            look(progress)
            _join(threads, _BETWEEN_LOOKS)
    finally:
        # Reached early by Ctrl-C: the threads still write to the journals, so they must end before those
        # close.
        if any(thread.is_alive() for thread in threads):
            stop.set()
        for thread in threads:
            thread.join()
        look(progress)


def _join(threads: list[threading.Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _raise_failures(failures: list[BaseException]) -> None:
    told = [failure for failure in failures if isinstance(failure, GatewayError)]
    for failure in failures:
        if failure not in told:
            raise failure
    if len(told) == 1:
        raise told[0]
    if told:
        rules = "; ".join(str(failure) for failure in told)
        raise DeliveryError(f"{len(told)} connections", rules) from told[0]
