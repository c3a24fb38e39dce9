"""What the MQTT broker must refuse, and MiniStack's did not.

Replaced in ``ministack.services.iot``, with the page of the AWS IoT Core developer guide or of the quotas
that says so:

* ``_mtls_build_ssl_context``: a client without a certificate was served, as the account itself ("X.509 client
  certificates": port 8883 authenticates clients by certificate).
* ``_WSSession._policy_allows``: a session without any identity was allowed everything.
* ``_mqtt_policy_allows``: a certificate that was deactivated or revoked stayed good for the connections it had
  ("Activate or deactivate a client certificate": they are disconnected within minutes; here at the next packet).
  With MQTT 5 the PUBACK alone refused its publish, and the connection stayed.
* ``_parsed_iot_policy``: a wildcard in a client ID became a wildcard of the policy that names the client ID
  by variable. Such a variable stays unresolved now, so that its statement matches nothing.
* ``_WSSession.handle_packet``: packets before CONNECT were obeyed under the certificate's policies, and a
  second CONNECT changed the client ID (MQTT 3.1.1, 3.1); payloads above 128 KB and topics of more than seven
  slashes passed ("Message broker and protocol limits"), and so did any number of publishes a second. The
  excess over 100 a second is discarded and, at QoS 1, not acknowledged; the connection stays (same page). QoS
  2 passed, of a last will and of publishes, which the rules got ("AWS IoT differences from MQTT
  specifications": it is not supported, and no acknowledgement is sent). Reports say that such a will ends the
  connection; with MQTT 5, whose CONNACK names QoS 1 as the highest, so does such a publish. A retained
  publish without ``iot:RetainPublish`` was refused to MQTT 5 by its PUBACK alone (reports: the connection
  ends); one to a reserved topic passed, that of Basic Ingest included ("Using MQTT retained messages"). A client
  ID might connect as often as it liked; AWS takes one CONNECT of it a second ("Message broker and protocol limits").
* ``_validate_publish_topic``, and ``_validate_topic`` of ``iot_data``: counted the prefix of Basic Ingest to the
  256 bytes of a topic.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from ministack.services import iot, iot_data

from localcloud.iot import basic_ingest, presence

PAYLOAD_BYTES: Final = 128 * 1024
TOPIC_SLASHES: Final = 7
PUBLISHES_PER_SECOND: Final = 100
CONNECTS_PER_SECOND: Final = 1
"""Of one client ID."""
MAX_QOS: Final = 1
BURST_SECONDS: Final = 5
"""AWS does not say over which time it measures the rates. A busy machine receives in a bunch what a device
sent evenly, and a short time would discard it."""

# MQTT 5, 2.4 and 3.1.2.3; MQTT 3.1.1, 3.3.1.3
_QOS_NOT_SUPPORTED: Final = 0x9B
_CONNECTION_RATE_EXCEEDED: Final = 0x9F
_WILL: Final = 0x04
_RETAIN: Final = 0x01

_log: Final = logging.getLogger("localcloud.iot.broker")


@dataclass
class Allowance:
    """A token bucket: so many a second, measured over ``BURST_SECONDS``."""

    now: float
    per_second: float = PUBLISHES_PER_SECOND
    spent: float = 0.0

    def take(self, now: float) -> bool:
        """Whether one more is within the rate at the time ``now``, in seconds."""
        self.spent = max(0.0, self.spent - (now - self.now) * self.per_second)
        self.now = now
        if self.spent + 1 > self.per_second * BURST_SECONDS:
            return False
        self.spent += 1
        return True


@dataclass
class _Connection:
    """What the broker must remember of a connection beside what MiniStack does."""

    allowance: Allowance
    connected: bool = False


@dataclass(frozen=True)
class _Connect:
    """What a CONNECT packet asks for."""

    version: int
    flags: int
    keep_alive: int
    client_id: str

    @classmethod
    def read(cls, body: bytes) -> _Connect | None:
        """The packet's fields; ``None`` of one that is malformed."""
        try:
            _, offset = iot._read_string(body, 0)
            version, flags = body[offset], body[offset + 1]
            (keep_alive,) = struct.unpack_from("!H", body, offset + 2)
            offset += 4
            if version == iot.MQTT_5:
                _, offset = iot._decode_properties(body, offset)
            client_id, _ = iot._read_string(body, offset)
        except (ValueError, IndexError, struct.error):
            return None
        return cls(version, flags, keep_alive, client_id)


