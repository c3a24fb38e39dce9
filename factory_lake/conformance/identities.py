"""Identities of IoT as the modules make them: a client ID, certificates, and a policy of exact topics."""

from dataclasses import dataclass
from typing import Any

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.mqtt import CONNECT_PAUSE, Answer, Certificate, Connection, connection
from factory_lake.conformance.probe import CouldNotTell, Differs
from factory_lake.gateway.connections import Broker
from factory_lake.gateway.csr import new_request
from factory_lake.gateway.mqtt import Version

#: A certificate, a policy, a rule or a role that is new takes effect within this time.
EFFECT_SECONDS = 240.0


@dataclass(frozen=True)
class Identity:
    """A client ID, the certificates that may use it, and what its policy allows."""

    client_id: str
    certificates: tuple[Certificate, ...]

    @property
    def certificate(self) -> Certificate:
        """The first, or only one."""
        return self.certificates[0]


def topic(context: Context, of: str, kind: str = "plant") -> str:
    """The topic of a probe's messages; those of the kind `refused` meet the rule whose action fails."""
    return f"{context.prefix}/{kind}/{of}/measurements"


def allow_publish(context: Context, *topics: str) -> dict[str, Any]:
    """A statement of a policy, as the modules write it: exact topics."""
    return {"Action": "iot:Publish", "Resource": [context.arn("iot", f"topic/{each}") for each in topics]}


def make_identity(context: Context, of: str, *statements: dict[str, Any], certificates: int = 1) -> Identity:
    """An identity as the modules make it: certificates of requests, and a policy for its own client ID.

    Args:
        context: The run.
        of: What it is for, as in `Context.name`.
        statements: What it is allowed besides to connect.
        certificates: How many it has; a rotation has two.
    """
    iot = context.client("iot")
    client_id = context.made("iot_policy", context.name(of))
    connect = {"Action": "iot:Connect", "Resource": context.arn("iot", f"client/{client_id}")}
    iot.create_policy(
        policyName=client_id, policyDocument=setups.document(connect, *statements), tags=context.tag_list
    )
    # A certificate has no name but its subject.
    context.made("iot_certificate", client_id)
    made = []
    for _ in range(certificates):
        key, request = new_request(client_id)
        answer = iot.create_certificate_from_csr(certificateSigningRequest=request.decode(), setAsActive=True)
        iot.attach_policy(policyName=client_id, target=answer["certificateArn"])
        made.append(Certificate(answer["certificateArn"], answer["certificateId"], answer["certificatePem"], key))
    return Identity(client_id, tuple(made))


def wait_until_served(context: Context, identity: Identity) -> None:
    """Return when the broker knows the identity's certificates and policy, and lets it connect.

    Raises:
        CouldNotTell: It does not.
    """
    for certificate in identity.certificates:

        def connects(certificate: Certificate = certificate) -> bool:
            with connection(context.shared(broker), certificate, identity.client_id) as opened:
                pause(context)
                return opened.is_accepted and not opened.has_ended(0)

        context.until(connects, EFFECT_SECONDS, f"the broker to let {identity.client_id} connect")


def own_identity(context: Context, of: str) -> Identity:
    """An identity for a probe's own topic that the broker serves."""
    identity = make_identity(context, of, allow_publish(context, topic(context, of)))
    wait_until_served(context, identity)
    pause(context)
    return identity


def pause(context: Context) -> None:
    """Wait until a client ID may connect again."""
    context.stop.wait(CONNECT_PAUSE)


def broker(context: Context) -> Broker:
    """Where MQTT connects; one call for all probes."""
    return context.broker()


def published(opened: Connection, to: str, payload: bytes) -> None:
    """Publish what the policy allows.

    Raises:
        CouldNotTell: The broker does not acknowledge it.
    """
    answer = opened.publish(to, payload)
    if answer is not Answer.ACKNOWLEDGED:
        raise CouldNotTell(f"a publish that the policy allows is {answer.value}")


def ends_connection(
    context: Context, identity: Identity, to: str, *, retain: bool = False, version: Version = "3.1.1"
) -> None:
    """Try that a publish ends the connection, on which an allowed one is acknowledged.

    Raises:
        Differs: It does not.
    """
    own = topic(context, identity.client_id.removeprefix(f"{context.prefix}-"))
    with connection(context.shared(broker), identity.certificate, identity.client_id, version=version) as opened:
        published(opened, own, b"{}")
        answer = opened.publish(to, b"{}", retain=retain)
        if answer is Answer.ACKNOWLEDGED or not opened.has_ended():
            raise Differs(f"with MQTT {version} the publish is {answer.value}, and the connection stands")
    pause(context)
