"""Two certificates of one identity, of which the older is revoked."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import allow_publish, broker, make_identity, pause, topic, wait_until_served
from factory_lake.conformance.mqtt import connection
from factory_lake.conformance.probe import Differs, Probe

_NAME = "rotation"
#: Connections of a revoked certificate end "within minutes".
_SECONDS = 420


def _run(context: Context) -> None:
    identity = make_identity(context, _NAME, allow_publish(context, topic(context, _NAME)), certificates=2)
    wait_until_served(context, identity)  # both of them
    old, new = identity.certificates
    context.client("iot").update_certificate(certificateId=old.certificate_id, newStatus="INACTIVE")

    def is_refused() -> bool:
        pause(context)
        with connection(context.shared(broker), old, identity.client_id) as opened:
            return not opened.is_accepted or opened.has_ended(2)

    if context.within(lambda: [1] if is_refused() else [], _SECONDS) is None:
        raise Differs(f"an inactive certificate connects for {_SECONDS} s and more")
    pause(context)
    with connection(context.shared(broker), new, identity.client_id) as opened:
        if not opened.is_accepted:
            raise Differs(f"the newer certificate is refused as well: {opened.reason}")


PROBE = Probe(
    name="iot_certificate_rotation",
    belief=(
        "Two certificates with one policy both connect as its client ID; one that is set INACTIVE is refused within "
        "minutes, and the other is not."
    ),
    relied_on=("modules/factory_pipeline/gateways.tf", "docs/gateways.md"),
    source="AWS IoT Core developer guide, Activate or deactivate a client certificate",
    usd=0.001,
    run=_run,
)
