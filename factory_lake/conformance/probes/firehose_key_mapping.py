"""Which keys of a document feed which columns."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "keys"


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    fate = made.fate(_NAME, b'{"deviceID":"mapped","Name":"lower-cased","Unknown":1}\n')
    if fate.errors or not fate.rows:
        raise Differs(f"{len(fate.rows)} rows and {len(fate.errors)} error lines")
    row = fate.rows[0]
    expected = {"device_id": "mapped", "name": "lower-cased", "ts": None, "value": None}
    wrong = {column: row.get(column) for column, value in expected.items() if row.get(column) != value}
    if wrong:
        raise Differs(f"columns have other values: {wrong}")


PROBE = Probe(
    name="firehose_key_mapping",
    belief=(
        "Format conversion lower-cases keys, then looks for a column's mapping, which has no capitals; it "
        "leaves out keys that no column has, and a column without its key is null."
    ),
    relied_on=("modules/factory_pipeline/delivery.tf", "lambda_src/transform/measurements.py"),
    source="Amazon Data Firehose API reference, OpenXJsonSerDe",
    usd=0.003,
    run=_run,
)
