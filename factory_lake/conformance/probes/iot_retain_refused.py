"""A retained publish that the policy does not allow."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import ends_connection, own_identity, topic
from factory_lake.conformance.mqtt import VERSIONS
from factory_lake.conformance.probe import Probe

_NAME = "retain"


def _run(context: Context) -> None:
    identity = own_identity(context, _NAME)
    for version in VERSIONS:
        ends_connection(context, identity, topic(context, _NAME), retain=True, version=version)


PROBE = Probe(
    name="iot_retain_refused",
    belief="A retained publish without iot:RetainPublish ends the connection, on a topic that the policy allows.",
    relied_on=("modules/factory_pipeline/gateways.tf", "docs/gateways.md"),
    source="AWS IoT Core developer guide, Using MQTT retained messages",
    usd=0.001,
    run=_run,
)
