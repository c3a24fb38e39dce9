"""The archiver is started by a schedule, with what it is to do as its whole event."""

from __future__ import annotations

import json
from typing import Any

from factory_lake.conformance import measures
from factory_lake.conformance.context import Context
from factory_lake.conformance.measures import Metric
from factory_lake.conformance.probe import Differs, Probe

_SECONDS = 300.0


def _run(context: Context) -> None:
    function, function_arn = measures.make_function(context, "scheduled")
    rule = context.made("event_rule", context.name("schedule"))
    events = context.client("events")
    rule_arn = events.put_rule(Name=rule, ScheduleExpression="rate(1 minute)", Tags=context.tag_list)["RuleArn"]
    context.client("lambda").add_permission(
        FunctionName=function,
        StatementId=rule,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
        SourceAccount=context.account,
    )
    wanted = {"shard": 1, "shards": 2}
    answer = events.put_targets(
        Rule=rule, Targets=[{"Id": "shard-1", "Arn": function_arn, "Input": json.dumps(wanted)}]
    )
    if answer["FailedEntryCount"]:
        raise Differs(f"the target is refused: {answer['FailedEntries'][0].get('ErrorCode')}")
    measures.expect_within(
        context,
        lambda: bool(_printed(context, function)),
        _SECONDS,
        lambda: "a rule of rate(1 minute) has not started its function",
    )
    seen = _printed(context, function)[0]
    if seen != wanted:
        raise Differs(
            f"the function's event has the members {sorted(seen)} instead of {sorted(wanted)}, or other values"
        )
    measures.expect_metrics(context, (Metric("AWS/Events", "Invocations", {"RuleName": rule}), (1.0).__le__))


def _printed(context: Context, function: str) -> list[Any]:
    """The events that a function has printed."""
    found = context.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}")
    documents = [json.loads(one["message"]) for one in found["events"] if one["message"].startswith("{")]
    # A line may stand within one of Lambda's own.
    inner = [json.loads(each["message"]) for each in documents if str(each.get("message")).startswith("{")]
    return [document["event"] for document in (*documents, *inner) if "event" in document]


PROBE = Probe(
    name="events_schedule",
    belief=(
        "A scheduled rule starts a function whose permission names the rule and the account, with the target's input"
        " as its whole event; EventBridge reports Invocations by RuleName."
    ),
    relied_on=("modules/video_archiver/clip_fetch.tf", "lambda_src/clip_fetch/events.py"),
    source="EventBridge user guide, Creating a rule that runs on a schedule; Monitoring Amazon EventBridge",
    usd=0.002,
    run=_run,
)
