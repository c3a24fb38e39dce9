"""What is filed of a record that is not converted."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, check_error_key, delivery, raw_data
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.reconcile.stored import error_code

_NAME = "unconverted"
_LINE = b"{this is no JSON}\n"


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    fate = made.fate(_NAME, _LINE)
    if not fate.errors:
        raise Differs(f"a record that is no JSON became {len(fate.rows)} rows, and no error line has its bytes")
    for key, line in fate.errors:
        check_error_key(key, "rows", "format-conversion-failed")
        if raw_data(line) not in (_LINE, fate.record):
            raise Differs("rawData is neither what the transform gave nor the original record")
        if not isinstance(line.get("arrivalTimestamp"), int) or error_code(line) == "None":
            raise Differs(f"the line lacks arrivalTimestamp or its error's code; its keys: {sorted(line)}")


PROBE = Probe(
    name="firehose_conversion_failed",
    belief=(
        "A record that is not converted is a line below format-conversion-failed/ with, in rawData, what the "
        "transform gave or the original bytes."
    ),
    relied_on=("factory_lake/redrive/restore.py", "factory_lake/redrive/lines.py"),
    source=(
        "Amazon Data Firehose developer guide, Handle errors for data format conversion; "
        "what rawData holds is not documented"
    ),
    usd=0.003,
    run=_run,
)
