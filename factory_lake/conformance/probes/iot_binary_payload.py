"""A message that is not JSON."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import passes_unchanged

_SENT = bytes(range(256))


def _run(context: Context) -> None:
    passes_unchanged(context, "binary-payload", _SENT)


PROBE = Probe(
    name="iot_binary_payload",
    belief="A bare SELECT * passes a payload that is no JSON, nor UTF-8, byte by byte.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "modules/factory_pipeline/connections.tf"),
    source="AWS IoT Core developer guide, Working with binary payloads",
    usd=0.001,
    run=_run,
)
