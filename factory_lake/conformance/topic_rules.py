"""Set-ups of IoT: identities with certificates, and topic rules as the modules make them.

One data stream and one bucket serve all rules. Topics have the modules' form: `<prefix>/plant/<probe>/measurements`,
so that `topic(3)` names the probe whose message it is.
"""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.mqtt import CONNECT_PAUSE, Answer, Certificate, Connection, connection
from factory_lake.conformance.payloads import differences, told
from factory_lake.conformance.probe import CouldNotTell, Differs
from factory_lake.conformance.streams import BucketReader, Record, StreamReader
from factory_lake.gateway.csr import new_request
from factory_lake.gateway.mqtt import Version

T = TypeVar("T")

#: A rule, a role or a policy that is new takes effect within this time.
EFFECT_SECONDS = 240.0
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


@dataclass(frozen=True)
class Identity:
    """A client ID, the certificates that may use it, and what its policy allows."""

    client_id: str
    certificates: tuple[Certificate, ...]

    @property
    def certificate(self) -> Certificate:
        """The first, or only one."""
        return self.certificates[0]


def topic(context: Context, of: str, kind: str = "plant") -> str:
    """The topic of a probe's messages; those of the kind `refused` meet the rule whose action fails."""
    return f"{context.prefix}/{kind}/{of}/measurements"


def allow_publish(context: Context, *topics: str) -> dict[str, Any]:
    """A statement of a policy, as the modules write it: exact topics."""
    return {"Action": "iot:Publish", "Resource": [context.arn("iot", f"topic/{each}") for each in topics]}


def make_identity(context: Context, of: str, *statements: dict[str, Any], certificates: int = 1) -> Identity:
    """An identity as the modules make it: certificates of requests, and a policy for its own client ID.

    Args:
        context: The run.
        of: What it is for, as in `Context.name`.
        statements: What it is allowed besides to connect.
        certificates: How many it has; a rotation has two.
    """
    iot = context.client("iot")
    client_id = context.made("iot_policy", context.name(of))
    connect = {"Action": "iot:Connect", "Resource": context.arn("iot", f"client/{client_id}")}
    iot.create_policy(
        policyName=client_id, policyDocument=setups.document(connect, *statements), tags=context.tag_list
    )
    # A certificate has no name but its subject.
    context.made("iot_certificate", client_id)
    made = []
    for _ in range(certificates):
        key, request = new_request(client_id)
        answer = iot.create_certificate_from_csr(certificateSigningRequest=request.decode(), setAsActive=True)
        iot.attach_policy(policyName=client_id, target=answer["certificateArn"])
        made.append(Certificate(answer["certificateArn"], answer["certificateId"], answer["certificatePem"], key))
    return Identity(client_id, tuple(made))


def wait_until_served(context: Context, identity: Identity) -> None:
    """Return when the broker knows the identity's certificates and policy, and lets it connect.

    Raises:
        CouldNotTell: It does not.
    """
    for certificate in identity.certificates:

        def connects(certificate: Certificate = certificate) -> bool:
            with connection(context.shared(broker), certificate, identity.client_id) as opened:
                pause(context)
                return opened.is_accepted and not opened.has_ended(0)

        context.until(connects, EFFECT_SECONDS, f"the broker to let {identity.client_id} connect")


def pause(context: Context) -> None:
    """Wait until a client ID may connect again."""
    context.stop.wait(CONNECT_PAUSE)


def broker(context: Context) -> Any:
    """Where MQTT connects; one call for all probes."""
    return context.broker()


def published(opened: Connection, to: str, payload: bytes) -> None:
    """Publish what the policy allows.

    Raises:
        CouldNotTell: The broker does not acknowledge it.
    """
    answer = opened.publish(to, payload)
    if answer is not Answer.ACKNOWLEDGED:
        raise CouldNotTell(f"a publish that the policy allows is {answer.value}")


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
        return first_of(self.context, arrived, GRACE_SECONDS)

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


def first_of(context: Context, found: Callable[[], Sequence[T]], seconds: float) -> T | None:
    """The first of what is found within a time; None where there is nothing at its end.

    Raises:
        CouldNotTell: The run has not that much time left.
    """
    ends = time.monotonic() + seconds
    try:
        return context.until(found, seconds, "what may not come")[0]
    except CouldNotTell:
        if time.monotonic() < ends:
            raise
        return None


