"""A key that a JSON message has twice."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import passes_unchanged

_SENT = b'{"a":1,"b":{"c":2,"c":3},"a":4}'


def _run(context: Context) -> None:
    passes_unchanged(context, "json-repeated-keys", _SENT)


PROBE = Probe(
    name="iot_json_repeated_keys",
    belief="A bare SELECT * keeps a key that a JSON message has twice, so that the transform can reject it.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "lambda_src/transform/reader.py"),
    source="AWS IoT Core developer guide, SELECT clause; whether JSON is written anew is not documented",
    usd=0.001,
    run=_run,
)
