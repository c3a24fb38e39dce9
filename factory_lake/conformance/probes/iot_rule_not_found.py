"""A message of Basic Ingest for a rule that is not there."""

from datetime import timedelta

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import topic
from factory_lake.conformance.mqtt import Answer
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.conformance.topic_rules import Rules, rules

_NAME = "rule-not-found"
#: Metrics of IoT come after minutes.
_SECONDS = 600


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    missing = context.underscored("missing")
    with made.connect(_NAME) as opened:
        answer = opened.publish(f"$aws/rules/{missing}/{topic(context, _NAME)}", b"{}")
    if answer is not Answer.ACKNOWLEDGED:
        raise Differs(f"the publish is {answer.value}")
    cloudwatch, began = context.client("cloudwatch"), context.now()

    def counted() -> bool:
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/IoT",
            MetricName="RuleNotFound",
            Dimensions=[{"Name": "RuleName", "Value": missing}],
            StartTime=began - timedelta(minutes=5),
            EndTime=context.now() + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
        return any(point["Sum"] > 0 for point in found["Datapoints"])

    if context.within(lambda: [1] if counted() else [], _SECONDS) is None:
        raise Differs(f"the metric RuleNotFound shows nothing for {_SECONDS} s")


PROBE = Probe(
    name="iot_rule_not_found",
    belief=(
        "A publish by Basic Ingest for a rule that is not there is acknowledged, and shows in the metric RuleNotFound."
    ),
    relied_on=("modules/factory_pipeline/gateways.tf",),
    source="AWS IoT Core developer guide, AWS IoT metrics and dimensions",
    usd=0.003,
    run=_run,
)
