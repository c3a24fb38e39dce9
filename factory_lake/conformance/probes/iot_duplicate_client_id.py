"""Two connections with one client ID."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import pause, topic
from factory_lake.conformance.mqtt import Answer
from factory_lake.conformance.presence import Watched, expect_reason, watched
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe

_NAME = "duplicate"
_TAKEN_OVER = "Session taken over"


def _run(context: Context) -> None:
    made: Watched = context.shared(watched, _NAME)
    with made.connect() as first:
        pause(context)
        if not first.is_accepted:
            raise CouldNotTell(f"the first connection was refused: {first.reason}")
        with made.connect() as second:
            if not second.is_accepted:
                raise Differs(f"the second connection was refused: {second.reason}")
            if not first.has_ended():
                raise Differs("both connections stand")
            answer = second.publish(topic(context, _NAME), b"{}")
    if answer is not Answer.ACKNOWLEDGED:
        raise Differs(f"a publish on the second connection is {answer.value}")
    if first.reason != _TAKEN_OVER:
        raise Differs(f"the first connection ended as {first.reason!r} instead of {_TAKEN_OVER!r}")
    expect_reason(made, "DUPLICATE_CLIENTID")


PROBE = Probe(
    name="iot_duplicate_client_id",
    belief=(
        "Of two connections with one client ID the second stays; the first ends as Session taken over with MQTT 5, "
        "and its event says DUPLICATE_CLIENTID."
    ),
    relied_on=("factory_lake/gateway/mqtt.py", "factory_lake/coverage/causes.py"),
    source="AWS IoT Core developer guide, MQTT; Lifecycle events",
    usd=0.001,
    run=_run,
)
