"""Alarms on the data streams watch Kinesis' metrics by the stream's name alone."""

from __future__ import annotations

from factory_lake.conformance import data_streams, measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    stream = context.shared(data_streams.data_stream)
    data = b"cloudwatch_kinesis_metrics"
    context.client("kinesis").put_record(StreamName=stream, Data=data, PartitionKey="metrics")
    context.until(
        lambda: any(one["Data"] == data for one in data_streams.records(context, stream)), 60, "the record to be read"
    )
    of = {"StreamName": stream}
    measures.expect_metrics(
        context,
        (Metric("AWS/Kinesis", "IncomingRecords", of), (1.0).__le__),
        (Metric("AWS/Kinesis", "IncomingBytes", of), float(len(data)).__le__),
        (Metric("AWS/Kinesis", "GetRecords.Success", of), (1.0).__le__),
        (Metric("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", of), (0.0).__le__),
    )


PROBE = Probe(
    name="cloudwatch_kinesis_metrics",
    belief=(
        "Kinesis reports IncomingRecords, IncomingBytes, GetRecords.Success and GetRecords.IteratorAgeMilliseconds by"
        " StreamName without enhanced monitoring."
    ),
    relied_on=("modules/factory_pipeline/alarms.tf",),
    source="Kinesis Data Streams developer guide, Monitor the service with Amazon CloudWatch",
    usd=0.004,
    run=_run,
)
