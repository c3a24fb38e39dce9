"""The facts about a gateway's lane, asked of AWS: reads only, each bounded."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from factory_lake import query as athena
from factory_lake.clients import Clients
from factory_lake.coverage import sql
from factory_lake.coverage.evidence import Clock
from factory_lake.coverage.tables import Tables
from factory_lake.coverage.times import instant_ms
from factory_lake.doctor.facts import (
    WINDOW_MS,
    Arrivals,
    Certificate,
    Connection,
    Count,
    Counts,
    Delivery,
    Gateway,
    LogEntry,
    Refusal,
    Rule,
    RuleFailure,
)
from factory_lake.doctor.gathering import Deadline, asked, code_of, gather, within
from factory_lake.doctor.model import Known, Unknown
from factory_lake.doctor.watching import Endpoint, Event, watch
from factory_lake.gateway.identities import Source
from factory_lake.lake import Lake, mapping_at, output_at, owner_of
from factory_lake.reconcile.stored import ERROR_ACTION

# What of the time is left to the questions that other answers bring up.
_LATE_SECONDS = 5.0
# Until the doctor hears presence events: its connection, its subscription, and a moment to spare.
_TO_LISTEN_SECONDS = 16.0
LOG_GROUP = "AWSIotLogsV2"
#: Namespace of the functions' own metrics, unless a lake has another.
METRICS = "FactoryLake"
LOGS_OFF = (
    "AWS IoT's own log is off; it would name each refused packet with its client ID and topic "
    "(docs/gateways.md#aws-iots-own-log)"
)
_PERIOD = 60
_LATEST_EVENTS = 200
# By how many days a clock may be behind to be seen; one ahead by more than a day is refused.
_CLOCK_DAYS = 7
_LOG_PAGES = 20
_FOREIGN = 3
_REJECTED = '"record rejected"'
_BROKER = (
    *("Connect.AuthError", "Connect.ClientError", "Connect.ClientIDThrottle", "Connect.Throttle"),
    *("Connection.AuthNError", "PublishIn.AuthError", "PublishIn.ClientError", "PublishIn.Throttle"),
    *("PublishRetained.AuthError", "Subscribe.AuthError"),
)
#: Metrics of the lane: name, namespace, dimension and statistic.
_LANE = (
    ("IncomingRecords", "AWS/Kinesis", "StreamName", "Sum"),
    ("DataReadFromKinesisStream.Records", "AWS/Firehose", "DeliveryStreamName", "Sum"),
    ("KinesisMillisBehindLatest", "AWS/Firehose", "DeliveryStreamName", "Maximum"),
    ("DeliveryToS3.DataFreshness", "AWS/Firehose", "DeliveryStreamName", "Maximum"),
    ("DeliveryToS3.Success", "AWS/Firehose", "DeliveryStreamName", "Average"),
    ("Invocations", "AWS/Lambda", "FunctionName", "Sum"),
    ("Errors", "AWS/Lambda", "FunctionName", "Sum"),
    ("Throttles", "AWS/Lambda", "FunctionName", "Sum"),
)


@dataclass(frozen=True)
class Names:
    """What a lane's parts are called."""

    source: Source
    arn: str
    basic_ingest_topic: str
    rule: str
    bucket: str
    stream: str
    delivery_stream: str
    function: str
    workgroup: str
    database: str
    lake_certificates: frozenset[str]

    @classmethod
    def of(cls, lake: Lake, region: str, source: Source) -> "Names":
        """Read the lake's outputs.

        Raises:
            LakeError: When one is missing.
        """
        factory, lane, outputs = source.factory, source.lane, lake.outputs
        entry = ("gateways", factory, source.gateway, lane)
        # An older lake has no such output; a rule's name has always followed from the lake's.
        rule = f"{output_at(outputs, 'athena', 'workgroup')}__{factory}__{lane}".replace("-", "_")
        topic = str(mapping_at(outputs, *entry).get("basic_ingest_topic") or f"$aws/rules/{rule}/{source.topic}")
        partition, account = owner_of(outputs, factory, lane)
        pems = output_at(outputs, *entry, "certificate_pems")
        return cls(
            source=source,
            arn=f"arn:{partition}:iot:{region}:{account}",
            basic_ingest_topic=topic,
            rule=topic.removeprefix("$aws/rules/").partition("/")[0],
            bucket=str(output_at(outputs, "buckets", lane)),
            stream=str(output_at(outputs, "data_streams", factory, lane)),
            delivery_stream=str(output_at(outputs, "delivery_streams", factory, lane)),
            function=str(output_at(outputs, "transform_functions", factory, lane)),
            workgroup=str(output_at(outputs, "athena", "workgroup")),
            database=str(output_at(outputs, "athena", "database")),
            lake_certificates=frozenset(map(certificate_id, pems.values())),
        )


