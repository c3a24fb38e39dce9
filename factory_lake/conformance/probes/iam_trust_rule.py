"""The roles of topic rules trust IoT for one rule alone."""

from __future__ import annotations

from typing import Any

from factory_lake.conformance import roles, setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_FOLDER = "iam_trust_rule"


def _run(context: Context) -> None:
    bucket = context.shared(setups.bucket)
    topic = f"{context.prefix}/trust"
    rules = {kind: context.underscored(f"trust-{kind}") for kind in ("open", "own", "other")}

    def trust(rule: str) -> dict[str, Any]:
        return {
            "StringEquals": {"aws:SourceAccount": context.account},
            "ArnLike": {"aws:SourceArn": context.arn("iot", f"rule/{rule}")},
        }

    conditions = {"open": {}, "own": trust(rules["own"]), "other": trust(rules["own"])}
    for kind, rule in rules.items():
        resource = f"{roles.bucket_arn(context, bucket)}/{_FOLDER}/{kind}"
        allowed = {"Action": "s3:PutObject", "Resource": resource}
        role = setups.make_role(context, f"rule-{kind}", "iot.amazonaws.com", allowed, condition=conditions[kind])
        action = {"roleArn": role, "bucketName": bucket, "key": f"{_FOLDER}/{kind}"}
        payload = {"sql": f"SELECT * FROM '{topic}'", "awsIotSqlVersion": "2016-03-23", "actions": [{"s3": action}]}  # noqa: S608
        context.made("iot_rule", rule)
        setups.with_role(
            context,
            lambda rule=rule, payload=payload: context.client("iot").create_topic_rule(  # type: ignore[misc]
                ruleName=rule, topicRulePayload=payload
            ),
            "IoT to see the rule's role",
        )
    data, s3 = context.iot_data(), context.client("s3")

    def written() -> set[str]:
        data.publish(topic=topic, qos=1, payload=b"{}")
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{_FOLDER}/").get("Contents", [])
        return {item["Key"].rpartition("/")[2] for item in found}

    context.until(lambda: "open" in written(), 120, "a rule with a role without conditions to write")
    # The roles are of one age; a rule is tried again with every publish.
    ends = context.now().timestamp() + 30
    context.until(lambda: "own" in written() or context.now().timestamp() > ends, 60, "the rules to run")
    found = written()
    if "own" not in found:
        raise Differs("a rule cannot use a role that trusts IoT for aws:SourceAccount and this rule's aws:SourceArn")
    if "other" in found:
        raise Differs("a rule uses a role that trusts IoT for the aws:SourceArn of another rule")


PROBE = Probe(
    name="iam_trust_rule",
    belief="A topic rule assumes a role that trusts IoT for the account and its own ARN, and none for another rule's.",
    relied_on=("modules/factory_pipeline/topic_rules.tf", "modules/factory_pipeline/connections.tf"),
    source="AWS IoT Core developer guide, Cross-service confused deputy prevention",
    usd=0.001,
    run=_run,
)
