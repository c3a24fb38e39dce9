"""When all messages fail, no success is reported: the alarm on the share of the unprocessed fills it with zeros."""

from __future__ import annotations

from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.probes.cloudwatch_alarm_expressions import UNPROCESSED

_READ = 250.0
_SECONDS = 600.0


def _run(context: Context) -> None:
    dimensions = {"Factory": context.name("fill")}
    read, done = (Metric(measures.NAMESPACE, name, dimensions) for name in ("Read", "Done"))
    context.client("cloudwatch").put_metric_data(
        Namespace=read.namespace,
        MetricData=[
            {
                "MetricName": read.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                "Value": _READ,
                "Unit": "Count",
            }
        ],
    )
    queries = [
        {"Id": "read", "MetricStat": read.query("Sum"), "ReturnData": True},
        {"Id": "done", "MetricStat": done.query("Sum"), "ReturnData": False},
        {"Id": "share", "Expression": UNPROCESSED, "ReturnData": True},
    ]

    def shares() -> list[float]:
        found = measures.series(context, queries)
        return found["share"] if found["read"] else []

    measures.expect_within(
        context,
        lambda: 1.0 in shares(),
        _SECONDS,
        lambda: f"of {_READ:g} that were read and a metric without data {UNPROCESSED} makes {shares()}",
    )


PROBE = Probe(
    name="cloudwatch_fill_without_data",
    belief="FILL gives its number for a metric without a single data point, where others of its expression have one.",
    relied_on=("modules/factory_pipeline/alarms.tf",),
    source="Amazon CloudWatch user guide, Use metric math, FILL, which does not say it of a metric without any",
    usd=0.005,
    run=_run,
)