def rules(context: Context) -> Rules:
    """Both rules, with their stream, roles and identity, when they work."""
    kinesis = context.client("kinesis")
    stream = context.made("data_stream", context.name("iot"))
    kinesis.create_stream(StreamName=stream, ShardCount=1, Tags=context.tags)
    publisher = _publisher(context)
    stream_arn = context.arn("kinesis", f"stream/{stream}")
    forwarding, failing = context.underscored("forwarding"), context.underscored("failing")
    puts = {"Action": "kinesis:PutRecord", "Resource": stream_arn}
    make_rule(context, forwarding, "iot-rule", f"'{topic(context, '+')}'", [puts], _to_kinesis(stream))
    make_rule(context, failing, "iot-fails", f"'{topic(context, '+', 'refused')}'", [], _to_kinesis(stream))
    context.until(lambda: is_active(context, stream), 180, "the data stream to be ACTIVE")
    wait_until_served(context, publisher)
    made = Rules(context, stream, forwarding, failing, publisher)
    of = "warm-up"
    with made.connect(of) as opened:

        def works(kind: str, found: Callable[[str], object]) -> bool:
            published(opened, topic(context, of, kind), b"{}")
            return first_of(context, lambda: [1] if found(of) else [], 3.0) is not None

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


def is_active(context: Context, stream: str) -> bool:
    """Whether a data stream can be used."""
    summary = context.client("kinesis").describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    return str(summary["StreamStatus"]) == "ACTIVE"


def _to_kinesis(stream: str, key: str = PARTITION_KEY) -> Callable[[str], dict[str, Any]]:
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


@dataclass(frozen=True)
class Watched:
    """A client whose presence events arrive."""

    rules: Rules
    identity: Identity

    def connect(self, **asked: Any) -> Any:
        """Connect as this client, as `mqtt.connection` has it."""
        context = self.rules.context
        return connection(context.shared(broker), self.identity.certificate, self.identity.client_id, **asked)

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        """The events that have arrived, of one kind or both; they may repeat and overtake each other."""
        records = self.rules.records(self.identity.client_id)
        found = [json.loads(record.data) for record in records]
        return [event for event in found if kind in ("", event.get("eventType"))]


def watched(context: Context, of: str) -> Watched:
    """A client with a rule for its presence events, as the modules make it, when events arrive."""
    base = context.shared(rules)
    identity = make_identity(context, of, allow_publish(context, topic(context, of)))
    made = Watched(base, identity)
    puts = {"Action": "kinesis:PutRecord", "Resource": context.arn("kinesis", f"stream/{base.stream}")}
    make_rule(
        context,
        context.underscored(of),
        of,
        f"'$aws/events/presence/+/{identity.client_id}'",
        [puts],
        _to_kinesis(base.stream, "${timestamp()}/${topic(5)}/${newuuid()}"),
        "*, 'line-1' AS gateway, 'measurements' AS lane",
    )
    wait_until_served(context, identity)

    def arrives() -> bool:
        with made.connect():
            pause(context)
        return first_of(context, made.events, 5.0) is not None

    context.until(arrives, EFFECT_SECONDS, "presence events by the rule")
    return made


def now_ms() -> int:
    """Epoch ms."""
    return time.time_ns() // 1_000_000


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


def own_identity(context: Context, of: str) -> Identity:
    """An identity for a probe's own topic that the broker serves."""
    identity = make_identity(context, of, allow_publish(context, topic(context, of)))
    wait_until_served(context, identity)
    pause(context)
    return identity


def ends_connection(
    context: Context, identity: Identity, to: str, *, retain: bool = False, version: Version = "3.1.1"
) -> None:
    """Try that a publish ends the connection, on which an allowed one is acknowledged.

    Raises:
        Differs: It does not.
    """
    own = topic(context, identity.client_id.removeprefix(f"{context.prefix}-"))
    with connection(context.shared(broker), identity.certificate, identity.client_id, version=version) as opened:
        published(opened, own, b"{}")
        answer = opened.publish(to, b"{}", retain=retain)
        if answer is Answer.ACKNOWLEDGED or not opened.has_ended():
            raise Differs(f"with MQTT {version} the publish is {answer.value}, and the connection stands")
    pause(context)


def expect_reason(made: Watched, reason: str) -> None:
    """Try that an event says why a connection ended.

    Raises:
        Differs: The client's events say other reasons.
        CouldNotTell: There is none.
    """

    def reasons() -> set[str]:
        found = {str(event.get("disconnectReason")) for event in made.events("disconnected")}
        # Of those connections the set-up ended some itself.
        return found - {"CLIENT_INITIATED_DISCONNECT"}

    context = made.rules.context
    context.until(reasons, EFFECT_SECONDS, f"an event with the reason {reason}")
    if first_of(context, lambda: [1] if reason in reasons() else [], GRACE_SECONDS) is None:
        raise Differs(f"the reason is {', '.join(sorted(reasons()))}")


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
