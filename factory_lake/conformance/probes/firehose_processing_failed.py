"""What is filed of a record that the transform rejects."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import DELIVERY_SECONDS, Delivery, check_error_key, delivery, raw_data
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.reconcile.stored import ORIGINAL

#: Neither JSON nor UTF-8.
_SENT = b"\xff\x00 rejected \r\n"


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    made.put(_SENT)
    # Nothing else is rejected, so that bytes that are not the record's are seen as well.
    found = context.until(lambda: made.filed([ORIGINAL], _SENT), DELIVERY_SECONDS, "an error line")
    for key, line in found:
        check_error_key(key, "rows", ORIGINAL)
        if raw_data(line) != _SENT:
            raise Differs("rawData is not the record's bytes")
        if not isinstance(line.get("arrivalTimestamp"), int) or not line.get("errorCode"):
            raise Differs(f"the line lacks arrivalTimestamp or errorCode; its keys: {sorted(line)}")


PROBE = Probe(
    name="firehose_processing_failed",
    belief=(
        "A record whose result is ProcessingFailed is a line below processing-failed/ with arrivalTimestamp, "
        "errorCode and, in rawData, the record's original bytes."
    ),
    relied_on=("factory_lake/redrive/lines.py", "factory_lake/reconcile/stored.py"),
    source="Amazon Data Firehose developer guide, Handle failure in data transformation",
    usd=0.003,
    run=_run,
)
