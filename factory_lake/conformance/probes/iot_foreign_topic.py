"""A publish to a topic that the policy does not allow."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import broker, ends_connection, own_identity, topic
from factory_lake.conformance.mqtt import Answer, connection
from factory_lake.conformance.probe import Differs, Probe

_NAME = "foreign-topic"


def _run(context: Context) -> None:
    identity = own_identity(context, _NAME)
    foreign = topic(context, f"{_NAME}-of-another")
    ends_connection(context, identity, foreign)
    with connection(context.shared(broker), identity.certificate, identity.client_id) as opened:
        if opened.publish(foreign, b"{}") is Answer.ACKNOWLEDGED:
            raise Differs("with MQTT 5 the publish is acknowledged")


PROBE = Probe(
    name="iot_foreign_topic",
    belief=(
        "A publish to a topic that the policy does not allow ends the connection with MQTT 3.1.1; with MQTT 5 it "
        "does, or its acknowledgement says no."
    ),
    relied_on=("modules/factory_pipeline/gateways.tf", "factory_lake/doctor/gateway_checks.py"),
    source="AWS IoT Core developer guide, AWS IoT Core policy actions",
    usd=0.001,
    run=_run,
)
