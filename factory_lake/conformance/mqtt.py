"""Single MQTT connections, to see what the broker does: not the gateway's, which mends what goes wrong."""

import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from factory_lake.conformance.probe import CouldNotTell
from factory_lake.gateway.connections import Broker, client_context
from factory_lake.gateway.mqtt import Version

#: Seconds in which a broker that is there answers a packet.
ANSWER_SECONDS = 20.0
#: Those that gateways speak.
VERSIONS: tuple[Version, ...] = ("5", "3.1.1")
#: AWS IoT takes one CONNECT a second of a client ID; more are refused.
CONNECT_PAUSE = 1.2
_KEEP_ALIVE = 30
_SESSION_SECONDS = 300


@dataclass(frozen=True)
class Certificate:
    """A client certificate that AWS IoT made, and its key, which lies in memory alone."""

    arn: str
    certificate_id: str
    pem: str = field(repr=False)
    key_pem: bytes = field(repr=False)

    def context(self, broker: Broker) -> ssl.SSLContext:
        """Make a context that verifies the broker and shows this certificate."""
        # OpenSSL reads files only.
        with TemporaryDirectory(prefix="factory-lake-") as folder:
            certificate_file, key_file = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
            certificate_file.write_text(self.pem, encoding="ascii")
            key_file.write_bytes(self.key_pem)
            return client_context(broker, certificate_file, key_file)


class Answer(Enum):
    """What a broker does about a publish."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused in its acknowledgement"
    ENDED = "answered by the end of the connection"
    NONE = "not answered"


@dataclass
class Connection:
    """A connection attempt that the broker has answered.

    Attributes:
        is_accepted: Whether the broker accepted the CONNECT.
        resumed: Whether the broker still had the client's session.
        reason: What the broker said last; with MQTT 3.1.1 little more than that the connection ended.
        received: What came on the topics that the client subscribed to.
    """

    client: Client
    is_accepted: bool = False
    resumed: bool = False
    reason: str = ""
    received: list[MQTTMessage] = field(default_factory=list)
    _answers: dict[int, Answer] = field(default_factory=dict)  # by packet number
    _answered: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _subscribed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        self.client.on_publish = self._on_publish

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> Answer:
        """Publish at QoS 1, and say how the broker answers."""
        published = self.client.publish(topic, payload, qos=1, retain=retain)
        if published.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return Answer.ENDED
        deadline = time.monotonic() + ANSWER_SECONDS
        while published.mid not in self._answers:
            if self._ended.wait(0.01):
                return self._answers.get(published.mid, Answer.ENDED)
            if time.monotonic() > deadline:
                return Answer.NONE
        return self._answers[published.mid]

    def subscribe(self, topic: str) -> None:
        """Subscribe at QoS 1.

        Raises:
            CouldNotTell: The broker does not confirm it.
        """
        self._subscribed.clear()
        self.client.subscribe(topic, qos=1)
        if not self._subscribed.wait(ANSWER_SECONDS):
            raise CouldNotTell(f"the broker did not confirm a subscription within {ANSWER_SECONDS:.0f} s")

    def has_ended(self, seconds: float = ANSWER_SECONDS) -> bool:
        """Whether the broker ends the connection within so many seconds."""
        return self._ended.wait(seconds)

    def cut(self) -> None:
        """Lose the connection: the socket closes without a DISCONNECT."""
        sock = self.client.socket()
        if sock is not None:
            sock.close()

    def open(self, broker: Broker, **asked: Any) -> None:
        """Connect, and return when the broker has answered.

        Raises:
            CouldNotTell: It is not reached, or does not answer.
        """
        try:
            self.client.connect(broker.host, broker.port, _KEEP_ALIVE, **asked)
        except ssl.SSLCertVerificationError as error:
            raise CouldNotTell(f"the broker's certificate is not trusted: {error.verify_message}") from error
        except (ssl.SSLError, ConnectionError):
            # A certificate that AWS IoT does not take ends the handshake.
            self._ended.set()
            return
        except OSError as error:
            raise CouldNotTell(f"the broker is not reached: {error}") from error
        self.client.loop_start()
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._answered.wait(0.01) and not self._ended.is_set():
            if time.monotonic() > deadline:
                raise CouldNotTell(f"the broker did not answer a CONNECT within {ANSWER_SECONDS:.0f} s")

    def _on_connect(self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, _: object) -> None:
        self.reason = str(reason)
        self.resumed = flags.session_present
        self.is_accepted = not reason.is_failure
        self._answered.set()

    def _on_disconnect(self, _client: Client, _data: object, _flags: object, reason: ReasonCode, _: object) -> None:
        if self.is_accepted:  # a CONNECT that was refused has said why
            self.reason = str(reason)
        self._ended.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.received.append(message)

    def _on_publish(self, _client: Client, _data: object, mid: int, reason: ReasonCode, _: object) -> None:
        self._answers[mid] = Answer.REFUSED if reason.is_failure else Answer.ACKNOWLEDGED

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed.set()


@contextmanager
def connection(
    broker: Broker,
    certificate: Certificate,
    client_id: str,
    *,
    version: Version = "5",
    will: Mapping[str, Any] | None = None,
    keeps_session: bool = False,
) -> Iterator[Connection]:
    """Connect once; the connection ends with the block, by a DISCONNECT where it still stands.

    Args:
        broker: Where.
        certificate: As whom.
        client_id: The client ID.
        version: Of MQTT.
        will: The last will, as paho's `will_set` takes it.
        keeps_session: Ask the broker for the session of before, and to keep this one.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5 if version == "5" else MQTTProtocolVersion.MQTTv311,
        clean_session=None if version == "5" else not keeps_session,
        reconnect_on_failure=False,
    )
    client.tls_set_context(certificate.context(broker))
    if will is not None:
        client.will_set(**will)
    asked: dict[str, Any] = {}
    if version == "5":
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own gap
        session.SessionExpiryInterval = _SESSION_SECONDS if keeps_session else 0
        asked = {"clean_start": not keeps_session, "properties": session}
    opened = Connection(client)
    try:
        opened.open(broker, **asked)
        yield opened
    finally:
        client.disconnect()
        client.loop_stop()
