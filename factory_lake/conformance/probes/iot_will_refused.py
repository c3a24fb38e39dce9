"""Last wills that end the connection."""

from typing import Any

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import broker, own_identity, pause, topic
from factory_lake.conformance.mqtt import connection
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe

_NAME = "will"


def _run(context: Context) -> None:
    identity = own_identity(context, _NAME)
    where, own = context.shared(broker), topic(context, _NAME)
    with connection(where, identity.certificate, identity.client_id, will={"topic": own, "qos": 1}) as opened:
        if not opened.is_accepted:
            raise CouldNotTell(f"a will on a topic that the policy allows is refused as well: {opened.reason}")
    refused: dict[str, dict[str, Any]] = {
        "on a foreign topic": {"topic": f"{own}/foreign", "qos": 1},
        "that is retained": {"topic": own, "qos": 1, "retain": True},
        "of QoS 2": {"topic": own, "qos": 2},
    }
    for kind, will in refused.items():
        pause(context)
        with connection(where, identity.certificate, identity.client_id, will=will) as opened:
            if opened.is_accepted and not opened.has_ended(5):
                raise Differs(f"a connection with a last will {kind} stands")


PROBE = Probe(
    name="iot_will_refused",
    belief=(
        "A last will on a topic that the policy does not allow, a retained one without iot:RetainPublish or one of "
        "QoS 2 ends the connection."
    ),
    relied_on=("modules/factory_pipeline/gateways.tf", "docs/gateways.md"),
    source="AWS IoT Core developer guide, Using MQTT retained messages; reports of users",
    usd=0.001,
    run=_run,
)
