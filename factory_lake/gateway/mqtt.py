"""One gateway's MQTT connection: QoS 1 over TLS with a client certificate, and nothing forgotten.

A message is written to the journal, published, and unacknowledged until its PUBACK. When the connection is
lost it is opened again, after a pause that doubles each time, and what is unacknowledged goes out again with
the DUP flag. The session is kept by the broker meanwhile, so that the packet numbers stay valid. All of a
connection's work is done in the thread that calls `run`.
"""

import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from factory_lake.gateway.batches import Batch
from factory_lake.gateway.bucket import BYTES_PER_PUBLISH, FASTEST, TokenBucket
from factory_lake.gateway.connections import Broker, Identity, tls_context
from factory_lake.gateway.errors import DeliveryError
from factory_lake.gateway.journal import Journal

Version = Literal["5", "3.1.1"]
# A message, several in one publish, or nothing yet.
Payload = bytes | Batch | None

# AWS IoT Core takes payloads of at most 128 KB ("Message size" among the message broker's quotas).
MAX_PAYLOAD = 128 * 1024

_QUOTA_EXCEEDED = 0x97
_SESSION_TAKEN_OVER = 0x8E
_SESSION_SECONDS = 3600
# A gateway that was restarted takes its own old connection over, once. What comes more often than this is a
# second gateway with the same client ID.
_TAKEOVERS = 3
_TAKEOVER_SECONDS = 60
_TICK = 0.5
# How soon to ask again for what was not there yet.
_SOON = 0.02
_ALL_TAKEN = Batch(b"", 0)


@dataclass(frozen=True)
class Timeouts:
    """How long a connection waits for what. All in seconds."""

    keepalive: int = 30  # between signs of life on an idle connection; AWS IoT takes 30 to 1200
    answer: float = 20  # for a CONNACK or a PUBACK; after that the connection counts as lost
    give_up: float = 120  # without any PUBACK while something is unacknowledged; after that `run` gives up
    first_pause: float = 0.5  # before the first attempt to connect again; the pause doubles with each attempt
    longest_pause: float = 30  # where it stops to double


@dataclass
class Progress:
    """What a connection has done so far. Other threads may read it."""

    published: int = 0  # publishes, each counted once
    acked: int = 0  # publishes that the broker acknowledged
    messages: int = 0  # in these; as many as publishes where there are no batches
    resent: int = 0  # publishes that were made again
    reconnects: int = 0
    resumed: int = 0  # connections for which the broker still had the session, so that packet numbers stayed valid
    state: str = "waiting"


@dataclass(frozen=True)
class Clock:
    """Where a connection keeps time and its certificate; a test passes its own."""

    clock: Callable[[], float] = time.monotonic  # seconds that only go forward
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    rng: random.Random = field(default_factory=random.Random)  # spreads the pauses of several gateways


