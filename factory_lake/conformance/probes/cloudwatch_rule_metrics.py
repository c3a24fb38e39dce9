"""Alarms on the topic rules add up metrics of their actions, whatever the actions' type is called."""

from __future__ import annotations

from factory_lake.conformance import measures, topic_rules
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.probes.cloudwatch_alarm_expressions import RULE_ACTIONS

_SECONDS = 600.0


def _run(context: Context) -> None:
    made = context.shared(topic_rules.rules)  # of which the one has forwarded something then, and the other failed
    measures.expect_metrics(context, (Metric("AWS/IoT", "TopicMatch", {"RuleName": made.forwarding}), (1.0).__le__))
    for metric in ("Failure", "ErrorActionSuccess"):
        _expect_counted(context, metric, made.failing)


def _expect_counted(context: Context, metric: str, rule: str) -> None:
    query = RULE_ACTIONS.replace("Failure", metric).replace("'RULE'", f"'{rule}'")

    def is_counted() -> bool:
        found = measures.series(context, [{"Id": "total", "Expression": query, "Period": 300}])
        return sum(found["total"]) >= 1

    measures.expect_within(
        context,
        is_counted,
        _SECONDS,
        lambda: f"a query over ActionType finds no {metric} of a rule whose action has failed",
    )


PROBE = Probe(
    name="cloudwatch_rule_metrics",
    belief=(
        "IoT reports TopicMatch by RuleName, and Failure and ErrorActionSuccess of a rule's actions by ActionType and"
        " RuleName, which a Metrics Insights query finds without the type."
    ),
    relied_on=("modules/factory_pipeline/alarms.tf",),
    source="IoT developer guide, AWS IoT metrics and dimensions; Amazon CloudWatch user guide, Metrics Insights",
    usd=0.001,
    run=_run,
)
