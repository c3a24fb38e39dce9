"""A JSON array in a record that is converted."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "array"


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    fate = made.fate(_NAME, b'[{"name":"one"},{"name":"two"}]\n')
    if fate.rows:
        raise Differs(f"an array of two became {len(fate.rows)} rows")
    if not fate.errors:
        raise Differs("the record is no row, and no error line has its bytes")


PROBE = Probe(
    name="firehose_array",
    belief="Format conversion takes no JSON array: the record goes to the error prefix.",
    relied_on=("lambda_src/transform/samples.py",),
    source="Amazon Data Firehose developer guide, Convert input data format",
    usd=0.003,
    run=_run,
)
