"""What the MQTT broker measures of itself: connections, publishes and subscriptions, by protocol.

Source: AWS IoT Core developer guide, "AWS IoT metrics and dimensions", message broker metrics and authentication
metrics. They count the whole account; no dimension names a client. Which of them AWS counts for a packet that breaks
two rules at once is not documented: here the permission that the packet lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.services import iot

from localcloud import metrics_bus

_NAMESPACE: Final = "AWS/IoT"
_PROTOCOL: Final = {"Protocol": "MQTT"}
_RETAIN: Final = 0x01
_DENIED: Final = {"iot:Publish": "PublishIn", "iot:RetainPublish": "PublishRetained", "iot:Subscribe": "Subscribe"}


@dataclass
class _Packet:
    """What came of a packet so far."""

    denied: list[str] = field(default_factory=list)
    published: bool = False


_packet: ContextVar[_Packet | None] = ContextVar("packet", default=None)


def install(refused: Mapping[str, int]) -> None:
    """Measure what becomes of each packet, behind everything else that judges it.

    Args:
        refused: What the broker counts of its refusals, by reason.
    """
    _note_denials()
    _note_publishes()
    _measure_packets(refused)
    _measure_refused_certificates()


def _note_denials() -> None:
    allows = iot._WSSession._policy_allows

    def policy_allows(session: Any, action: str, resource: str) -> bool:
        allowed = bool(allows(session, action, resource))
        packet = _packet.get()
        if packet is not None and not allowed:
            packet.denied.append(action)
        return allowed

    iot._WSSession._policy_allows = policy_allows


def _note_publishes() -> None:
    publish = iot.broker_publish

    async def broker_publish(*arguments: Any, **named: Any) -> None:
        packet = _packet.get()
        if packet is not None and named.get("client_id"):
            packet.published = True
        await publish(*arguments, **named)

    iot.broker_publish = broker_publish


def _measure_packets(refused: Mapping[str, int]) -> None:
    handle = iot._WSSession.handle_packet

    async def handle_packet(session: Any, kind: int, flags: int, body: bytes) -> bool:
        packet, throttled = _Packet(), refused.get("connect rate", 0)
        token = _packet.set(packet)
        try:
            goes_on = bool(await handle(session, kind, flags, body))
        finally:
            _packet.reset(token)
        if kind == iot.PKT_CONNECT:
            if goes_on:
                _say("Connect.Success")
            elif refused.get("connect rate", 0) > throttled:
                _say("Connect.ClientIDThrottle")
            else:
                _say(f"Connect.{'AuthError' if packet.denied else 'ClientError'}")
        elif kind == iot.PKT_PUBLISH:
            _say(_publish_metric(packet, flags, goes_on=goes_on))
        elif kind == iot.PKT_SUBSCRIBE:
            _say(f"Subscribe.{'AuthError' if packet.denied else 'Success'}")
        elif kind == iot.PKT_PINGREQ:
            _say("Ping.Success")
        return goes_on

    iot._WSSession.handle_packet = handle_packet


def _publish_metric(packet: _Packet, flags: int, *, goes_on: bool) -> str:
    kind = "PublishRetained" if flags & _RETAIN else "PublishIn"
    if packet.denied:
        return f"{_DENIED[packet.denied[0]]}.AuthError"
    if packet.published:
        return f"{kind}.Success"
    # What is beyond the rate is discarded, and the connection stays.
    return f"{kind}.Throttle" if goes_on else f"{kind}.ClientError"


def _measure_refused_certificates() -> None:
    refuse = iot._mtls_refuse

    async def mtls_refuse(*arguments: Any) -> None:
        _say("Connection.AuthNError")
        await refuse(*arguments)

    iot._mtls_refuse = mtls_refuse


def _say(metric: str) -> None:
    metrics_bus.record(_NAMESPACE, metric, 1, _PROTOCOL)
