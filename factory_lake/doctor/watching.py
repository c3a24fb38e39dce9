"""The presence events of client IDs, listened to for a while: AWS IoT publishes them for every client.

A connection that stands makes no events, and one that is refused makes them as often as the gateway tries. Sources:
AWS IoT Core Developer Guide, "Lifecycle events" and "MQTT over the WebSocket Secure protocol"; there the session
token is no part of what is signed.
"""

import json
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from factory_lake.doctor.model import Known, Unknown

KINDS = ("connected", "disconnected", "connect_failed")
_SERVICE = "iotdevicegateway"
_VALID_SECONDS = 60
_ANSWER_SECONDS = 10.0
#: So many events of a client say all that more would.
_ENOUGH = 8
_TICK = 0.2
#: What the name of the doctor's own connection begins with: its policy can name it.
CLIENT_PREFIX = "factory-lake-doctor-"


@dataclass(frozen=True)
class Event:
    """A presence event.

    Attributes:
        kind: One of `KINDS`.
        reason: Why the connection ended or was refused, as AWS IoT says it.
        principal: The certificate's ID.
        version: Orders the events of a client within one session's life.
    """

    kind: str
    at_ms: int
    client_id: str
    reason: str = ""
    principal: str = ""
    ip: str = ""
    session: str = ""
    version: int = 0


@dataclass(frozen=True)
class Endpoint:
    """Where MQTT over WebSocket is spoken, and as whom.

    Attributes:
        host: The host that the request is signed for.
        address: Where it goes, as a URL: AWS's is the host itself.
    """

    host: str
    address: str
    region: str


def watch(
    endpoint: Endpoint,
    credentials: Any,
    client_ids: Sequence[str],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Known[tuple[Event, ...]]:
    """The events of some clients within so many seconds, in the order of arrival; fewer seconds where many come.

    Args:
        endpoint: Where.
        credentials: Frozen credentials, as botocore has them.
        client_ids: Whose events.
        seconds: How long.
        clock: Seconds that only go forward.
    """
    events: list[Event] = []
    subscribed = threading.Event()
    problem = ["no answer"]

    def on_connect(client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _: object) -> None:
        if reason.is_failure:
            problem[0] = str(reason)
            return
        client.subscribe([(f"$aws/events/presence/{kind}/{each}", 1) for kind in KINDS for each in client_ids])

    def on_subscribe(_client: Client, _data: object, _mid: int, granted: Sequence[ReasonCode], _: object) -> None:
        if any(code.is_failure for code in granted):
            problem[0] = "iot:Subscribe is not allowed"
        else:
            subscribed.set()

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        if (event := parse(message.payload)) is not None:
            events.append(event)

    client = _client(endpoint, credentials)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    where = urlsplit(endpoint.address)
    try:
        client.connect(where.hostname or "", where.port or (443 if where.scheme == "wss" else 80), 30)
        began = clock()
        while not subscribed.is_set() and clock() < began + _ANSWER_SECONDS and client.loop(_TICK) == 0:
            pass
        began = clock()
        while subscribed.is_set() and clock() < began + seconds and not _has_enough(events, client_ids):
            if client.loop(_TICK) != 0:
                return tuple(events) or Unknown(f"{endpoint.host} ended the doctor's connection")
        if not subscribed.is_set():
            return Unknown(f"{endpoint.host} does not let the doctor listen to presence events ({problem[0]})")
    except (OSError, ValueError) as error:
        return Unknown(f"{endpoint.host} does not let the doctor listen to presence events ({error})")
    finally:
        client.disconnect()
    return tuple(events)


def _has_enough(events: Sequence[Event], client_ids: Sequence[str]) -> bool:
    heard = Counter(one.client_id for one in events)
    return all(heard[each] >= _ENOUGH for each in client_ids)


def parse(payload: bytes | bytearray) -> Event | None:
    """Read an event; None where it is none."""
    try:
        document = json.loads(payload)
        return Event(
            kind=str(document["eventType"]),
            at_ms=int(document["timestamp"]),
            client_id=str(document["clientId"]),
            reason=str(document.get("disconnectReason") or document.get("connectFailureReason") or ""),
            principal=str(document.get("principalIdentifier") or ""),
            ip=str(document.get("ipAddress") or ""),
            session=str(document.get("sessionIdentifier") or ""),
            version=int(document.get("versionNumber") or 0),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _client(endpoint: Endpoint, credentials: Any) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"{CLIENT_PREFIX}{uuid.uuid4().hex[:12]}",
        transport="websockets",
        reconnect_on_failure=False,
    )
    if endpoint.address.startswith("wss:"):
        client.tls_set_context(ssl.create_default_context())
    client.ws_set_options(signed_path(endpoint, credentials), {"Host": endpoint.host})
    return client


def signed_path(endpoint: Endpoint, credentials: Any) -> str:
    """The path of the WebSocket's request, with its signature."""
    request = AWSRequest("GET", f"https://{endpoint.host}/mqtt")
    signer = SigV4QueryAuth(
        Credentials(credentials.access_key, credentials.secret_key), _SERVICE, endpoint.region, expires=_VALID_SECONDS
    )
    signer.add_auth(request)
    token = f"&X-Amz-Security-Token={quote(credentials.token, safe='')}" if credentials.token else ""
    return f"/mqtt?{urlsplit(str(request.url)).query}{token}"
