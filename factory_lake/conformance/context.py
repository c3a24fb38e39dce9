"""What a probe works with: clients, names, waiting, set-ups that several share, and the ledger of what it makes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from factory_lake.clients import Clients
from factory_lake.conformance.ledger import Entry, Ledger
from factory_lake.conformance.probe import CouldNotTell, Stopped
from factory_lake.conformance.resources import KINDS, PREFIX, TAG, underscored
from factory_lake.gateway.connections import MQTT_PORT, Broker
from factory_lake.lake import LocalAccess

T = TypeVar("T")

#: A new role's permissions take effect within this time ("Changes that I make are not always immediately visible",
#: IAM user guide, which gives no figure); seconds are common.
IAM_SECONDS = 90.0
_FIRST_PAUSE, _GROWTH, _MOST_PAUSE = 0.1, 1.5, 3.0


@dataclass
class _Slot:
    """A set-up that is made once."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    is_done: bool = False
    value: Any = None
    error: Exception | None = None


class Context:
    """One run, as all its probes see it; every method may be called from any thread."""

    def __init__(
        self,
        clients: Clients,
        ledger: Ledger,
        partition: str,
        *,
        local: LocalAccess | None = None,
        connections: int = 10,
        seconds: float = 1800.0,
        boundary: str | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            clients: Of the region, or of a local lake.
            ledger: Gets what is about to be made.
            partition: Of the account's ARNs.
            local: How a local lake is reached; None on AWS.
            connections: How many calls of a service are open at once.
            seconds: How long the run takes at most.
            boundary: ARN of the permissions boundary of each role that is made.
        """
        self.boundary = boundary
        self.region = ledger.place.region
        self.account = ledger.place.account
        self.partition = partition
        self.run = ledger.run
        #: What the name of everything that is made begins with.
        self.prefix = f"{PREFIX}{ledger.run}"
        #: What everything carries that takes tags.
        self.tags = {TAG: ledger.run}
        #: Set when nothing more may be made.
        self.stop = threading.Event()
        #: Whether it is a local lake, which takes at once what AWS takes in so many a second.
        self.is_local = local is not None
        self._clients = clients
        self._ledger = ledger
        self._local = local
        self._connections = connections
        self._ends = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str | None], Any] = {}
        self._slots: dict[tuple[object, ...], _Slot] = {}

    @property
    def tag_list(self) -> list[dict[str, str]]:
        """The tags as most services take them."""
        return [{"Key": name, "Value": value} for name, value in self.tags.items()]

    def name(self, of: str) -> str:
        """The name of a resource of this run; at most 63 characters, of which 29 say what it is of.

        Raises:
            ValueError: When it is longer.
        """
        found = f"{self.prefix}-{of}"
        if len(found) > 63:
            raise ValueError(f"{found}: a bucket's name has at most 63 characters")
        return found

    def underscored(self, of: str) -> str:
        """The same with underscores, where a hyphen may not be (rules of IoT) or needs quotes (Athena)."""
        return underscored(self.name(of))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def client(self, service: str, *, endpoint: str | None = None) -> Any:
        """A boto3 client, one a service and endpoint."""
        with self._lock:
            key = (service, endpoint)
            if key not in self._made:
                self._made[key] = self._clients.client(service, endpoint=endpoint, connections=self._connections)
            return self._made[key]

    def credentials(self) -> Any:
        """What calls are signed with that no client makes."""
        return self._clients.credentials()

    def fresh_client(self, service: str, *, endpoint: str | None = None) -> Any:
        """A client of the probe's own, whose events it may handle."""
        with self._lock:  # a session makes one client at a time
            return self._clients.client(service, endpoint=endpoint, connections=self._connections)

    def client_as(self, service: str, credentials: Mapping[str, Any]) -> Any:
        """A boto3 client with the credentials that STS gave for a role."""
        with self._lock:
            return self._clients.acting_as(credentials).client(service)

    def broker(self) -> Broker:
        """Where MQTT over TLS connects."""
        if self._local is not None:
            return Broker(self._local.mqtt_host, self._local.mqtt_port, self._local.ca_file)
        answer = self.client("iot").describe_endpoint(endpointType="iot:Data-ATS")
        return Broker(str(answer["endpointAddress"]), MQTT_PORT)

    def iot_data(self) -> Any:
        """A client of IoT's data plane."""
        return self.client("iot-data", endpoint=None if self._local else f"https://{self.broker().host}")

    def made(self, kind: str, identifier: str) -> str:
        """Note a resource before it is made, so that it is deleted whatever happens; give its identifier.

        Args:
            kind: Of `resources.KINDS`.
            identifier: What its kind is deleted by; it begins with the prefix, but for a log group's folder.

        Raises:
            Stopped: When the run is ending, so that nothing is made any more.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if self.prefix not in identifier and underscored(self.prefix) not in identifier:
            raise ValueError(f"the name of a {kind} must have the prefix {self.prefix}, got {identifier!r}")
        self.check()
        self._ledger.add(Entry(kind, identifier))
        return identifier

    def check(self) -> None:
        """Go no further when the run is ending.

        Raises:
            Stopped: When it is.
        """
        if self.stop.is_set():
            raise Stopped

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    def until(self, condition: Callable[[], T | None], seconds: float, what: str) -> T:
        """Ask again and again until the answer is true, and give it.

        Args:
            condition: What is asked.
            seconds: How long at most.
            what: What is awaited, for the report: "the stream to be ACTIVE".

        Raises:
            CouldNotTell: When it did not come in time, or the run has no time left.
            Stopped: When the run is ending.
        """
        ends, pause = min(time.monotonic() + seconds, self._ends), _FIRST_PAUSE
        while True:
            self.check()
            found = condition()
            if found:
                return found
            left = ends - time.monotonic()
            if left <= 0:
                raise CouldNotTell(f"waited {seconds:g} s in vain for {what}")
            self.stop.wait(min(pause, left))
            pause = min(pause * _GROWTH, _MOST_PAUSE)

    def within(self, found: Callable[[], Sequence[T]], seconds: float) -> T | None:
        """The first of what is found within a time; None where there is nothing at its end.

        Raises:
            CouldNotTell: When the run has not that much time left.
            Stopped: When it is ending.
        """
        ends = time.monotonic() + seconds
        try:
            return self.until(found, seconds, "what may not come")[0]
        except CouldNotTell:
            if time.monotonic() < ends:
                raise
            return None

    def eventually(self, call: Callable[[], T], codes: Collection[str], seconds: float, what: str) -> T:
        """Repeat a call for as long as it is refused with one of these codes, and give its answer.

        Args:
            call: What is called.
            codes: Of the refusals that pass by themselves, as a new role's do.
            seconds: How long at most.
            what: What is awaited, for the report.

        Raises:
            CouldNotTell: When it is still refused at the end.
        """
        last: list[ClientError] = []

        def attempt() -> list[T]:
            try:
                return [call()]
            except ClientError as error:
                if error.response["Error"]["Code"] not in codes:
                    raise
                last[:] = [error]
                return []

        try:
            return self.until(attempt, seconds, what)[0]
        except CouldNotTell as error:
            raise CouldNotTell(f"{error.why}; the last answer: {last[0]}" if last else error.why) from error

    def shared(self, setup: Callable[..., T], *arguments: Any) -> T:
        """What a set-up makes, made once however many probes ask for it.

        Args:
            setup: A function of the context and the arguments; it may share others, without a circle.
            arguments: They tell set-ups of one function apart.

        Raises:
            CouldNotTell: When it fails, to each that asks.
        """
        with self._lock:
            slot = self._slots.setdefault((setup, *arguments), _Slot())
        with slot.lock:
            if not slot.is_done:
                self.check()
                try:
                    slot.value = setup(self, *arguments)
                except Stopped:
                    raise
                except Exception as error:  # each probe that needs it tells it
                    slot.error = error
                slot.is_done = True
        if slot.error is not None:
            raise CouldNotTell(f"the set-up {setup.__name__} failed: {slot.error}") from slot.error
        found: T = slot.value
        return found
