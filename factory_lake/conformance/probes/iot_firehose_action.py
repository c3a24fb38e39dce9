"""A rule that puts events into a delivery stream, as the connections' rules do."""

import json
from typing import Any

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Direct, direct
from factory_lake.conformance.identities import published, topic
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.conformance.topic_rules import Rules, make_rule, rules

_NAME = "firehose-action"


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    stream: Direct = context.shared(direct)
    make_rule(
        context,
        context.underscored(_NAME),
        _NAME,
        f"'{topic(context, _NAME, 'events')}'",
        [{"Action": "firehose:PutRecord", "Resource": context.arn("firehose", f"deliverystream/{stream.name}")}],
        lambda role: {"firehose": {"deliveryStreamName": stream.name, "roleArn": role, "separator": "\n"}},
        "*, 'line-1' AS name",
    )
    document = json.dumps({"deviceID": "event", "number": 8}).encode()
    with made.connect(_NAME) as opened:

        def arrives() -> tuple[str, dict[str, Any]] | None:
            # Again and again: a new rule does not see the first ones.
            published(opened, topic(context, _NAME, "events"), document)
            return context.within(lambda: stream.rows("event"), 30.0)

        _, row = context.until(arrives, 420, "a row of a message by the rule")
    if (row["number"], row["name"]) != (8, "line-1"):
        raise Differs(f"the row has number {row['number']} and name {row['name']}")


PROBE = Probe(
    name="iot_firehose_action",
    belief=(
        "A rule puts a JSON message with a constant beside it into a delivery stream, and the separator behind it."
    ),
    relied_on=("modules/factory_pipeline/connections.tf",),
    source="AWS IoT Core developer guide, Firehose",
    usd=0.002,
    run=_run,
)
