"""The order of the keys of a JSON message."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import passes_unchanged

_SENT = b'{"z":1,"a":{"y":2,"b":3,"10":4,"9":5},"m":6}'


def _run(context: Context) -> None:
    passes_unchanged(context, "json-key-order", _SENT)


PROBE = Probe(
    name="iot_json_key_order",
    belief="A bare SELECT * keeps the order of the keys of a JSON message.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "lambda_src/transform/reader.py"),
    source="AWS IoT Core developer guide, SELECT clause; whether JSON is written anew is not documented",
    usd=0.001,
    run=_run,
)
