"""The event of a connection that is lost."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.presence import Watched, expect_reason, watched
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    made: Watched = context.shared(watched, "lost")
    with made.connect() as opened:
        opened.cut()
        expect_reason(made, "CONNECTION_LOST")


PROBE = Probe(
    name="iot_presence_lost",
    belief="A connection whose socket closes without a DISCONNECT ends with the reason CONNECTION_LOST.",
    relied_on=("factory_lake/coverage/causes.py", "docs/gateways.md"),
    source="AWS IoT Core developer guide, Lifecycle events",
    usd=0.001,
    run=_run,
)
