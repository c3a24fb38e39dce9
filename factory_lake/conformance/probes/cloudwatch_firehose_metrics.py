"""Alarms on the deliveries watch Firehose's metrics by the delivery stream's name alone."""

from __future__ import annotations

from factory_lake.conformance import deliveries, delivery_streams, measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Probe

#: Those that a delivery reports from its first object on, and the least that each comes to.
_LEAST = {
    "DataReadFromKinesisStream.Records": 1.0,
    "KinesisMillisBehindLatest": 0.0,
    "ExecuteProcessing.Success": 1.0,
    "SucceedProcessing.Records": 1.0,
    "DeliveryToS3.DataFreshness": 0.0,
    "DeliveryToS3.ObjectCount": 1.0,
    "DeliveryToS3.Records": 1.0,
    "DeliveryToS3.Success": 1.0,
}


def _run(context: Context) -> None:
    context.shared(deliveries.delivery)  # which has delivered something then
    of = {"DeliveryStreamName": delivery_streams.stream_name(context, "rows")}
    measures.expect_metrics(
        context, *((Metric("AWS/Firehose", name, of), least.__le__) for name, least in _LEAST.items())
    )


PROBE = Probe(
    name="cloudwatch_firehose_metrics",
    belief=f"Firehose reports {', '.join(_LEAST)} by DeliveryStreamName.",
    relied_on=("modules/factory_pipeline/alarms.tf",),
    source="Data Firehose developer guide, Monitor Amazon Data Firehose with CloudWatch metrics",
    usd=0.001,
    run=_run,
)
