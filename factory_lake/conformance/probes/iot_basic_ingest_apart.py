"""Who else gets a message of Basic Ingest."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import published, topic
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe
from factory_lake.conformance.topic_rules import Rules, rules

_NAME = "basic-ingest-apart"
_APART, _ORDINARY = b'{"sent":"apart"}', b'{"sent":"by the broker"}'


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    own = topic(context, _NAME)
    with made.connect(_NAME) as opened:
        opened.subscribe(own)
        published(opened, f"$aws/rules/{made.forwarding}/{own}", _APART)
        context.until(
            lambda: any(one.data == _APART for one in made.all_records()), 240, "the message of Basic Ingest"
        )
        published(opened, own, _ORDINARY)
        try:
            context.until(lambda: any(one.payload == _ORDINARY for one in opened.received), 30, "the ordinary message")
        except CouldNotTell as error:
            raise CouldNotTell(f"the subscription brings nothing: {error.why}") from error
        if any(one.payload == _APART for one in opened.received):
            raise Differs("a subscriber to the topic behind the rule's name got the message of Basic Ingest")


PROBE = Probe(
    name="iot_basic_ingest_apart",
    belief="A message of Basic Ingest goes past the message broker: subscribers to its topic do not get it.",
    relied_on=("modules/factory_pipeline/gateways.tf", "factory_lake/sizing/cost.py"),
    source="AWS IoT Core developer guide, Reducing messaging costs with Basic Ingest",
    usd=0.001,
    run=_run,
)
