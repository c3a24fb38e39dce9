"""What a policy must allow for Basic Ingest."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import (
    allow_publish,
    broker,
    make_identity,
    published,
    topic,
    wait_until_served,
)
from factory_lake.conformance.mqtt import Answer, connection
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.conformance.topic_rules import Rules, rules

_NAME = "basic-ingest-policy"


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    own = topic(context, _NAME)
    identity = make_identity(context, _NAME, allow_publish(context, own))
    wait_until_served(context, identity)
    with connection(context.shared(broker), identity.certificate, identity.client_id) as opened:
        published(opened, own, b"{}")
        answer = opened.publish(f"$aws/rules/{made.forwarding}/{own}", b"{}")
    if answer is Answer.ACKNOWLEDGED:
        raise Differs("the topic behind $aws/rules/<rule>/ is allowed by the plain topic")


PROBE = Probe(
    name="iot_basic_ingest_policy",
    belief="A policy that allows a topic does not allow it behind $aws/rules/<rule>/, which needs an ARN of its own.",
    relied_on=("modules/factory_pipeline/gateways.tf",),
    source="AWS IoT Core developer guide, Reducing messaging costs with Basic Ingest",
    usd=0.001,
    run=_run,
)
