"""Topic rules as the modules make them: what reaches their data stream, and what their error action writes.

One data stream and one bucket serve all rules. Topics have the modules' form: `<prefix>/plant/<probe>/measurements`,
so that `topic(3)` names the probe whose message it is.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.data_streams import make_data_stream
from factory_lake.conformance.identities import (
    EFFECT_SECONDS,
    Identity,
    broker,
    make_identity,
    published,
    topic,
    wait_until_served,
)
from factory_lake.conformance.mqtt import connection
from factory_lake.conformance.payloads import differences, told
from factory_lake.conformance.probe import Differs
from factory_lake.conformance.streams import BucketReader, Record, StreamReader

#: What went in before a message that has arrived has arrived as well by then, or never will.
GRACE_SECONDS = 30.0
#: The lanes' form (modules/factory_pipeline/topic_rules.tf).
PARTITION_KEY = "${timestamp()}/${topic(3)}/${newuuid()}"
_ERRORS = "errors/iot-rule/"
_ERROR_KEY = f'{_ERRORS}${{parse_time("yyyy/MM/dd", timestamp())}}/${{timestamp()}}-${{newuuid()}}.json'
ERROR_KEY = re.compile(
    rf"{_ERRORS}(\d{{4}})/(\d\d)/(\d\d)/(\d{{13}})-[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\.json"
)
_SENTINEL = b'{"sentinel":true}'


@dataclass
class Rules:
    """Two rules that have forwarded a message already.

    Attributes:
        forwarding: Name of the rule that forwards what comes on the topics of kind `plant`.
        failing: Name of the one whose action is denied, for the kind `refused`.
        publisher: May publish and subscribe to all topics of the run.
    """

    context: Context
    stream: str
    forwarding: str
    failing: str
    publisher: Identity
    _records: StreamReader = field(init=False)
    _objects: BucketReader = field(init=False)

    def __post_init__(self) -> None:
        self._records = StreamReader(self.context, self.stream)
        self._objects = BucketReader(self.context, self.context.shared(setups.bucket))

    def records(self, of: str) -> list[Record]:
        """What has arrived of a probe's messages, by its name in the partition key."""
        return [record for record in self._records.records() if f"/{of}/" in record.partition_key]

    def all_records(self) -> list[Record]:
        """What has arrived of all probes' messages."""
        return self._records.records()

    def errors(self, of: str) -> dict[str, dict[str, Any]]:
        """What the error action has written of a probe's messages: keys and documents."""
        found = {}
        for key, body in self._objects.objects(_ERRORS).items():
            document = json.loads(body)
            if f"/{of}/" in str(document.get("topic")):
                found[key] = document
        return found

    def connect(self, of: str) -> Any:
        """Connect as the publisher under a client ID of the probe's own."""
        return connection(self.context.shared(broker), self.publisher.certificate, f"{self.publisher.client_id}-{of}")

    def fate(self, of: str, payload: bytes, to: str | None = None) -> Record | None:
        """What arrives of a payload that is published.

        A message after it shows that the way is open, so that nothing means that the payload was lost.

        Args:
            of: The probe's name.
            payload: What is published.
            to: The topic; the probe's own without.

        Raises:
            CouldNotTell: The message after it does not arrive either.
        """
        own = topic(self.context, of)
        with self.connect(of) as opened:
            published(opened, to or own, payload)
            published(opened, own, _SENTINEL)

        def arrived() -> list[Record]:
            return [one for one in self.records(of) if one.data != _SENTINEL]

        self.context.until(
            lambda: any(one.data == _SENTINEL for one in self.records(of)), EFFECT_SECONDS, "a message by the rule"
        )
        return self.context.within(arrived, GRACE_SECONDS)

    def check_failure(self, of: str, payload: bytes, to: str, *topics: str) -> None:
        """Try what the error action writes of a payload whose action fails.

        Args:
            of: The probe's name.
            payload: What is published.
            to: The topic.
            topics: What the document may say of the topic.

        Raises:
            Differs: It is not what redrive and reconcile read.
            CouldNotTell: It writes nothing.
        """
        with self.connect(of) as opened:
            published(opened, to, payload)
        found = self.context.until(lambda: self.errors(of), EFFECT_SECONDS, "the error action's document")
        for key, document in found.items():
            client_id = f"{self.publisher.client_id}-{of}"
            check_error_document(key, document, payload, topics, self.failing, client_id)


