"""The session of a client that was away."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import broker, own_identity, pause
from factory_lake.conformance.mqtt import VERSIONS, connection
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe

_NAME = "session"


def _run(context: Context) -> None:
    identity = own_identity(context, _NAME)
    where = context.shared(broker)
    for version in VERSIONS:
        for is_first in (True, False):
            pause(context)
            with connection(
                where, identity.certificate, identity.client_id, version=version, keeps_session=True
            ) as opened:
                if not opened.is_accepted:
                    raise CouldNotTell(f"a connection with MQTT {version} was refused: {opened.reason}")
                if not is_first and not opened.resumed:
                    raise Differs(f"the broker has no session of the client any more with MQTT {version}")
                opened.cut()


PROBE = Probe(
    name="iot_session_kept",
    belief="With MQTT 5 and 3.1.1 the broker keeps the session of a client that asked for it and lost its connection.",
    relied_on=("factory_lake/gateway/mqtt.py",),
    source="AWS IoT Core developer guide, MQTT persistent sessions",
    usd=0.001,
    run=_run,
)