def certificate_id(pem: str) -> str:
    """The ID that AWS IoT gives a certificate: the SHA-256 of its DER form."""
    return hashlib.sha256(x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)).hexdigest()


class Collector:
    """Collects the facts about some lanes of a lake."""

    def __init__(
        self,
        lake: Lake,
        clients: Clients,
        watch_seconds: float,
        deadline: Deadline,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._lake = lake
        self._clients = clients
        self._deadline = deadline
        self._watch_seconds = watch_seconds
        self._now_ms = now_ms

    def collect(self, sources: Sequence[Source]) -> dict[Source, Gateway]:
        """Ask everything about every lane, side by side.

        Raises:
            LakeError: When an output is missing.
            AwsError: When AWS cannot be reached at all.
        """
        iot = self._clients.client("iot")
        region = self._clients.region or ""
        names = {source: Names.of(self._lake, region, source) for source in sources}
        # The first call is made alone: without credentials or a network nothing else has an answer either.
        first = within(self._deadline, "AWS IoT's answer", lambda: asked_first(iot, sources[0].client_id))
        early = self._deadline.sooner(_LATE_SECONDS)
        # Who listens for too long has no answer at all.
        self._watch_seconds = min(self._watch_seconds, max(0.0, early.left - _TO_LISTEN_SECONDS))
        questions: dict[str, Callable[[], Any]] = {"events": lambda: self._watch(sources), "broker": self._broker}
        for source in sources:
            for fact, question in self._questions(names[source]).items():
                questions[f"{source} {fact}"] = question
        answers = gather(questions, early)
        return {source: self._facts(names[source], answers, first) for source in sources}

    def _questions(self, names: Names) -> dict[str, Callable[[], Any]]:
        client = self._clients.client
        iot, source = client("iot"), names.source
        return {
            "thing": lambda: thing_of(iot, source.client_id),
            "certificates": lambda: certificates_of(iot, names.arn, source.client_id, names.lake_certificates),
            "policy": lambda: policy_of(iot, source.client_id),
            "connection": lambda: connection_of(client("iot-data"), source.client_id),
            "rule": lambda: rule_of(iot, names.rule),
            "rule_counts": lambda: self._rule_counts(names.rule),
            "rule_failure": lambda: rule_failure_of(client("s3"), names, self._now_ms()),
            "delivery": lambda: self._delivery(names),
            "refusals": lambda: refusals_of(client("logs"), names, self._now_ms() - WINDOW_MS),
            "arrivals": lambda: arrivals_of(client("athena"), names, self._now_ms()),
            "clocks": lambda: clocks_of(client("athena"), names, self._now_ms()),
            "history": lambda: history_of(client("athena"), client("glue"), names, self._now_ms()),
            "log": lambda: log_of(client("logs"), names, self._now_ms() - WINDOW_MS),
        }

    def _facts(self, names: Names, answers: Mapping[str, Any], first: Known[bool]) -> Gateway:
        source = names.source
        own = {name.rpartition(" ")[2]: value for name, value in answers.items() if name.startswith(f"{source} ")}
        if isinstance(own["thing"], Unknown):
            own["thing"] = first
        if isinstance(own["delivery"], Unknown):
            unknown = own["delivery"]
            own["delivery"] = Delivery(unknown, unknown, unknown, counts=unknown)
        events = answers["events"]
        facts = Gateway(
            source=source,
            now_ms=self._now_ms(),
            topics=(source.topic, names.basic_ingest_topic),
            arn=names.arn,
            rule_name=names.rule,
            lake_certificates=names.lake_certificates,
            events=(
                events
                if isinstance(events, Unknown)
                else tuple(one for one in events if one.client_id == source.client_id)
            ),
            watched_seconds=0 if isinstance(events, Unknown) else self._watch_seconds,
            broker=answers["broker"],
            **own,
        )
        return replace(facts, foreign=self._foreign(facts))

    def _foreign(self, facts: Gateway) -> dict[str, Known[str]]:
        """The things of certificates that are not the client's own; empty where one has none."""
        if isinstance(facts.certificates, Unknown):
            return {}
        own = {one.certificate_id for one in facts.certificates}
        others = {one.principal for one in facts.presence if re.fullmatch("[0-9a-f]{64}", one.principal)} - own
        iot = self._clients.client("iot")
        found = gather(
            {each: partial(things_of, iot, f"{facts.arn}:cert/{each}") for each in sorted(others)[:_FOREIGN]},
            self._deadline,
        )
        return {
            each: things if isinstance(things, Unknown) else next(iter(things), "") for each, things in found.items()
        }

    def _watch(self, sources: Sequence[Source]) -> Known[tuple[Event, ...]]:
        if not self._watch_seconds:
            return Unknown("the doctor did not listen to presence events (--watch 0)")
        host = str(output_at(self._lake.outputs, "iot_endpoint"))
        local = self._lake.local
        address = f"wss://{host}" if local is None else re.sub("^http", "ws", local.endpoint)
        credentials = self._clients.credentials()
        endpoint = Endpoint(host, address, self._clients.region or "")
        return watch(endpoint, credentials, [source.client_id for source in sources], self._watch_seconds)

    def _broker(self) -> Counts:
        return self._counts([(name, "AWS/IoT", {"Protocol": "MQTT"}, "Sum") for name in _BROKER])

    def _rule_counts(self, rule: str) -> Counts:
        """A rule's metrics; the values of ActionType are not documented, so CloudWatch lists them."""
        listed = self._clients.client("cloudwatch").list_metrics(
            Namespace="AWS/IoT", Dimensions=[{"Name": "RuleName", "Value": rule}]
        )["Metrics"]
        wanted = [
            (str(one["MetricName"]), "AWS/IoT", {each["Name"]: each["Value"] for each in one["Dimensions"]}, "Sum")
            for one in listed
        ]
        return self._counts(wanted) if wanted else {}

    def _delivery(self, names: Names) -> Delivery:
        client = self._clients.client
        resources = {
            "StreamName": names.stream,
            "DeliveryStreamName": names.delivery_stream,
            "FunctionName": names.function,
        }
        own = {"Factory": names.source.factory, "Lane": names.source.lane}
        counts = asked(
            lambda: self._counts(
                [
                    *((name, namespace, {key: resources[key]}, stat) for name, namespace, key, stat in _LANE),
                    *((name, METRICS, own, "Sum") for name in ("SamplesReceived", "SamplesRejected")),
                ]
            )
        )
        described = asked(lambda: _there(lambda: described_delivery(client("firehose"), names.delivery_stream)))
        seconds = Delivery.interval_seconds
        status: Known[str] = described if isinstance(described, Unknown) else ""
        if isinstance(described, tuple):
            status, seconds = described
        return Delivery(
            stream=asked(
                lambda: (
                    _there(
                        lambda: client("kinesis").describe_stream_summary(StreamName=names.stream)[
                            "StreamDescriptionSummary"
                        ]["StreamStatus"]
                    )
                    or ""
                )
            ),
            delivery_stream=status,
            function=asked(
                lambda: (
                    _there(
                        lambda: (
                            client("lambda")
                            .get_function_configuration(FunctionName=names.function)
                            .get("State", "Active")
                        )
                    )
                    or ""
                )
            ),
            interval_seconds=seconds,
            counts=counts,
        )

    def _counts(self, wanted: Sequence[tuple[str, str, Mapping[str, str], str]]) -> Counts:
        """Metrics of the window by minute; those of one name are added up."""
        now = datetime.fromtimestamp(self._now_ms() / 1000, UTC)
        pages = (
            self._clients.client("cloudwatch")
            .get_paginator("get_metric_data")
            .paginate(
                MetricDataQueries=[
                    {
                        "Id": f"m{at}",
                        "MetricStat": {
                            "Metric": {
                                "Namespace": namespace,
                                "MetricName": name,
                                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                            },
                            "Period": _PERIOD,
                            "Stat": stat,
                        },
                    }
                    for at, (name, namespace, dimensions, stat) in enumerate(wanted)
                ],
                StartTime=now - timedelta(milliseconds=WINDOW_MS),
                EndTime=now + timedelta(seconds=_PERIOD),
            )
        )
        found: dict[str, list[tuple[int, float]]] = {}
        for page in pages:
            for result in page["MetricDataResults"]:
                name = wanted[int(result["Id"][1:])][0]
                points = zip(result["Timestamps"], result["Values"], strict=True)
                found.setdefault(name, []).extend((instant_ms(at), value) for at, value in points)
        return {name: Count(tuple(sorted(points))) for name, points in found.items() if points}


def asked_first(iot: Any, name: str) -> Known[bool]:
    """Whether a thing is there, unless AWS cannot be reached.

    Raises:
        botocore.exceptions.BotoCoreError: There are no credentials, or no answer.
        botocore.exceptions.ClientError: The credentials are not good.
    """
    try:
        return thing_of(iot, name)
    except ClientError as error:
        if code_of(error) in ("UnrecognizedClientException", "InvalidClientTokenId", "ExpiredTokenException"):
            raise
        return Unknown(f"{error.operation_name} is not allowed")


def thing_of(iot: Any, name: str) -> bool:
    """Whether a thing is there."""
    return _there(lambda: iot.describe_thing(thingName=name)) is not None


def certificates_of(iot: Any, arn: str, name: str, lake_certificates: Iterable[str]) -> tuple[Certificate, ...]:
    """The certificates that the lake made for a client, and those that are attached to its thing.

    AWS IoT asks for no thing when a client connects: a certificate of the lake's counts without one.
    """
    principals = _there(lambda: iot.list_thing_principals(thingName=name)["principals"]) or []
    attached = {str(one).rpartition("/")[2] for one in principals if ":cert/" in str(one)}
    found = (_certificate(iot, arn, one) for one in sorted(attached | set(lake_certificates)))
    return tuple(one for one in found if one is not None)


def _certificate(iot: Any, arn: str, name: str) -> Certificate | None:
    described = _there(lambda: iot.describe_certificate(certificateId=name)["certificateDescription"])
    if described is None:
        return None
    read = x509.load_pem_x509_certificate(described["certificatePem"].encode())
    attached = asked(lambda: iot.list_attached_policies(target=f"{arn}:cert/{name}")["policies"])
    return Certificate(
        certificate_id=name,
        status=str(described["status"]),
        policies=attached if isinstance(attached, Unknown) else tuple(str(one["policyName"]) for one in attached),
        not_before_ms=instant_ms(read.not_valid_before_utc),
        not_after_ms=instant_ms(read.not_valid_after_utc),
    )


def things_of(iot: Any, arn: str) -> list[str]:
    """The things that a certificate is attached to."""
    return [str(one) for one in _there(lambda: iot.list_principal_things(principal=arn)["things"]) or []]


def policy_of(iot: Any, name: str) -> str | None:
    """A policy's document that is in force."""
    found = _there(lambda: iot.get_policy(policyName=name))
    return None if found is None else str(found["policyDocument"])


def connection_of(data: Any, client_id: str) -> Connection | None:
    """What AWS IoT knows of a client's connection, within 30 minutes of its end."""
    found = _there(lambda: data.get_connection(clientId=client_id, includeSocketInformation=True))
    if found is None:
        return None
    connected = bool(found.get("connected"))
    return Connection(
        connected=connected,
        since_ms=found.get("connectedSince" if connected else "disconnectedSince"),
        reason=str(found.get("disconnectReason") or ""),
        clean_session=found.get("cleanSession"),
        keep_alive=found.get("keepAliveDuration"),
        ip=str(found.get("sourceIp") or ""),
    )


def rule_of(iot: Any, name: str) -> Rule | None:
    """A topic rule. AWS IoT denies the sight of one that is not there."""
    try:
        found = _there(lambda: iot.get_topic_rule(ruleName=name))
    except ClientError as error:
        if code_of(error) != "UnauthorizedException":
            raise
        found = None
    if found is None:
        return None
    rule = found["rule"]
    streams = tuple(str(one["kinesis"]["streamName"]) for one in rule.get("actions", []) if "kinesis" in one)
    return Rule(not rule.get("ruleDisabled"), str(rule.get("sql", "")), streams)


def rule_failure_of(s3: Any, names: Names, now_ms: int) -> RuleFailure | None:
    """The newest document of the rule's error action, of today: its keys begin with the time."""
    source, today = names.source, datetime.fromtimestamp(now_ms / 1000, UTC)
    prefix = f"errors/factory={source.factory}/{source.lane}/{ERROR_ACTION}/{today:%Y/%m/%d}/"
    listed = s3.list_objects_v2(Bucket=names.bucket, Prefix=prefix, StartAfter=f"{prefix}{now_ms - WINDOW_MS}")
    keys = [str(one["Key"]) for one in listed.get("Contents", [])]
    if not keys:
        return None
    document = json.loads(s3.get_object(Bucket=names.bucket, Key=keys[-1])["Body"].read())
    failures = document.get("failures") or [{}]
    stamp = keys[-1].rpartition("/")[2].partition("-")[0]
    return RuleFailure(
        at_ms=int(stamp) if stamp.isdecimal() else now_ms,
        client_id=str(document.get("clientId") or ""),
        reason=str(failures[0].get("errorMessage") or ""),
        key=keys[-1],
    )


def described_delivery(firehose: Any, name: str) -> tuple[str, int]:
    """A delivery stream's status and its buffer interval in seconds."""
    described = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    hints = described["Destinations"][0]["ExtendedS3DestinationDescription"]["BufferingHints"]
    return str(described["DeliveryStreamStatus"]), int(hints["IntervalInSeconds"])


def refusals_of(logs: Any, names: Names, from_ms: int) -> tuple[Refusal, ...]:
    """What the transform refused of the gateway, by its log."""
    found = []
    for event in _log_events(logs, f"/aws/lambda/{names.function}", _REJECTED, from_ms):
        line = _document(event["message"])
        if line.get("message") == "record rejected" and line.get("gateway") == names.source.gateway:
            received = int(line.get("received_at") or event["timestamp"])
            found.append(Refusal(received, str(line.get("rule")), str(line.get("field") or "")))
    return tuple(found)


def log_of(logs: Any, names: Names, from_ms: int) -> Known[tuple[LogEntry, ...]]:
    """What AWS IoT's own log says of the client or its certificates."""
    wanted = [names.source.client_id, *sorted(names.lake_certificates)]
    pattern = " ".join(f'?"{one}"' for one in wanted)
    try:
        events = list(_log_events(logs, LOG_GROUP, pattern, from_ms))
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return Unknown(LOGS_OFF)
        raise
    return tuple(
        LogEntry(
            at_ms=int(event["timestamp"]),
            event=str(entry.get("eventType", "")),
            status=str(entry.get("status", "")),
            reason=str(entry.get("reason") or entry.get("disconnectReason") or ""),
            client_id=str(entry.get("clientId", "")),
            topic=str(entry.get("topicName", "")),
        )
        for event in events
        if (entry := _document(event["message"])).get("eventType")
    )


def arrivals_of(client: Any, names: Names, now_ms: int) -> Arrivals:
    """What of the gateway is in the table, of today and yesterday."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    days = [today, today - timedelta(days=1)]
    received = (
        "CAST(to_unixtime(received_at) * 1000 AS bigint)"
        if names.source.lane == "measurements"
        else "TRY_CAST(received_at_ms AS bigint)"
    )
    within = " OR ".join(f"(year = {day.year} AND month = {day.month} AND day = {day.day})" for day in days)
    sql = (
        f"SELECT count_if({received} >= {now_ms - WINDOW_MS}), max({received}) FROM {names.source.lane} "  # noqa: S608
        f"WHERE factory = '{names.source.factory}' AND gateway = '{names.source.gateway}' AND ({within})"
    )
    ((rows, last),) = athena.run(client, sql, names.workgroup, names.database).rows
    return Arrivals(int(str(rows)), None if last is None else int(str(last)), len(days))


def clocks_of(client: Any, names: Names, now_ms: int) -> tuple[Clock, ...]:
    """When the gateway's clock was off, by the times that its samples say and those of their arrival."""
    if names.source.lane != "measurements":
        return ()
    window = sql.Window(names.source.factory, *sql.days_between(now_ms - WINDOW_MS, now_ms, _CLOCK_DAYS, 1))
    tables = Tables(client, names.workgroup, names.database)
    return tuple(
        tables.clocks(window, now_ms - WINDOW_MS, now_ms, [names.source.gateway]).get(names.source.gateway, ())
    )


def history_of(client: Any, glue: Any, names: Names, now_ms: int) -> Known[tuple[Event, ...]]:
    """The client's presence events of the table `connections`; a lake of before it has none."""
    if _there(lambda: glue.get_table(DatabaseName=names.database, Name="connections")) is None:
        return Unknown("the lake has no table connections")
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    days = [today, today - timedelta(days=1)]
    within = " OR ".join(f"(year = {day.year} AND month = {day.month} AND day = {day.day})" for day in days)
    sql = (
        "SELECT CAST(to_unixtime(ts) * 1000 AS bigint), event, reason, ip_address, session, version "  # noqa: S608
        f"FROM connections WHERE factory = '{names.source.factory}' AND client_id = '{names.source.client_id}' "
        f"AND ({within}) ORDER BY ts DESC LIMIT {_LATEST_EVENTS}"
    )
    rows = athena.run(client, sql, names.workgroup, names.database).rows
    return tuple(
        Event(
            kind=str(kind),
            at_ms=int(str(at_ms)),
            client_id=names.source.client_id,
            reason=str(reason or ""),
            ip=str(ip or ""),
            session=str(session or ""),
            version=int(str(version or 0)),
        )
        for at_ms, kind, reason, ip, session, version in rows
    )


def _log_events(logs: Any, group: str, pattern: str, from_ms: int) -> Iterable[Mapping[str, Any]]:
    """Log events of the last pages that a bounded reading allows."""
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=from_ms, filterPattern=pattern, PaginationConfig={"MaxItems": 10_000}
    )
    for number, page in enumerate(pages):
        yield from page["events"]
        if number + 1 >= _LOG_PAGES:
            return


def _document(message: str) -> Mapping[str, Any]:
    try:
        document = json.loads(message[message.find("{") :])
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _there(question: Callable[[], Any]) -> Any:
    """The answer; None where AWS knows no such thing."""
    try:
        return question()
    except ClientError as error:
        if code_of(error) in ("ResourceNotFoundException", "EntityNotFoundException"):
            return None
        raise