def rules(context: Context) -> Rules:
    """Both rules, with their stream, roles and identity, when they work."""
    stream = make_data_stream(context, "iot")
    publisher = _publisher(context)
    stream_arn = context.arn("kinesis", f"stream/{stream}")
    forwarding, failing = context.underscored("forwarding"), context.underscored("failing")
    puts = {"Action": "kinesis:PutRecord", "Resource": stream_arn}
    make_rule(context, forwarding, "iot-rule", f"'{topic(context, '+')}'", [puts], to_kinesis(stream))
    make_rule(context, failing, "iot-fails", f"'{topic(context, '+', 'refused')}'", [], to_kinesis(stream))
    wait_until_served(context, publisher)
    made = Rules(context, stream, forwarding, failing, publisher)
    of = "warm-up"
    with made.connect(of) as opened:

        def works(kind: str, found: Callable[[str], Iterable[object]]) -> bool:
            published(opened, topic(context, of, kind), b"{}")
            return context.within(lambda: list(found(of)), 3.0) is not None

        context.until(lambda: works("plant", made.records), EFFECT_SECONDS, "the rule to forward")
        context.until(lambda: works("refused", made.errors), EFFECT_SECONDS, "the error action to write")
    return made


def _publisher(context: Context) -> Identity:
    """An identity for any client ID and topic of the run."""
    name = context.name("publisher")
    mine = [context.arn("iot", f"{kind}/{context.prefix}/*") for kind in ("topic", "topicfilter")]
    ingest = context.arn("iot", f"topic/$aws/rules/{context.underscored('*')}")
    return make_identity(
        context,
        "publisher",
        {"Action": "iot:Connect", "Resource": context.arn("iot", f"client/{name}-*")},
        {"Action": ["iot:Publish", "iot:Subscribe", "iot:Receive"], "Resource": mine},
        {"Action": "iot:Publish", "Resource": ingest},
    )


def to_kinesis(stream: str, key: str = PARTITION_KEY) -> Callable[[str], dict[str, Any]]:
    """What makes an action that puts into a data stream, of its role."""
    return lambda role: {"kinesis": {"streamName": stream, "partitionKey": key, "roleArn": role}}


def make_rule(
    context: Context,
    name: str,
    role: str,
    source: str,
    statements: Sequence[dict[str, Any]],
    action: Callable[[str], dict[str, Any]],
    select: str = "*",
) -> None:
    """A topic rule as the modules make it: one action, and an error action into the bucket.

    Args:
        context: The run.
        name: Its name.
        role: What its role is for, as in `Context.name`.
        source: What it selects from, in quotes.
        statements: What its role is allowed besides to write errors.
        action: Makes the action of the role's ARN.
        select: What it selects.
    """
    bucket = context.shared(setups.bucket)
    context.made("iot_rule", name)
    writes = {"Action": "s3:PutObject", "Resource": f"arn:{context.partition}:s3:::{bucket}/{_ERRORS}*"}
    arn = setups.make_role(
        context,
        role,
        "iot.amazonaws.com",
        *statements,
        writes,
        condition={
            "StringEquals": {"aws:SourceAccount": context.account},
            "ArnLike": {"aws:SourceArn": context.arn("iot", f"rule/{name}")},
        },
    )
    payload = {
        "sql": f"SELECT {select} FROM {source}",  # noqa: S608 - IoT's SQL, of names of our own
        "awsIotSqlVersion": "2016-03-23",
        "actions": [action(arn)],
        "errorAction": {"s3": {"bucketName": bucket, "key": _ERROR_KEY, "roleArn": arn}},
    }
    tags = "&".join(f"{key}={value}" for key, value in context.tags.items())
    setups.with_role(
        context,
        lambda: context.client("iot").create_topic_rule(ruleName=name, topicRulePayload=payload, tags=tags),
        "IoT to see the rule's role",
    )


def passes_unchanged(context: Context, of: str, payload: bytes) -> None:
    """Try that a payload passes the forwarding rule byte by byte.

    Raises:
        Differs: It arrives otherwise, or not at all.
    """
    arrived = context.shared(rules).fate(of, payload)
    if arrived is None:
        raise Differs("the message was lost: one that was sent after it arrived")
    if changed := differences(payload, arrived.data):
        raise Differs(f"the message was {told(changed)}")


def check_error_document(
    key: str, document: Mapping[str, Any], payload: bytes, topics: Sequence[str], rule: str, client_id: str
) -> None:
    """Try what the error action wrote of a payload.

    Raises:
        Differs: It is not what redrive and reconcile read.
    """
    stamped = ERROR_KEY.fullmatch(key)
    if stamped is None:
        raise Differs(f"the key is {key!r}")
    moment = datetime.fromtimestamp(int(stamped[4]) / 1000, UTC)
    if f"{moment:%Y/%m/%d}" != "/".join(stamped.group(1, 2, 3)):
        raise Differs(f"parse_time gives another day than timestamp(): {key!r}")
    if document.get("topic") not in topics:
        raise Differs(f"topic is {document.get('topic')!r}")
    original = base64.b64encode(payload).decode()
    expected = {"ruleName": rule, "clientId": client_id, "base64OriginalPayload": original}
    if wrong := sorted(name for name, value in expected.items() if document.get(name) != value):
        raise Differs(f"{', '.join(wrong)} of the error document: not the message's; keys: {sorted(document)}")
    failures = document.get("failures")
    if not isinstance(failures, list) or not failures or not {"failedAction", "errorMessage"} <= failures[0].keys():
        raise Differs(f"failures is not a list of failedAction and errorMessage: {type(failures).__name__}")
