"""What the transform sees of a record of the data stream."""

import json

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import DELIVERY_SECONDS, Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "partition-key"
_KEY = "1700000000123/line-1/0b6ee3a8-3a5c-4d1e-8f53-b6d6f5e1a0aa"


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    made.send("lines", _NAME, metadata=True, key=_KEY)
    objects = context.until(lambda: made.objects("lines", _NAME), DELIVERY_SECONDS, "the record's metadata")
    seen = json.loads(next(iter(objects.values())).splitlines()[0])
    if seen.get("partitionKey") != _KEY:
        raise Differs(f"kinesisRecordMetadata.partitionKey is {seen.get('partitionKey')!r}")
    if not isinstance(seen.get("approximateArrivalTimestamp"), int) or not seen.get("sequenceNumber"):
        raise Differs(f"approximateArrivalTimestamp or sequenceNumber is missing; keys: {sorted(seen)}")


PROBE = Probe(
    name="firehose_partition_key",
    belief=(
        "The transform sees the partition key that a record was put with, its sequence number and its arrival "
        "in epoch milliseconds."
    ),
    relied_on=("lambda_src/transform/envelope.py", "lambda_src/transform/put_back.py"),
    source="Amazon Data Firehose developer guide, Transform source data",
    usd=0.003,
    run=_run,
)