class Connects:
    """How often each client ID has connected lately."""

    def __init__(self) -> None:
        self._allowances: dict[tuple[str, str], Allowance] = {}

    def take(self, account_id: str, client_id: str) -> bool:
        """Whether the client may connect once more now."""
        now = time.monotonic()
        allowance = self._allowances.setdefault((account_id, client_id), Allowance(now, CONNECTS_PER_SECOND))
        return allowance.take(now)

    def give_back(self, account_id: str, client_id: str) -> None:
        """Leave out a CONNECT that was refused: AWS does not say whether those count."""
        if (allowance := self._allowances.get((account_id, client_id))) is not None:
            allowance.spent = max(0.0, allowance.spent - 1)

    def age(self, seconds: float) -> None:
        """Make it so many seconds longer ago."""
        for allowance in self._allowances.values():
            allowance.now -= seconds


def install(app: Any, keep_alive: presence.KeepAlive, connects: Connects) -> Counter[str]:
    """Put the refusals into MiniStack; return the counts of what was refused, by reason."""
    refused: Counter[str] = Counter()
    _require_certificates()
    _evaluate_policies_strictly(app)
    _check_packets(refused, keep_alive, connects)
    _leave_prefix_out()
    return refused


def listen_on(listener: socket.socket) -> None:
    """Make the broker listen on this socket; its own listens on every interface."""

    async def listen() -> None:
        if iot._mtls_server is None:
            loop = asyncio.get_running_loop()
            iot._mtls_server = await loop.create_server(iot._MtlsAcceptor, sock=listener)
            iot._mtls_loop = loop

    iot._mtls_start_locked = listen


def drop_connections() -> int:
    """Break every MQTT connection at once, as the loss of the broker's machine would; say how many."""
    writers = list(iot._mtls_sessions)
    for writer in writers:
        writer.transport.abort()
    return len(writers)


def _require_certificates() -> None:
    build = iot._mtls_build_ssl_context

    def build_requiring() -> ssl.SSLContext:
        context: ssl.SSLContext = build()
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    iot._mtls_build_ssl_context = build_requiring


def _evaluate_policies_strictly(app: Any) -> None:
    session_allows = iot._WSSession._policy_allows
    certificate_allows = iot._mqtt_policy_allows
    parse_policy = iot._parsed_iot_policy

    def policy_allows(session: Any, action: str, resource: str) -> bool:
        if app.AUTH and session.certificate_id is None and session.iam_credential is None:
            return False
        return bool(session_allows(session, action, resource))

    def mqtt_policy_allows(account: str, region: str, certificate: str, *rest: Any, **named: Any) -> bool:
        is_claim = (named.get("provisioning_template") or (rest[3] if len(rest) > 3 else None)) is not None
        if not is_claim and not iot._mtls_active_registrations(certificate):
            _log.warning("certificate %s is not active, its connection is refused", certificate)
            return False
        return bool(certificate_allows(account, region, certificate, *rest, **named))

    def parsed_policy(document: str, context: tuple[tuple[str, str], ...]) -> Any:
        return parse_policy(document, tuple(pair for pair in context if not set("*?") & set(pair[1])))

    iot._WSSession._policy_allows = policy_allows
    iot._mqtt_policy_allows = mqtt_policy_allows
    iot._parsed_iot_policy = parsed_policy


