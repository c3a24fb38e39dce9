"""The spelling of numbers in a JSON message."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import passes_unchanged

#: What a reader of doubles, or of 64-bit integers, would write in another way or lose.
_SENT = (
    b'{"a":1.10,"b":1E+2,"c":-0.0,"d":12345678901234567890123,"e":0.1234567890123456789,'
    b'"f":9007199254740993,"g":1e400,"h":18446744073709551615}'
)


def _run(context: Context) -> None:
    passes_unchanged(context, "json-numbers", _SENT)


PROBE = Probe(
    name="iot_json_numbers",
    belief="A bare SELECT * keeps the spelling of every number of a JSON message.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "lambda_src/transform/samples.py", "docs/exactness.md"),
    source="AWS IoT Core developer guide, SELECT clause; whether JSON is written anew is not documented",
    usd=0.001,
    run=_run,
)
