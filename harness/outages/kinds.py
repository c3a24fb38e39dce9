"""The outages of a gateway's messages: each ends with the gateway at work again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from factory_lake.coverage.model import State, Subject
from harness.outages.gateway import TAGS, Gateway, sample
from harness.outages.log import Outage

_DAY_MS = 86_400_000
# Beyond the plausible window, in either direction.
_AHEAD_MS, _BEHIND_MS = 3 * _DAY_MS, -500 * _DAY_MS
# More than one and a half of any keep-alive interval that these gateways ask for.
_SILENT_SECONDS = 600
_REFUSED = "ProvisionedThroughputExceededException"


@dataclass(frozen=True)
class Kind:
    """One kind of outage.

    Attributes:
        inject: Lets the gateway miss so many samples.
        state: What is expected of them.
        reason: The reason that is expected: AWS IoT's of a disconnect ("Lifecycle events" in its developer guide),
            the rule that is broken, or the action that failed.
        tags: The tags that miss them; the gateway's lane has a gap only when all do.
    """

    inject: Callable[[Gateway, int], None]
    state: State
    reason: str
    tags: tuple[str, ...] = TAGS

    def subjects(self, gateway: Gateway) -> tuple[Subject, ...]:
        """Whose timelines have the gap."""
        if self.tags == TAGS:
            return gateway.subjects
        return tuple(gateway.tag(name) for name in self.tags)

    def cause(self, name: str, gateway: Gateway) -> Outage:
        """Cause an outage; returns what is to be said of it."""
        begin_ms = gateway.next_ms
        self.inject(gateway, gateway.pace.missing)
        end_ms = gateway.next_ms
        period_ms = gateway.pace.period_ms
        return Outage(name, self.subjects(gateway), begin_ms, end_ms, self.state, (self.reason,), period_ms)


def _miss(gateway: Gateway, number: int) -> None:
    for _ in gateway.slots(number):
        pass


def _stopped(gateway: Gateway, number: int) -> None:
    """The gateway's process is stopped in an orderly way."""
    gateway.disconnect()
    _miss(gateway, number)
    gateway.connect()


def _line_cut(gateway: Gateway, number: int) -> None:
    """The line breaks, and nobody says goodbye."""
    gateway.line.is_up = False
    gateway.line.cut()
    gateway.await_drop()
    _miss(gateway, number)
    gateway.line.is_up = True
    gateway.connect()


def _frozen(gateway: Gateway, number: int) -> None:
    """The process hangs: its connection stays, and nothing comes over it, no sign of life either."""
    wanted = {"client_id": gateway.source.client_id, "seconds": _SILENT_SECONDS}
    gateway.lake.cloud.control("POST", "iot/silence", wanted)
    gateway.await_drop()
    _miss(gateway, number)
    gateway.connect()


def _second_client(gateway: Gateway, number: int) -> None:
    """Another process with the same client ID takes the connection over, and has no samples."""
    with gateway.another():
        gateway.await_drop()
        _miss(gateway, number)
    gateway.connect()


def _retained(gateway: Gateway, number: int) -> None:
    """The gateway publishes with retain, which its policy does not allow, and connects again each time."""
    for at_ms in gateway.slots(number):
        for tag in TAGS:
            gateway.publish(sample(tag, at_ms), retain=True)
        gateway.try_to_connect()


def _certificate_inactive(gateway: Gateway, number: int) -> None:
    """The certificate is deactivated; the broker takes neither samples nor connections of it."""
    iot = gateway.lake.cloud.client("iot")
    certificate = _principal(gateway).rpartition("/")[2]
    iot.update_certificate(certificateId=certificate, newStatus="INACTIVE")
    try:
        _publish_in_vain(gateway, number)
    finally:
        iot.update_certificate(certificateId=certificate, newStatus="ACTIVE")
    gateway.connect()


def _policy_detached(gateway: Gateway, number: int) -> None:
    """The certificate's policy is detached."""
    iot, principal = gateway.lake.cloud.client("iot"), _principal(gateway)
    names = [policy["policyName"] for policy in iot.list_attached_policies(target=principal)["policies"]]
    for name in names:
        iot.detach_policy(policyName=name, target=principal)
    try:
        _publish_in_vain(gateway, number)
    finally:
        for name in names:
            iot.attach_policy(policyName=name, target=principal)
    gateway.connect()


def _principal(gateway: Gateway) -> str:
    answer = gateway.lake.cloud.client("iot").list_thing_principals(thingName=gateway.source.client_id)
    (principal,) = answer["principals"]
    return str(principal)


def _publish_in_vain(gateway: Gateway, number: int) -> None:
    """Publish the first sample, which ends the connection; what comes then is lost."""
    for place, at_ms in enumerate(gateway.slots(number)):
        if place == 0:
            gateway.publish(sample(TAGS[0], at_ms))
            gateway.await_drop()


def _clock_off(gateway: Gateway, number: int, off_ms: int) -> None:
    """The gateway's clock is off by more than is plausible."""
    for at_ms in gateway.slots(number):
        gateway.deliver([sample(tag, at_ms + off_ms) for tag in TAGS])


def _bad_value(gateway: Gateway, number: int) -> None:
    """One tag's samples break a rule; the other's do not."""
    for at_ms in gateway.slots(number):
        gateway.deliver([sample(TAGS[0], at_ms, datatype=" "), sample(TAGS[1], at_ms)])


def _stream_refuses(gateway: Gateway, number: int) -> None:
    """The data stream refuses the gateway's records, so the topic rule's error action keeps them."""
    names = gateway.lake.outputs["data_streams"][gateway.source.factory]
    # The partition key that the topic rule gives names the gateway.
    fault = gateway.lake.cloud.faults.add(
        service="kinesis",
        operation="PutRecord",
        resource=f"/{gateway.source.gateway}/",
        error=_REFUSED,
        times=None,
    )
    try:
        for at_ms in gateway.slots(number):
            gateway.deliver([sample(tag, at_ms) for tag in TAGS])
    finally:
        hits = gateway.lake.cloud.faults.remove(fault)
    if hits < number * len(TAGS):
        raise RuntimeError(f"{names['measurements']} refused {hits} records, not {number * len(TAGS)}")


KINDS: Mapping[str, Kind] = {
    "line_cut": Kind(_line_cut, "gateway_offline", "CONNECTION_LOST"),
    "stopped": Kind(_stopped, "gateway_offline", "CLIENT_INITIATED_DISCONNECT"),
    "stream_refuses": Kind(_stream_refuses, "error_action", "KinesisAction"),
    "frozen": Kind(_frozen, "gateway_offline", "MQTT_KEEP_ALIVE_TIMEOUT"),
    "clock_ahead": Kind(partial(_clock_off, off_ms=_AHEAD_MS), "refused", "TIMESTAMP_TOO_FAR_AHEAD"),
    "second_client": Kind(_second_client, "gateway_offline", "DUPLICATE_CLIENTID"),
    "certificate_inactive": Kind(_certificate_inactive, "gateway_offline", "FORBIDDEN_ACCESS"),
    "bad_value": Kind(_bad_value, "refused", "BLANK_STRING", TAGS[:1]),
    "retained": Kind(_retained, "gateway_offline", "AUTH_ERROR"),
    "clock_behind": Kind(partial(_clock_off, off_ms=_BEHIND_MS), "refused", "TIMESTAMP_TOO_OLD"),
    "policy_detached": Kind(_policy_detached, "gateway_offline", "AUTH_ERROR"),
}
