"""The smallest buffers with dynamic partitioning."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import is_refused
from factory_lake.conformance.delivery_streams import BUFFER_MB, BUFFER_SECONDS
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    small = {"SizeInMBs": BUFFER_MB - 1, "IntervalInSeconds": BUFFER_SECONDS}
    short = {"SizeInMBs": BUFFER_MB, "IntervalInSeconds": BUFFER_SECONDS - 1}
    is_refused(context, "small", BufferingHints=small)
    is_refused(context, "short", BufferingHints=short)


PROBE = Probe(
    name="firehose_buffer_partitioning",
    belief=(
        "With dynamic partitioning Firehose refuses buffers below 64 MB and 60 s; with these it makes the "
        "delivery stream."
    ),
    relied_on=("modules/factory_pipeline/validations.tf",),
    source="Amazon Data Firehose quotas; Dynamic partitioning",
    usd=0.001,
    run=_run,
)
