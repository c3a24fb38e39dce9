"""The largest payload of a publish."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import pause, published, topic
from factory_lake.conformance.mqtt import Answer
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.conformance.topic_rules import Rules, rules
from factory_lake.gateway.mqtt import MAX_PAYLOAD

_NAME = "payload-limit"
_LARGEST = b'{"text":"' + b"x" * (MAX_PAYLOAD - 11) + b'"}'


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    with made.connect(_NAME) as opened:
        answer = opened.publish(topic(context, _NAME), _LARGEST + b"\n")
        if answer is Answer.ACKNOWLEDGED:
            raise Differs(f"a payload of {MAX_PAYLOAD + 1} bytes is acknowledged")
    pause(context)
    with made.connect(_NAME) as opened:
        published(opened, topic(context, _NAME), _LARGEST)
    context.until(lambda: made.records(_NAME), 240, f"a payload of {MAX_PAYLOAD} bytes by the rule")
    if any(record.data != _LARGEST for record in made.records(_NAME)):
        raise Differs("another payload than the largest one reached the data stream")


PROBE = Probe(
    name="iot_payload_limit",
    belief="A payload of 128 KiB passes broker and rule whole; one of a byte more is not acknowledged.",
    relied_on=("factory_lake/gateway/mqtt.py", "factory_lake/gateway/batches.py"),
    source="AWS IoT Core endpoints and quotas, message broker: message size",
    usd=0.001,
    run=_run,
)
