"""All delivery streams of the local cloud: found, kept up to date, delivered and flushed."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.calls import CallError
from localcloud.firehose.checkpoint import CheckpointFile
from localcloud.firehose.clients import CALL_ERRORS, RoleClients, error_code
from localcloud.firehose.delivery import Delivery
from localcloud.firehose.errors import ConfigError
from localcloud.firehose.metrics import Meter, Outbox
from localcloud.firehose.settings import Settings, read

log = logging.getLogger(__name__)

NEWS_SECONDS = 2.0
"""To wait for news at a time, so that the end of the engine is not held up."""
CALM_SECONDS = 0.5
"""Between two calls for news: while records are put there are always some."""
DISCOVERY_SECONDS = 2.0
"""Between two looks at all delivery streams: while Terraform applies, news of all never end."""
RECOVERY_SECONDS = 1.0


@dataclass
class Flush:
    """A wish to have everything delivered that is in the data stream at `since`."""

    since: float
    hurried: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class Worker:
    """One delivery stream on a thread of its own.

    An unforeseen failure ends the `Delivery`; a new one goes on from the checkpoint, so that no
    half-done state outlives it.
    """

    def __init__(self, settings: Settings, make: Callable[[Settings], Delivery]) -> None:
        self._make = make
        self._wanted = settings
        self._snapshot: dict[str, Any] = {"state": "starting"}
        self._round_began: float | None = None
        self._failure: str | None = None
        self._flushes: list[Flush] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._has_news = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=settings.name, daemon=True)
        self._thread.start()

    @property
    def settings(self) -> Settings:
        """The newest settings known."""
        return self._wanted

    def configure(self, settings: Settings) -> None:
        """Go on by these settings."""
        self._wanted = settings

    def poll_soon(self) -> None:
        """Read the data stream: there are news of it."""
        self._has_news = True
        self._wake.set()

    def request_flush(self) -> Flush:
        """Deliver at once what is in the stream now; the answer's event is set when that is done."""
        flush = Flush(time.monotonic())
        with self._lock:
            self._flushes.append(flush)
        self._wake.set()
        return flush

    def give_up(self, flush: Flush) -> None:
        """Stop flushing; buffers wait for their time again."""
        with self._lock:
            if flush in self._flushes:
                self._flushes.remove(flush)

    def stop(self) -> None:
        """End after the current round. What is not delivered is read again after the next start."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def status(self) -> dict[str, Any]:
        """The delivery's status after its last round, how long the present one lasts, what ended the last delivery."""
        began = self._round_began
        status = {**self._snapshot, "round_seconds": 0.0 if began is None else round(time.monotonic() - began, 3)}
        return status if self._failure is None else {**status, "state": "failed", "last_error": self._failure}

    def _run(self) -> None:
        while not self._stopping:
            try:
                delivery = self._make(self._wanted)
                self._failure = None
                self._deliver(delivery)
            except Exception as error:
                log.exception("%s: delivery starts again from its checkpoint", self._wanted.name)
                self._failure = f"{type(error).__name__}: {error}"
                self._wake.wait(RECOVERY_SECONDS)
                self._wake.clear()

    def _deliver(self, delivery: Delivery) -> None:
        while not self._stopping:
            self._wake.clear()
            if self._has_news:
                self._has_news = False
                delivery.poll_soon()
            delivery.reconfigure(self._wanted)
            with self._lock:
                since = max((flush.since for flush in self._flushes), default=None)
                if not all(flush.hurried for flush in self._flushes):
                    delivery.retry_now()
                for flush in self._flushes:
                    flush.hurried = True
            self._round_began = time.monotonic()
            wait = delivery.round(since)
            self._round_began = None
            self._snapshot = {"state": "delivering", **delivery.status()}
            with self._lock:
                for flush in [flush for flush in self._flushes if delivery.is_flushed(flush.since)]:
                    flush.done.set()
                    self._flushes.remove(flush)
            self._wake.wait(wait)


