"""Alarms on shares and on rules' actions watch expressions."""

from __future__ import annotations

from typing import Any

from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Differs, Probe

#: The expressions of modules/factory_pipeline/alarms.tf, with their metrics and periods.
UNPROCESSED = "IF(read >= 100, (read - FILL(done, 0)) / read, 0)"
REJECTED = "IF(received >= 100, rejected / received, 0)"
RULE_ACTIONS = "SELECT SUM(Failure) FROM SCHEMA(\"AWS/IoT\", ActionType, RuleName) WHERE RuleName = 'RULE'"


def _run(context: Context) -> None:
    name = context.name("expressions")
    firehose, own, rule = {"DeliveryStreamName": name}, {"Factory": name, "Lane": "lane"}, RULE_ACTIONS
    alarms = {
        UNPROCESSED: [
            _metric("read", Metric("AWS/Firehose", "DataReadFromKinesisStream.Records", firehose), 900),
            _metric("done", Metric("AWS/Firehose", "SucceedProcessing.Records", firehose), 900),
            {"Id": "result", "Label": "unprocessed", "Expression": UNPROCESSED, "ReturnData": True},
        ],
        REJECTED: [
            _metric("received", Metric(measures.NAMESPACE, "SamplesReceived", own), 3600),
            _metric("rejected", Metric(measures.NAMESPACE, "SamplesRejected", own), 3600),
            {"Id": "result", "Label": "rejected", "Expression": REJECTED, "ReturnData": True},
        ],
        rule: [{"Id": "result", "Label": "rule-failed", "Expression": rule, "Period": 300, "ReturnData": True}],
    }
    for place, (expression, queries) in enumerate(alarms.items()):
        _expect_taken(context, f"expression-{place}", expression, queries)


def _metric(identifier: str, metric: Metric, period: int) -> dict[str, Any]:
    return {"Id": identifier, "MetricStat": metric.query("Sum", period), "ReturnData": False}


def _expect_taken(context: Context, of: str, expression: str, queries: list[dict[str, Any]]) -> None:
    try:
        name = measures.put_alarm(
            context,
            of,
            Metrics=queries,
            EvaluationPeriods=1,
            DatapointsToAlarm=1,
            Threshold=0.5,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
    except context.client("cloudwatch").exceptions.ClientError as error:
        raise Differs(f"an alarm on {expression} is refused: {error.response['Error'].get('Message')}") from error
    (alarm,) = context.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    kept = [query.get("Expression") for query in alarm["Metrics"] if query.get("ReturnData", True)]
    if kept != [expression]:
        raise Differs(f"an alarm on {expression} is described with {kept}")


PROBE = Probe(
    name="cloudwatch_alarm_expressions",
    belief=(
        "PutMetricAlarm takes metric math with IF and FILL, and a Metrics Insights query of one series, as the modules"
        " write them."
    ),
    relied_on=("modules/factory_pipeline/alarms.tf", "modules/monitoring/alarms.tf"),
    source="Amazon CloudWatch user guide, Use metric math; Create an alarm on a Metrics Insights query",
    usd=0.005,
    run=_run,
)
