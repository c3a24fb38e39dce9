"""White space and escapes of a JSON message."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import passes_unchanged

#: One value spelled in several ways, and white space wherever it may be.
_SENT = b' { "a" :\t"\\u00fc\\/", "b":"\xc3\xbc/" ,\n"c" : [ ] , "d":{ } } '


def _run(context: Context) -> None:
    passes_unchanged(context, "json-spelling", _SENT)


PROBE = Probe(
    name="iot_json_spelling",
    belief="A bare SELECT * keeps white space and escapes of a JSON message.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "lambda_src/transform/reader.py"),
    source="AWS IoT Core developer guide, SELECT clause; whether JSON is written anew is not documented",
    usd=0.001,
    run=_run,
)