class Connection:
    """Publishes as one identity.

    What an earlier run left unacknowledged in the journal goes out as well. `rate` is publishes a second on average,
    never more than 100 in any second; `window` is how many may be unacknowledged; `basic_ingest` says to which of its
    topics the identity publishes. MQTT 5 tells why it refuses; 3.1.1 is what older gateways speak.

    Raises:
        ConfigurationError: When certificate, key or CA cannot be used, or the identity has no such topic.
    """

    def __init__(
        self,
        broker: Broker,
        identity: Identity,
        journal: Journal,
        certificate_file: Path,
        *,
        rate: float = 100,
        basic_ingest: bool = False,
        version: Version = "5",
        window: int = 32,
        timeouts: Timeouts | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.progress = Progress()
        self._broker = broker
        self._source = identity.source
        self._topic = identity.topic(basic_ingest=basic_ingest)
        self._journal = journal
        self._window = window
        self._timeouts = timeouts or Timeouts()
        self._clock = clock or Clock()
        self._bucket = TokenBucket(rate, self._clock.clock)
        self._bytes = TokenBucket(FASTEST, self._clock.clock)
        self._in_flight: dict[int, int] = {}  # packet number to journal position
        self._payloads: dict[int, bytes] = {}  # journal position to payload, while in flight
        self._messages: dict[int, int] = {}  # journal position to messages, of batches that are unacknowledged
        self._resend: deque[tuple[int, bytes]] = deque()
        self._last_answer = self._connected_at = self._clock.clock()
        self._connected = False
        self._was_connected = False
        self._has_nothing_yet = False
        self._attempts = 0
        self._takeovers: list[float] = []
        self._problem = "no answer"
        self._fatal: DeliveryError | None = None
        self._client = self._make_client(version, tls_context(broker, identity, certificate_file))

    def run(self, payloads: Iterable[Payload], stop: threading.Event | None = None) -> Progress:
        """Publish what an earlier run left, then these payloads, and wait until all are acknowledged.

        Args:
            payloads: What to send, taken one by one when it may go out. None is asked again soon.
            stop: Set by another thread to stop early: nothing new is sent, and what is in flight gets a last
                chance.

        Raises:
            DeliveryError: When the broker refuses for good, or does not acknowledge anything for too long.
                What is unacknowledged then stays in the journal.
        """
        stop = stop or threading.Event()
        self._resend.extend((entry.n, entry.payload) for entry in self._journal.unacknowledged())
        new = iter(payloads)
        self._last_answer = self._clock.clock()
        try:
            more = True
            while more or self._resend or self._in_flight:
                if stop.is_set():
                    self._drain()
                    break
                if not self._connected:
                    self._connect(stop)
                    continue
                more = self._publish_what_may_go(new, more)
                self._listen(self._pause(more))
        finally:
            self._client.disconnect()
            self._connected = False
        self.progress.state = "stopped" if stop.is_set() else "done"
        return self.progress

    def _publish_what_may_go(self, new: Iterator[Payload], more: bool) -> bool:
        """Publish until window, bucket or payloads are used up; says whether `new` may have more."""
        self._has_nothing_yet = False
        while self._connected and len(self._in_flight) < self._window and (self._resend or more):
            if self._bucket.wait() or self._bytes.wait():
                break
            if self._resend:
                n, payload = self._resend.popleft()
                self._journal.record_retransmission(n, self._clock.now_ms())
                self.progress.resent += 1
            else:
                following = next(new, _ALL_TAKEN)
                if following is _ALL_TAKEN:
                    return False
                if following is None:
                    self._has_nothing_yet = True
                    break
                n, payload = self._begin(following)
            self._bucket.take()
            self._bytes.charge(len(payload) / BYTES_PER_PUBLISH)
            if not self._in_flight:
                self._last_answer = self._clock.clock()
            # The client keeps the message until its PUBACK, whatever becomes of the connection meanwhile.
            info = self._client.publish(self._topic, payload, qos=1)
            self._in_flight[info.mid] = n
            self._payloads[n] = payload
        return more

    def _begin(self, following: bytes | Batch) -> tuple[int, bytes]:
        """Write down what is published for the first time; returns its position and its payload."""
        payload = following.payload if isinstance(following, Batch) else following
        if len(payload) > MAX_PAYLOAD:
            raise DeliveryError(
                self._source.client_id, f"a payload has {len(payload)} bytes; AWS IoT takes at most {MAX_PAYLOAD}"
            )
        n = self._journal.add(payload, self._clock.now_ms())
        if isinstance(following, Batch):
            self._messages[n] = following.messages
        self.progress.published += 1
        return n, payload

    def _pause(self, more: bool) -> float:
        """How long to listen before there may be something to publish."""
        waits_for_tokens = (more or self._resend) and len(self._in_flight) < self._window
        if not waits_for_tokens:
            return _TICK
        return _SOON if self._has_nothing_yet else min(_TICK, max(self._bucket.wait(), self._bytes.wait()))

    def _listen(self, seconds: float) -> None:
        """Let the client read and write, then see whether the broker still answers."""
        if self._client.loop(seconds) != MQTTErrorCode.MQTT_ERR_SUCCESS or not self._client.is_connected():
            self._connected = False
        if self._fatal:
            raise self._fatal
        silent = self._clock.clock() - max(self._last_answer, self._connected_at)
        if self._connected and self._in_flight and silent > self._timeouts.answer:
            self._problem = f"no PUBACK for {silent:.0f} s"
            self._client.disconnect()
            self._connected = False
            self._check_timeout()

    def _connect(self, stop: threading.Event) -> None:
        """Open the connection, or wait a little after a failure."""
        while not stop.is_set():
            self._check_timeout()
            if self._was_connected or self._attempts:
                pause = min(self._timeouts.longest_pause, self._timeouts.first_pause * 2 ** min(self._attempts, 16))
                self.progress.state = "reconnecting"
                if stop.wait(pause * self._clock.rng.uniform(0.5, 1)):
                    return
            # Only a PUBACK sets this back: a broker that closes on every PUBLISH must not be asked again and
            # again.
            self._attempts += 1
            if self._try_to_connect():
                self.progress.state = "sending"
                self.progress.reconnects += self._was_connected
                self._was_connected = True
                return

    def _try_to_connect(self) -> bool:
        try:
            self._client.reconnect()
        except ssl.SSLCertVerificationError as error:
            raise DeliveryError(
                self._source.client_id, f"the certificate of {self._broker} is not trusted: {error.verify_message}"
            ) from error
        except OSError as error:
            self._problem = f"{self._broker}: {error}"
            return False
        deadline = self._clock.clock() + self._timeouts.answer
        while not self._connected and self._clock.clock() < deadline:
            if self._client.loop(_TICK) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        if self._fatal:
            raise self._fatal
        return self._connected

    def _check_timeout(self) -> None:
        silent = self._clock.clock() - self._last_answer
        if silent > self._timeouts.give_up:
            left = len(self._in_flight) + len(self._resend)
            raise DeliveryError(
                self._source.client_id,
                f"{self._broker} acknowledged nothing for {silent:.0f} s ({self._problem}); "
                f"{left} messages stay unacknowledged in {self._journal.path}",
            )

    def _drain(self) -> None:
        """Give what is in flight a last chance to be acknowledged."""
        deadline = self._clock.clock() + min(self._timeouts.answer, 5)
        while self._connected and self._in_flight and self._clock.clock() < deadline:
            self._listen(_TICK)

    def _make_client(self, version: Version, context: ssl.SSLContext) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._source.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if version == "5" else MQTTProtocolVersion.MQTTv311,
            clean_session=None if version == "5" else False,
            reconnect_on_failure=False,
        )
        client.tls_set_context(context)
        client.max_inflight_messages_set(self._window)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        if version == "5":
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own gap
            session.SessionExpiryInterval = _SESSION_SECONDS
            client.connect_async(
                self._broker.host, self._broker.port, self._timeouts.keepalive, clean_start=False, properties=session
            )
        else:
            client.connect_async(self._broker.host, self._broker.port, self._timeouts.keepalive)
        return client

    # The client calls these from loop(); none of them may raise, so trouble is noted and raised by the
    # caller.

    def _on_connect(self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, _: object) -> None:
        if reason.is_failure:
            self._problem = f"CONNECT refused: {reason}"
            return
        self._connected = True
        self.progress.resumed += flags.session_present
        self._connected_at = self._clock.clock()
        self._last_answer_if_idle()
        # The client sends these again as soon as this function returns.
        now_ms = self._clock.now_ms()
        for n in self._in_flight.values():
            self._journal.record_retransmission(n, now_ms)
        self._bucket.charge(len(self._in_flight))
        self._bytes.charge(sum(map(len, self._payloads.values())) / BYTES_PER_PUBLISH)
        self.progress.resent += len(self._in_flight)

    def _last_answer_if_idle(self) -> None:
        # A CONNACK is no sign that messages get through: a broker that closes on each PUBLISH also sends
        # CONNACKs.
        if not self._in_flight and not self._resend:
            self._last_answer = self._clock.clock()

    def _on_disconnect(self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _: object) -> None:
        if self._connected:
            self._connected = False
            self._problem = f"connection closed: {reason}"
            self._last_answer_if_idle()
        if reason.value == _SESSION_TAKEN_OVER:
            now = self._clock.clock()
            self._takeovers = [then for then in self._takeovers if now - then < _TAKEOVER_SECONDS] + [now]
            if len(self._takeovers) >= _TAKEOVERS:
                self._fatal = DeliveryError(
                    self._source.client_id, "another connection with this client ID keeps taking over"
                )

    def _on_publish(self, _client: Client, _data: object, mid: int, reason: ReasonCode, _: object) -> None:
        n = self._in_flight.pop(mid, None)
        if n is None:
            return
        payload = self._payloads.pop(n)
        if not reason.is_failure:
            self._last_answer = self._clock.clock()
            self._attempts = 0
            self._journal.acked(n, self._clock.now_ms())
            self.progress.acked += 1
            self.progress.messages += self._messages.pop(n, 1)
        elif reason.value == _QUOTA_EXCEEDED:
            self._problem = f"PUBLISH refused: {reason}"
            self._resend.append((n, payload))
        else:
            self._journal.refused(n, str(reason))
            self._fatal = DeliveryError(
                self._source.client_id, f"PUBLISH to {self._topic} refused: {reason}; is its policy right?"
            )
