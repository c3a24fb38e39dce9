"""What a period without data counts for differs from alarm to alarm: to some silence is a fault."""

from __future__ import annotations

from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe

_SECONDS = 480.0
_EXPECTED = {
    "breaching": "ALARM",
    "notBreaching": "OK",
    "ignore": "INSUFFICIENT_DATA",
    "missing": "INSUFFICIENT_DATA",
}


def _run(context: Context) -> None:
    names = {
        treatment: measures.put_alarm(
            context,
            f"silent-{treatment}",
            Namespace=measures.NAMESPACE,
            MetricName="NeverPut",
            Dimensions=[{"Name": "Factory", "Value": context.name("silent")}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0.0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData=treatment,
        )
        for treatment in _EXPECTED
    }

    def seen() -> dict[str, str]:
        found = measures.states(context, list(names.values()))
        return {treatment: found.get(name, "gone") for treatment, name in names.items()}

    measures.expect_within(
        context, lambda: seen() == _EXPECTED, _SECONDS, lambda: f"alarms on a metric without data are {seen()}"
    )


PROBE = Probe(
    name="cloudwatch_missing_data",
    belief=(
        "An alarm on a metric that was never reported is in ALARM where missing data is breaching, OK where it is not"
        " breaching, and stays as it was where it is ignored."
    ),
    relied_on=("modules/factory_pipeline/alarms.tf", "modules/video_archiver/alarms.tf"),
    source="Amazon CloudWatch user guide, Configuring how CloudWatch alarms treat missing data",
    usd=0.005,
    run=_run,
)
