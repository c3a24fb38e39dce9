"""What each check makes of the facts: one healthy gateway, and what is changed of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from factory_lake.coverage.evidence import Clock
from factory_lake.doctor.facts import (
    Arrivals,
    Certificate,
    Connection,
    Count,
    Delivery,
    Gateway,
    LogEntry,
    Refusal,
    Rule,
    RuleFailure,
)
from factory_lake.doctor.gateway_checks import CHECKS, allows, diagnose, in_words
from factory_lake.doctor.model import CANNOT_TELL, CAUSE, OK, Diagnosis, Unknown
from factory_lake.doctor.watching import Event
from factory_lake.gateway.identities import Source
from factory_lake.module_interface import REPOSITORY
from tests.unit.docs.pages import anchors

MINUTE = 60_000
NOW = 1_772_600_000_000
SOURCE = Source("krakow", "line-1", "measurements")
ARN = "arn:aws:iot:eu-central-1:123456789012"
RULE = "lake__krakow__measurements"
TOPICS = (SOURCE.topic, f"$aws/rules/{RULE}/{SOURCE.topic}")
OWN, OTHER = "a" * 64, "b" * 64
DENIED = Unknown("DescribeThing is not allowed")


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


POLICY = document(
    {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"{ARN}:client/{SOURCE.client_id}"},
    {"Effect": "Allow", "Action": "iot:Publish", "Resource": [f"{ARN}:topic/{topic}" for topic in TOPICS]},
)
CERTIFICATE = Certificate(OWN, "ACTIVE", (SOURCE.client_id,), NOW - 1000 * MINUTE, NOW + 1000 * MINUTE)
HEALTHY = Gateway(
    source=SOURCE,
    now_ms=NOW,
    topics=TOPICS,
    arn=ARN,
    rule_name=RULE,
    thing=True,
    certificates=(CERTIFICATE,),
    lake_certificates=frozenset({OWN}),
    policy=POLICY,
    events=(),
    watched_seconds=20,
    history=Unknown("the lake has no table connections"),
    connection=Connection(connected=True, since_ms=NOW - 600 * MINUTE, clean_session=False, keep_alive=60),
    broker={},
    rule=Rule(enabled=True, sql="SELECT * FROM 'factories/krakow/+/measurements'", streams=("lake",)),
    rule_counts={"Success": Count(((NOW - MINUTE, 5.0),))},
    rule_failure=None,
    delivery=Delivery("ACTIVE", "ACTIVE", "Active", 300, {}),
    refusals=(),
    arrivals=Arrivals(100, NOW - 5 * MINUTE, 2),
    log=Unknown("AWS IoT's own log is off"),
    clocks=(),
)
SILENT = replace(HEALTHY, arrivals=Arrivals(0, None, 2), connection=None)


def recent(value: float = 3.0, ago: int = 2) -> Count:
    return Count(((NOW - ago * MINUTE, value),))


def ended(
    reason: str, ago: int = 1, *, ip: str = "192.0.2.1", kind: str = "disconnected", principal: str = OWN
) -> Event:
    at_ms = NOW - ago * MINUTE
    return Event(kind, at_ms, SOURCE.client_id, reason, principal, ip, session=f"{reason}{ago}{ip}")


def causes(facts: Gateway) -> list[str]:
    return [one.check for one in Diagnosis("it", diagnose(facts)).causes]


def sentence(facts: Gateway, check: str) -> str:
    return next(one.sentence for one in diagnose(facts) if one.check == check)


def test_a_healthy_gateway() -> None:
    assert {one.verdict for one in diagnose(HEALTHY)} == {OK}


def test_every_check_names_itself_and_a_heading_of_the_page() -> None:
    found = diagnose(HEALTHY)
    assert len({one.check for one in found}) == len(CHECKS)
    page = anchors(REPOSITORY / "docs" / "gateways.md")
    assert [one.mend for one in found if one.mend.partition("#")[2] not in page] == []


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        pytest.param({"thing": False}, "client", "knows no thing", id="no thing"),
        pytest.param({"certificates": ()}, "certificate", "has no certificate", id="no certificate"),
        pytest.param(
            {"certificates": (replace(CERTIFICATE, status="INACTIVE"),)}, "certificate", "inactive", id="inactive"
        ),
        pytest.param(
            {"certificates": (replace(CERTIFICATE, status="REVOKED"),)}, "certificate", "revoked", id="revoked"
        ),
        pytest.param(
            {"certificates": (replace(CERTIFICATE, not_after_ms=NOW),)}, "certificate", "has expired", id="expired"
        ),
        pytest.param(
            {"certificates": (replace(CERTIFICATE, not_before_ms=NOW + 1),)},
            "certificate",
            "not valid yet",
            id="not valid yet",
        ),
        pytest.param(
            {
                "connection": None,
                "events": (ended("AUTHORIZATION_FAILED", kind="connect_failed", principal=OTHER),),
                "foreign": {OTHER: "krakow-line-2-measurements"},
            },
            "certificate",
            "that of krakow-line-2-measurements",
            id="certificate of another client",
        ),
        pytest.param({"policy": None}, "policy", "has no policy", id="no policy"),
        pytest.param(
            {"certificates": (replace(CERTIFICATE, policies=("other",)),)}, "policy", "not attached", id="detached"
        ),
        pytest.param(
            {"policy": POLICY.replace(SOURCE.client_id, "other")}, "policy", "iot:Connect", id="another client"
        ),
        pytest.param({"policy": POLICY.replace(TOPICS[0], "x")}, "policy", "iot:Publish", id="another topic"),
        pytest.param({"policy": "no JSON"}, "policy", "iot:Connect", id="a policy that is none"),
        pytest.param(
            {"connection": None, "events": (ended("DUPLICATE_CLIENTID", 1), ended("DUPLICATE_CLIENTID", 2, ip="::1"))},
            "duplicate",
            "from 192.0.2.1 and ::1",
            id="connected twice",
        ),
        pytest.param(
            {"connection": None, "events": (ended("AUTHORIZATION_FAILED", kind="connect_failed"),)},
            "last-will",
            "last will",
            id="last will",
        ),
        pytest.param(
            {
                "connection": None,
                "events": (ended("AUTH_ERROR"),),
                "broker": {"PublishRetained.AuthError": recent(ago=1), "PublishIn.AuthError": recent(ago=9)},
            },
            "retain",
            "retain on",
            id="retained, and something else before",
        ),
        pytest.param(
            {"connection": None, "events": (ended("FORBIDDEN_ACCESS"),), "broker": {"PublishIn.AuthError": recent()}},
            "topic",
            "another topic",
            id="wrong topic",
        ),
        pytest.param(
            {
                "connection": Connection(connected=False, since_ms=NOW - MINUTE, reason="CLIENT_ERROR"),
                "broker": {"PublishIn.ClientError": recent()},
            },
            "packet",
            "128 KB",
            id="a payload that is too large, by the connection that ended last",
        ),
        pytest.param(
            {"connection": None, "events": (ended("CLIENT_ERROR"),), "broker": {"Subscribe.AuthError": recent()}},
            "subscription",
            "subscribes",
            id="subscription",
        ),
        pytest.param(
            {"log": (LogEntry(NOW - MINUTE, "Publish-In", "Failure", "", SOURCE.client_id, "a/b"),)},
            "topic",
            "publishes to a/b",
            id="wrong topic, by AWS IoT's log",
        ),
        pytest.param(
            {"log": (LogEntry(NOW - MINUTE, "Connect", "Failure", "", "gateway-1"),)},
            "client-id",
            "client ID gateway-1",
            id="wrong client ID, by AWS IoT's log",
        ),
        pytest.param(
            {"events": (ended("THROTTLED"),), "connection": None}, "throttled", "throttles it", id="throttled"
        ),
        pytest.param(
            {"rule_counts": {"RuleMessageThrottled": recent()}}, "throttled", "topic rule", id="rule throttled"
        ),
        pytest.param(
            {"events": (ended("MQTT_KEEP_ALIVE_TIMEOUT"),), "connection": None},
            "keep-alive",
            "sign of life",
            id="keep-alive",
        ),
        pytest.param({"rule": None}, "rule", "is not there", id="no rule"),
        pytest.param({"rule": Rule(False, "", ())}, "rule", "is disabled", id="rule disabled"),
        pytest.param(
            {"rule": Rule(True, "SELECT * FROM 'factories/lyon/+/measurements'", ())},
            "rule",
            "factories/lyon",
            id="a rule of another topic",
        ),
        pytest.param(
            {
                "rule_counts": {"Failure": recent(), "ErrorActionFailure": recent()},
                "rule_failure": RuleFailure(NOW, "x", "the error (Status Code: 400; Error Code: AccessDenied)", "k"),
            },
            "rule",
            "AccessDenied",
            id="rule denied",
        ),
        pytest.param(
            {
                "rule_counts": {"Failure": recent()},
                "delivery": Delivery("", "ACTIVE", "Active", 300, {}),
            },
            "delivery",
            "data stream is not there",
            id="no data stream",
        ),
        pytest.param(
            {"delivery": Delivery("ACTIVE", "", "Active", 300, {})}, "delivery", "not there", id="no delivery stream"
        ),
        pytest.param(
            {"delivery": Delivery("ACTIVE", "ACTIVE", "Failed", 300, {})}, "delivery", "failed", id="function failed"
        ),
        pytest.param(
            {"delivery": Delivery("ACTIVE", "ACTIVE", "Active", 300, {"Invocations": recent(4), "Errors": recent(4)})},
            "delivery",
            "fails",
            id="transform fails",
        ),
        pytest.param(
            {
                "delivery": Delivery(
                    "ACTIVE", "ACTIVE", "Active", 300, {"KinesisMillisBehindLatest": recent(1_000_000.0)}
                )
            },
            "delivery",
            "behind",
            id="delivery behind",
        ),
        pytest.param(
            {"delivery": Delivery("ACTIVE", "ACTIVE", "Active", 300, {"DeliveryToS3.Success": recent(0.0)})},
            "delivery",
            "cannot write",
            id="no put succeeds",
        ),
        pytest.param(
            {"delivery": Delivery("ACTIVE", "ACTIVE", "Active", 300, {"IncomingRecords": recent(5.0, 7)})},
            "delivery",
            "Nobody reads",
            id="nobody reads",
        ),
        pytest.param(
            {"arrivals": Arrivals(0, None, 2), "refusals": (Refusal(NOW - 20 * MINUTE, "TIMESTAMP_TOO_OLD"),)},
            "clock",
            "TIMESTAMP_TOO_OLD",
            id="clock",
        ),
        pytest.param(
            {"refusals": tuple(Refusal(NOW - 20 * MINUTE, "NOT_JSON") for _ in range(100))},
            "refused",
            "NOT_JSON",
            id="as much refused as taken",
        ),
        pytest.param(
            {
                "refusals": (Refusal(NOW - MINUTE, "NOT_JSON"),),
                "delivery": Delivery(
                    "ACTIVE", "ACTIVE", "Active", 300, {"SamplesReceived": recent(9), "SamplesRejected": recent(8)}
                ),
            },
            "refused",
            "NOT_JSON",
            id="most is refused now",
        ),
    ],
)
def test_a_cause(changes: dict[str, Any], check: str, words: str) -> None:
    facts = replace(HEALTHY, **changes)
    assert causes(facts) == [check]
    assert words in sentence(facts, check)
    assert next(one.evidence for one in diagnose(facts) if one.check == check)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"refusals": (Refusal(NOW - 20 * MINUTE, "NOT_JSON"),)}, "took 100 samples"),
        # It may be that others were taken, and wait.
        ({"refusals": tuple(Refusal(NOW - MINUTE, "NOT_JSON") for _ in range(200))}, "refused 200"),
        ({"events": (ended("DUPLICATE_CLIENTID"),)}, ""),
        (
            {
                "connection": Connection(connected=True, since_ms=NOW - 3 * MINUTE + 1),
                "events": tuple(ended("DUPLICATE_CLIENTID", ago) for ago in (3, 4, 5)),
            },
            "",
        ),
        ({"rule_counts": {"Failure": recent(ago=5), "Success": recent(ago=1)}}, ""),
        (
            {"delivery": Delivery("ACTIVE", "ACTIVE", "Active", 300, {"Invocations": recent(9), "Errors": recent(1)})},
            "",
        ),
        ({"broker": {"PublishIn.AuthError": recent(ago=40)}}, ""),
        ({"certificates": (CERTIFICATE, replace(CERTIFICATE, certificate_id=OTHER, status="INACTIVE"))}, ""),
    ],
    ids=[
        "a few are refused",
        "many are refused, and nothing says yet how many are taken",
        "one restart",
        "takeovers of before the connection that stands",
        "a rule that works again",
        "a call in nine fails",
        "refused a while ago",
        "a rotation",
    ],
)
def test_no_cause(changes: dict[str, Any], words: str) -> None:
    facts = replace(HEALTHY, **changes)
    assert causes(facts) == []
    assert any(words in one.sentence for one in diagnose(facts))


@pytest.mark.parametrize(
    ("metric", "check"),
    [("PublishIn.AuthError", "topic"), ("PublishRetained.AuthError", "retain"), ("Connect.AuthError", "client-id")],
)
def test_what_the_account_counts_is_a_guess(metric: str, check: str) -> None:
    """Only of a gateway that is silent; of one whose messages arrive it says nothing."""
    guess = replace(SILENT, broker={metric: recent()})
    assert causes(guess) == [check]
    assert sentence(guess, check).startswith("Most likely")
    assert causes(replace(HEALTHY, broker={metric: recent()})) == []
    certain = replace(guess, rule=Rule(False, "", ()))
    assert causes(certain) == ["rule"]


def test_what_a_broken_policy_explains_is_no_second_cause() -> None:
    facts = replace(
        HEALTHY,
        connection=None,
        policy=POLICY.replace(TOPICS[0], "x"),
        events=(ended("AUTH_ERROR"),),
        broker={"PublishIn.AuthError": recent()},
    )
    assert causes(facts) == ["policy"]
    assert sentence(facts, "topic").endswith("Another cause explains it: policy.")


def test_a_gateway_that_is_off() -> None:
    assert causes(SILENT) == ["connection"]
    gone = replace(SILENT, connection=Connection(connected=False, since_ms=NOW - MINUTE, reason="CONNECTION_LOST"))
    assert causes(gone) == ["connection"]
    assert causes(replace(HEALTHY, connection=None)) == []


def test_a_clean_session_is_a_cause_where_connections_are_lost() -> None:
    facts = replace(HEALTHY, connection=Connection(connected=True, since_ms=NOW, clean_session=True))
    assert causes(facts) == []
    lost = (ended("CONNECTION_LOST", 1), ended("CONNECTION_LOST", 2))
    assert causes(replace(facts, events=lost)) == ["session"]


def test_what_is_unknown_is_no_cause_and_names_why() -> None:
    facts = Gateway(source=SOURCE, now_ms=NOW, topics=TOPICS, arn=ARN, rule_name=RULE, thing=DENIED)
    found = diagnose(facts)
    assert CAUSE not in {one.verdict for one in found}
    assert {one.check for one in found if one.verdict == CANNOT_TELL} >= {"client", "certificate", "policy", "rule"}
    assert sentence(facts, "client") == "DescribeThing is not allowed."
    assert any("unknown" in line for line in in_words(facts))


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Effect": "Allow", "Action": "iot:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "Action": ["IOT:connect"], "Resource": f"{ARN}:client/a*"}, True),
        ({"Effect": "Allow", "Action": "iot:Connect", "Resource": f"{ARN}:client/b"}, False),
        ({"Effect": "Allow", "Action": "iot:Publish", "Resource": "*"}, False),
        ({"Effect": "Deny", "Action": "iot:Connect", "Resource": "*"}, False),
    ],
)
def test_what_a_policy_allows(statement: dict[str, Any], allowed: bool) -> None:
    assert allows(document(statement), "iot:Connect", f"{ARN}:client/abc") == allowed
    deny = {"Effect": "Deny", "Action": "iot:Connect", "Resource": f"{ARN}:client/abc"}
    assert not allows(document(statement, deny), "iot:Connect", f"{ARN}:client/abc")


def test_a_clock_that_is_off_within_the_window_is_named_while_it_is() -> None:
    arrived = HEALTHY.arrivals
    assert isinstance(arrived, Arrivals)
    spell = Clock(NOW - 40 * MINUTE, NOW - 4 * MINUTE, 120 * MINUTE, 900)
    (finding,) = [one for one in diagnose(replace(HEALTHY, clocks=(spell,))) if one.check == "clock"]
    assert (finding.verdict, finding.mend) == (CAUSE, "docs/gateways.md#the-gateways-clock")
    assert "is 2 h behind" in finding.sentence
    assert "900 samples" in finding.evidence[0]

    ahead = replace(HEALTHY, clocks=(replace(spell, behind_ms=-90_000),))
    assert "is 90 s ahead" in next(one.sentence for one in diagnose(ahead) if one.check == "clock")
    over = replace(HEALTHY, clocks=(replace(spell, end_ms=NOW - 20 * MINUTE),))
    assert [one.verdict for one in diagnose(over) if one.check == "clock"] == [OK]


def test_a_clock_cannot_be_told_without_the_table() -> None:
    (finding,) = [one for one in diagnose(replace(HEALTHY, clocks=DENIED)) if one.check == "clock"]
    assert finding.verdict == CANNOT_TELL


@pytest.mark.parametrize(
    ("reason", "words"),
    [("FORBIDDEN_ACCESS", "does not let it connect"), ("AUTH_ERROR", "asks for what it may not")],
)
def test_a_gateway_that_is_shut_out_is_told_before_any_metric_says_over_what(reason: str, words: str) -> None:
    shut_out = replace(SILENT, events=(ended(reason), ended(reason)))
    found = {one.check: one for one in diagnose(shut_out)}
    assert found["policy"].verdict == CAUSE
    assert words in found["policy"].sentence
    assert reason in found["policy"].sentence

    back = replace(
        shut_out, events=(ended(reason), replace(ended(reason), kind="connected", reason="", at_ms=NOW - 1))
    )
    assert next(one.verdict for one in diagnose(back) if one.check == "policy") == OK
