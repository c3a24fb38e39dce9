"""Prefixes that Firehose does not take."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import is_refused
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    is_refused(context, "no-errors", ErrorOutputPrefix=None)
    is_refused(context, "no-type", ErrorOutputPrefix="errors/!{timestamp:yyyy}/")
    is_refused(context, "no-keys", Prefix="delivered/no-keys/")


PROBE = Probe(
    name="firehose_prefixes_refused",
    belief=(
        "Dynamic partitioning needs an ErrorOutputPrefix and partition keys in Prefix; an ErrorOutputPrefix "
        "with expressions needs the error's type."
    ),
    relied_on=("modules/factory_pipeline/delivery.tf",),
    source="Amazon Data Firehose developer guide, Understand custom prefixes for Amazon S3 objects",
    usd=0.001,
    run=_run,
)
