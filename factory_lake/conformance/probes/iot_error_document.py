"""What the error action writes of a message whose action fails."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import topic
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.topic_rules import Rules, rules

_NAME = "error-document"


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    own = topic(context, _NAME, "refused")
    made.check_failure(_NAME, b"\x00\xff not JSON\n", own, own)


PROBE = Probe(
    name="iot_error_document",
    belief=(
        "The error action's document has ruleName, topic, clientId, base64OriginalPayload with the bytes that were "
        "sent, and failures, in an object whose key the template makes."
    ),
    relied_on=("factory_lake/redrive/lines.py", "factory_lake/reconcile/stored.py"),
    source="AWS IoT Core developer guide, Error handling (error action)",
    usd=0.001,
    run=_run,
)
