"""Alarms on the functions watch Lambda's metrics by the function's name alone."""

from __future__ import annotations

from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    name, _ = measures.make_function(context, "measured")
    measures.invoke(context, name)
    if "FunctionError" not in measures.invoke(context, name, fails=True):
        raise Differs("a function that raises is not answered as one that failed")
    of = {"FunctionName": name}
    measures.expect_metrics(
        context,
        (Metric("AWS/Lambda", "Invocations", of), (2.0).__eq__),
        (Metric("AWS/Lambda", "Errors", of), (1.0).__eq__),
        (Metric("AWS/Lambda", "Duration", of), (0.0).__lt__),
    )


PROBE = Probe(
    name="cloudwatch_lambda_metrics",
    belief="Lambda reports Invocations, Errors and Duration by FunctionName; a call that fails counts to both.",
    relied_on=("modules/factory_pipeline/alarms.tf", "modules/video_archiver/alarms.tf"),
    source="Lambda developer guide, Types of metrics for Lambda functions",
    usd=0.001,
    run=_run,
)
