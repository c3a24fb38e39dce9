"""What the error action writes of a message of Basic Ingest whose action fails."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import topic
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import Rules, rules

_NAME = "error-document-ingest"


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    plain = topic(context, _NAME, "refused")
    ingest = f"$aws/rules/{made.failing}/{plain}"
    made.check_failure(_NAME, b'{"a":1.0}', ingest, plain, ingest)


PROBE = Probe(
    name="iot_error_document_basic_ingest",
    belief=(
        "A message of Basic Ingest whose action fails reaches the error action as any other, its topic with the "
        "prefix $aws/rules/<rule>/ or without."
    ),
    relied_on=("factory_lake/redrive/lines.py", "factory_lake/reconcile/stored.py"),
    source="AWS IoT Core developer guide, Error handling (error action); the form of the topic is not documented",
    usd=0.001,
    run=_run,
)
