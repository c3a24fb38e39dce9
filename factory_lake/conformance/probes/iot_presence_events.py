"""The events of a connection that begins and ends."""

import re
from typing import Any

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import EFFECT_SECONDS
from factory_lake.conformance.mqtt import CONNECT_PAUSE
from factory_lake.conformance.presence import Watched, watched
from factory_lake.conformance.probe import Differs, Probe

_ADDRESS = re.compile(r"[0-9a-fA-F.:]+")
#: How far the clock of AWS and the one here may be apart.
_APART_MS = 15 * 60_000
_CONSTANTS = {"gateway": "line-1", "lane": "measurements"}


def _run(context: Context) -> None:
    made: Watched = context.shared(watched, "presence")
    with made.connect():
        context.stop.wait(CONNECT_PAUSE)

    def pair() -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Both events of one connection."""
        for begun in made.events("connected"):
            for ended in made.events("disconnected"):
                if _connection(begun) == _connection(ended):
                    return begun, ended
        return None

    begun, ended = context.until(pair, EFFECT_SECONDS, "both events of a connection, which share session and version")
    now_ms = context.now().timestamp() * 1000
    for event in (begun, ended):
        if event.get("clientId") != made.identity.client_id:
            raise Differs("clientId is not the client's")
        if not isinstance(event.get("timestamp"), int) or abs(event["timestamp"] - now_ms) > _APART_MS:
            raise Differs(f"timestamp is no present time in epoch ms: {event.get('timestamp')!r}")
        if any(event.get(key) != text for key, text in _CONSTANTS.items()):
            raise Differs(f"the statement's constants are not beside the event's keys, which are {sorted(event)}")
    if not _ADDRESS.fullmatch(str(begun.get("ipAddress"))):
        raise Differs("connected has no ipAddress")
    reason = ended.get("disconnectReason"), ended.get("clientInitiatedDisconnect")
    if reason != ("CLIENT_INITIATED_DISCONNECT", True):
        raise Differs(f"disconnectReason and clientInitiatedDisconnect are {reason}")


def _connection(event: dict[str, Any]) -> tuple[str, int]:
    session, version = event.get("sessionIdentifier"), event.get("versionNumber")
    if not isinstance(session, str) or not isinstance(version, int):
        raise Differs(f"sessionIdentifier and versionNumber are no text and no integer; keys: {sorted(event)}")
    return session, version


PROBE = Probe(
    name="iot_presence_events",
    belief=(
        "Presence events are JSON objects with clientId, timestamp, eventType, sessionIdentifier, versionNumber, "
        "ipAddress or disconnectReason, and SELECT * has room for constants beside them."
    ),
    relied_on=("modules/factory_pipeline/connections.tf", "glue_schemas/connections.json"),
    source="AWS IoT Core developer guide, Lifecycle events",
    usd=0.001,
    run=_run,
)
