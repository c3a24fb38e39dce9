"""The partition key that a rule makes of a template."""

import re

from factory_lake.conformance.context import Context
from factory_lake.conformance.identities import published, topic
from factory_lake.conformance.probe import Differs, Probe
from factory_lake.conformance.topic_rules import Rules, rules

_NAME = "partition-key"
_KEY = re.compile(rf"(\d{{13}})/{_NAME}/([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})")
#: How far the broker's clock and the data stream's may be apart.
_APART_MS = 60_000
_SENT = (b'{"n":1}', b"\xff no JSON")


def _run(context: Context) -> None:
    made: Rules = context.shared(rules)
    with made.connect(_NAME) as opened:
        for payload in _SENT:
            published(opened, topic(context, _NAME), payload)
    # By payload: it is the key that is in question.
    found = context.until(
        lambda: [one for one in made.all_records() if one.data in _SENT] if _all_there(made) else None,
        240,
        "both messages",
    )
    uuids: dict[str, bytes] = {}
    for record in found:
        key = _KEY.fullmatch(record.partition_key)
        if key is None:
            raise Differs(f"the partition key is {record.partition_key!r}")
        if abs(int(key[1]) - record.arrived_ms) > _APART_MS:
            raise Differs(f"timestamp() is {int(key[1]) - record.arrived_ms} ms from the record's arrival")
        if uuids.setdefault(key[2], record.data) != record.data:
            raise Differs("newuuid() is the same for two messages")


def _all_there(made: Rules) -> bool:
    return {one.data for one in made.all_records()}.issuperset(_SENT)


PROBE = Probe(
    name="iot_partition_key",
    belief=(
        "The partition key ${timestamp()}/${topic(3)}/${newuuid()} has epoch milliseconds, the third level of the "
        "topic and a new UUID, with any payload."
    ),
    relied_on=("modules/factory_pipeline/topic_rules.tf", "lambda_src/transform/envelope.py"),
    source="AWS IoT Core developer guide, Substitution templates",
    usd=0.001,
    run=_run,
)
