"""The alarm on an archiver that does not run looks back a week at most, in one period."""

from __future__ import annotations

from factory_lake.conformance import measures, video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe

_WEEK = 604_800
_HOUR = 3600


def _run(context: Context) -> None:
    def put(of: str, period: int) -> str:
        return measures.put_alarm(
            context,
            of,
            Namespace="AWS/Lambda",
            MetricName="Invocations",
            Dimensions=[{"Name": "FunctionName", "Value": context.name("week")}],
            Statistic="Sum",
            Period=period,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="breaching",
        )

    video.expect_refusal(lambda: put("week", _WEEK), "", "an alarm over one period of a week")
    video.expect_refusal(lambda: put("longer", _WEEK + _HOUR), "ValidationError", "one over an hour more")


PROBE = Probe(
    name="cloudwatch_alarm_week",
    belief="An alarm's one period may be a week long, and no longer.",
    relied_on=("modules/video_archiver/alarms.tf",),
    source="Amazon CloudWatch API reference, PutMetricAlarm, EvaluationPeriods",
    usd=0.002,
    run=_run,
)