class _Checks:
    """Judges each packet before MiniStack handles it."""

    def __init__(self, refused: Counter[str], keep_alive: presence.KeepAlive, connects: Connects) -> None:
        self._refused = refused
        self._keep_alive = keep_alive
        self._connects = connects
        self._connections: WeakKeyDictionary[Any, _Connection] = WeakKeyDictionary()
        self._handle = iot._WSSession.handle_packet

    async def handle(self, session: Any, kind: int, flags: int, body: bytes) -> bool:
        """Whether the connection stays after this packet."""
        self._keep_alive.heard(session)
        try:
            stays = await self._judge(session, kind, flags, body)
        except OSError:  # the client is gone
            raise
        except Exception:
            session._forced_disconnect_reason = "SERVER_ERROR"
            raise
        if not stays:
            presence.name_end(session, kind)
        return stays

    async def _judge(self, session: Any, kind: int, flags: int, body: bytes) -> bool:
        connection = self._connections.setdefault(session, _Connection(Allowance(time.monotonic())))
        if (kind == iot.PKT_CONNECT) is connection.connected:
            self._refused["second CONNECT" if connection.connected else "packet before CONNECT"] += 1
            return False
        connection.connected = True
        if kind == iot.PKT_CONNECT:
            return await self._connect(session, flags, body)
        if session.certificate_id is not None and not iot._mtls_active_registrations(session.certificate_id):
            self._refused["certificate not active"] += 1
            return bool(await session._close_unauthorized())
        if kind == iot.PKT_PUBLISH and (verdict := await self._refuse_publish(session, flags, body)) is not None:
            return verdict
        return bool(await self._handle(session, kind, flags, body))

    async def _connect(self, session: Any, flags: int, body: bytes) -> bool:
        asked = _Connect.read(body)
        if asked is not None and (reason := await _refusal(session, asked, self._connects)):
            self._refused[reason] += 1
            return False
        stays = bool(await self._handle(session, iot.PKT_CONNECT, flags, body))
        if stays and asked is not None:
            self._keep_alive.begin(session, asked.keep_alive)
        elif asked is not None:
            self._connects.give_back(session.account_id, asked.client_id)
        return stays

    async def _refuse_publish(self, session: Any, flags: int, body: bytes) -> bool | None:
        """Whether the connection stays after a publish that is refused or discarded; ``None`` of any other."""
        try:
            topic, payload_bytes = _publish(session, flags, body)
        except (ValueError, IndexError, struct.error):
            return None
        if _qos(flags) > MAX_QOS:
            _log.warning("publish of QoS %d on %r refused", _qos(flags), topic)
            self._refused["publish of QoS 2"] += 1
            if session.protocol_version != iot.MQTT_5:
                return True
            await session.send_bytes(iot._make_disconnect(_QOS_NOT_SUPPORTED))
            return False
        if flags & _RETAIN and not _may_retain(session, topic):
            _log.warning("retained publish on %r refused", topic)
            self._refused["retain"] += 1
            return bool(await session._close_unauthorized())
        if payload_bytes > PAYLOAD_BYTES or basic_ingest.counted(topic).count("/") > TOPIC_SLASHES:
            _log.warning("publish of %d bytes on %r refused", payload_bytes, topic)
            self._refused["payload too large" if payload_bytes > PAYLOAD_BYTES else "topic too deep"] += 1
            return False
        if not self._connections[session].allowance.take(time.monotonic()):
            self._refused["publish rate"] += 1
            return True
        return None


def _check_packets(refused: Counter[str], keep_alive: presence.KeepAlive, connects: Connects) -> None:
    checks = _Checks(refused, keep_alive, connects)

    async def handle_packet(session: Any, kind: int, flags: int, body: bytes) -> bool:
        return await checks.handle(session, kind, flags, body)

    iot._WSSession.handle_packet = handle_packet


def _leave_prefix_out() -> None:
    validate, validate_https = iot._validate_publish_topic, iot_data._validate_topic

    def validate_publish_topic(topic: str) -> bool:
        if set("+#") & set(topic):
            return False
        address = basic_ingest.parse(topic)
        # Basic Ingest needs no topic behind the rule's name.
        return (address is not None and not address.topic) or bool(validate(basic_ingest.counted(topic)))

    def validate_topic(topic: str) -> Any:
        return None if basic_ingest.parse(topic) and validate_publish_topic(topic) else validate_https(topic)

    iot._validate_publish_topic = validate_publish_topic
    iot_data._validate_topic = validate_topic


async def _refusal(session: Any, asked: _Connect, connects: Connects) -> str | None:
    """Why a CONNECT is refused, if it is; with MQTT 5 the CONNACK says so."""
    if asked.client_id and not connects.take(session.account_id, asked.client_id):
        reason, code = "connect rate", _CONNECTION_RATE_EXCEEDED
    elif asked.flags & _WILL and _will_qos(asked.flags) > MAX_QOS:
        reason, code = "will of QoS 2", _QOS_NOT_SUPPORTED
    else:
        return None
    _log.warning("CONNECT of %r refused: %s", asked.client_id, reason)
    if asked.version == iot.MQTT_5:
        await session.send_bytes(iot._make_connack(return_code=code, protocol_version=iot.MQTT_5))
    return reason


def _may_retain(session: Any, topic: str) -> bool:
    return not topic.startswith("$") and bool(session._policy_allows("iot:RetainPublish", f"topic/{topic}"))


def _will_qos(flags: int) -> int:
    return (flags >> 3) & 0x03


def _qos(flags: int) -> int:
    return (flags >> 1) & 0x03


def _publish(session: Any, flags: int, body: bytes) -> tuple[str, int]:
    """Topic and payload size of a PUBLISH packet."""
    topic, offset = iot._read_string(body, 0)
    if _qos(flags):
        offset += 2
    if session.protocol_version == iot.MQTT_5:
        _, offset = iot._decode_properties(body, offset)
    return str(topic), len(body) - offset
