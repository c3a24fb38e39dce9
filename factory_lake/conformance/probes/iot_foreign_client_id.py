"""A client ID that the policy does not name."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import broker, own_identity
from factory_lake.conformance.mqtt import connection
from factory_lake.conformance.probe import Differs, Probe

_NAME = "client-id"


def _run(context: Context) -> None:
    identity = own_identity(context, _NAME)
    for client_id in (f"{identity.client_id}-2", identity.client_id.replace("client-id", "*")):
        with connection(context.shared(broker), identity.certificate, client_id) as opened:
            if opened.is_accepted and not opened.has_ended(5):
                raise Differs("a client ID connects that the policy does not name")


PROBE = Probe(
    name="iot_foreign_client_id",
    belief="A certificate connects with the client ID that its policy names, and with no other.",
    relied_on=("modules/factory_pipeline/gateways.tf",),
    source="AWS IoT Core developer guide, Connect policy examples",
    usd=0.001,
    run=_run,
)
