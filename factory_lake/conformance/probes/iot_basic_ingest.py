"""A message of Basic Ingest in the rule that its topic names."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import topic
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.conformance.topic_rules import Rules, rules

_NAME = "basic-ingest"
_SENT = b'{"sent":"by Basic Ingest"}'


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    arrived = made.fate(_NAME, _SENT, to=f"$aws/rules/{made.forwarding}/{topic(context, _NAME)}")
    if arrived is not None and arrived.data == _SENT:
        return
    elsewhere = [record.partition_key for record in made.all_records() if record.data == _SENT]
    if elsewhere:
        raise Differs(f"topic(3) counts the prefix: the partition key is {elsewhere[0]!r}")
    raise Differs("the message did not reach the rule, or not as it was sent")


PROBE = Probe(
    name="iot_basic_ingest",
    belief="A publish to $aws/rules/<rule>/<topic> reaches that rule, and topic(n) does not count the prefix.",
    relied_on=("modules/factory_pipeline/gateways.tf", "modules/factory_pipeline/topic_rules.tf"),
    source="AWS IoT Core developer guide, Reducing messaging costs with Basic Ingest",
    usd=0.001,
    run=_run,
)
