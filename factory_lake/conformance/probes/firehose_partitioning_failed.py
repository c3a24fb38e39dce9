"""What is filed of a record without a partition key."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import DELIVERY_SECONDS, Delivery, check_error_key, delivery, raw_data
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.redrive.lines import NO_PARTITION

_LINE = b'{"name":"without a partition"}\n'


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    # Nothing else has no partition, so that bytes that are not the record's are seen as well.
    record = made.send("rows", None, _LINE)
    found = context.until(lambda: made.filed(NO_PARTITION, _LINE, record), DELIVERY_SECONDS, "an error line")
    for key, line in found:
        check_error_key(key, "rows", *NO_PARTITION)
        if raw_data(line) not in (_LINE, record):
            raise Differs("rawData is neither what the transform gave nor the original record")


PROBE = Probe(
    name="firehose_partitioning_failed",
    belief=(
        "A record whose transform gives no partition key is a line below partitioning-failed/ with, in "
        "rawData, what the transform gave or the original bytes."
    ),
    relied_on=("factory_lake/redrive/lines.py",),
    source="Amazon Data Firehose developer guide, Dynamic partitioning; the folder is known from users alone",
    usd=0.003,
    run=_run,
)
