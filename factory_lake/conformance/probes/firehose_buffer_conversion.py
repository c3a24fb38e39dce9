"""The smallest buffer with format conversion."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery, is_refused
from factory_lake.conformance.delivery_streams import BUFFER_MB, BUFFER_SECONDS, converted, make_table
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    is_refused(
        context,
        "convert",
        # Without partitions, whose least size is the same.
        Prefix="delivered/convert/",
        DynamicPartitioningConfiguration=None,
        DataFormatConversionConfiguration=converted(context.shared(make_table), made.role),
        BufferingHints={"SizeInMBs": BUFFER_MB - 1, "IntervalInSeconds": BUFFER_SECONDS},
    )


PROBE = Probe(
    name="firehose_buffer_conversion",
    belief="With format conversion Firehose refuses a buffer below 64 MB.",
    relied_on=("modules/factory_pipeline/validations.tf",),
    source="Amazon Data Firehose API reference, DataFormatConversionConfiguration",
    usd=0.001,
    run=_run,
)
