"""A JSON array at the top of a message."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import passes_unchanged

_SENT = b'[{"a":1},{"a":2}]'


def _run(context: Context) -> None:
    passes_unchanged(context, "json-array", _SENT)


PROBE = Probe(
    name="iot_json_array",
    belief="A bare SELECT * passes a message that is a JSON array.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "lambda_src/transform/samples.py"),
    source="AWS IoT Core developer guide, SELECT clause; whether JSON is written anew is not documented",
    usd=0.001,
    run=_run,
)