class Engine:
    """Finds the delivery streams of the local cloud and delivers each.

    Args:
        workdir: Folder of the checkpoints.
        publish: Sends what is in the outbox, which a flush does when it is done.
    """

    def __init__(
        self,
        clients: RoleClients,
        workdir: Path,
        outbox: Outbox | None = None,
        publish: Callable[[], None] = lambda: None,
    ) -> None:
        self._clients = clients
        self._firehose = clients.own("firehose")
        self._workdir = workdir
        self._workers: dict[str, Worker] = {}
        self._refused: dict[str, str] = {}
        self._error: str | None = None
        self._outbox = outbox or Outbox()
        self._publish = publish
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="discovery", daemon=True)

    def start(self) -> None:
        """Look for delivery streams from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End all work."""
        self._stopping.set()
        self._thread.join()
        for worker in self._workers.values():
            worker.stop()

    def discover(self) -> None:
        """Bring the workers in line with the delivery streams that exist now.

        Raises:
            ClientError, BotoCoreError: The control plane does not answer; the workers go on as they were.
        """
        with self._lock:
            self._refused = {}
            found = {}
            for name in self._names():
                try:
                    found[name] = read(self._describe(name))
                except ConfigError as error:
                    self._refused[name] = str(error)
                except CALL_ERRORS as error:
                    if error_code(error) != "ResourceNotFoundException":
                        raise
            for name, worker in list(self._workers.items()):
                settings = found.get(name)
                if settings is None or settings.started != worker.settings.started:
                    self._remove(name, worker)
            for name, settings in found.items():
                if name in self._workers:
                    self._workers[name].configure(settings)
                else:
                    self._workers[name] = Worker(settings, self._make_delivery)
            self._error = None

    def flush(self, names: Sequence[str] | None, timeout: float) -> tuple[list[str], dict[str, Any]]:
        """Deliver everything that is in the data streams now.

        Args:
            names: Delivery streams, None for all.
            timeout: Seconds to wait at most.

        Returns:
            The delivery streams that are through, and why the others are not.
        """
        deadline = time.monotonic() + timeout
        self.discover()
        wanted = list(self._workers) + list(self._refused) if names is None else list(names)
        flushes = {name: self._workers[name].request_flush() for name in wanted if name in self._workers}
        delivered: list[str] = []
        undelivered = {
            name: {"reason": self._refused.get(name, "no such delivery stream")}
            for name in wanted
            if name not in flushes
        }
        for name, flush in flushes.items():
            worker = self._workers[name]
            if flush.done.wait(max(0.0, deadline - time.monotonic())):
                delivered.append(name)
            else:
                worker.give_up(flush)
                undelivered[name] = _remaining(worker.status())
        self._publish()
        return delivered, undelivered

    def status(self) -> dict[str, Any]:
        """All delivery streams, JSON values only."""
        streams: dict[str, Any] = {name: worker.status() for name, worker in list(self._workers.items())}
        streams |= {name: {"state": "refused", "last_error": why} for name, why in list(self._refused.items())}
        return {"delivery_streams": streams, "last_error": self._error}

    def _watch(self) -> None:
        news: Mapping[str, Any] = {"number": 0, "all": True, "streams": []}
        is_wanted, due = True, time.monotonic()
        while not self._stopping.is_set():
            is_wanted |= news["all"] or self._error is not None
            if is_wanted and time.monotonic() >= due:
                self._try_to_discover()
                is_wanted, due = False, time.monotonic() + DISCOVERY_SECONDS
            for worker in list(self._workers.values()):
                if news["all"] or worker.settings.source_arn in news["streams"]:
                    worker.poll_soon()
            self._stopping.wait(CALM_SECONDS)
            wait = due - time.monotonic() if is_wanted else NEWS_SECONDS
            news = self._next_news(news["number"], min(NEWS_SECONDS, max(0.0, wait)))

    def _try_to_discover(self) -> None:
        try:
            self.discover()
        except CALL_ERRORS as error:
            self._error = f"list the delivery streams: {error}"
            log.warning("%s", self._error)
        except Exception as error:
            self._error = f"{type(error).__name__}: {error}"
            log.exception("discovery failed")

    def _next_news(self, number: int, seconds: float) -> Mapping[str, Any]:
        try:
            return self._clients.news(number, seconds)
        except (CallError, OSError) as error:
            log.warning("no news: %s", error)
            self._stopping.wait(NEWS_SECONDS)
            return {"number": number, "all": True, "streams": []}

    def _names(self) -> list[str]:
        names: list[str] = []
        more: dict[str, Any] = {}
        while True:
            answer = self._firehose.list_delivery_streams(Limit=100, **more)
            names += answer["DeliveryStreamNames"]
            if not answer["HasMoreDeliveryStreams"]:
                return names
            more = {"ExclusiveStartDeliveryStreamName": names[-1]}

    def _describe(self, name: str) -> Mapping[str, Any]:
        answer = self._firehose.describe_delivery_stream(DeliveryStreamName=name)
        description: Mapping[str, Any] = answer["DeliveryStreamDescription"]
        return description

    def _make_delivery(self, settings: Settings) -> Delivery:
        return Delivery(
            settings=settings,
            clients=self._clients.of(settings.arn),
            checkpoints=self._checkpoint_file(settings),
            renew=lambda: self._clients.forget(settings.arn),
            clock=time.monotonic,
            meter=Meter(settings.name, self._outbox),
            intake=lambda wanted: self._clients.intake(settings.name, wanted),
            has_news=True,
        )

    def _checkpoint_file(self, settings: Settings) -> CheckpointFile:
        # Names are case sensitive, file systems may not be.
        digest = hashlib.sha256(settings.arn.encode()).hexdigest()[:12]
        return CheckpointFile(self._workdir / "checkpoints" / f"{settings.name}-{digest}.json")

    def _remove(self, name: str, worker: Worker) -> None:
        del self._workers[name]
        worker.stop()
        self._checkpoint_file(worker.settings).remove()
        self._clients.forget(worker.settings.arn)


def _remaining(status: Mapping[str, Any]) -> dict[str, Any]:
    """What a delivery stream has not delivered, and why."""
    waiting = {
        key: status[key]
        for key in ("outstanding_records", "objects_to_write", "blocked", "seconds_behind", "round_seconds", "shards")
        if key in status
    }
    return {"reason": status.get("last_error") or "not done in time", **waiting}
