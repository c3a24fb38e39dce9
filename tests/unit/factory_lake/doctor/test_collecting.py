"""Facts as AWS gives them, and what becomes of refusals, of what is not there and of what takes too long."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from factory_lake.doctor import collecting
from factory_lake.doctor.collecting import Names
from factory_lake.doctor.facts import Connection, LogEntry, Refusal, Rule
from factory_lake.doctor.gathering import asked
from factory_lake.doctor.model import Unknown
from factory_lake.gateway.identities import Source

NAMES = Names(
    source=Source("krakow", "line-1", "measurements"),
    arn="arn:aws:iot:eu-central-1:123456789012",
    basic_ingest_topic="$aws/rules/r/factories/krakow/line-1/measurements",
    rule="r",
    bucket="lake-1-measurements",
    stream="lake-krakow-measurements",
    delivery_stream="lake-krakow-measurements",
    function="lake-krakow-measurements-transform",
    workgroup="lake",
    database="lake",
    lake_certificates=frozenset({"a" * 64}),
)
NOW = 1_772_600_000_000

Stub = Callable[[str], tuple[Any, Stubber]]


@pytest.fixture
def stub() -> Stub:
    """A client that answers what it is told to."""

    def make(service: str) -> tuple[Any, Stubber]:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client(service, region_name="eu-central-1", **keys)  # type: ignore[call-overload]
        stubber = Stubber(client)
        stubber.activate()
        return client, stubber

    return make


def test_a_thing_that_is_not_there(stub: Stub) -> None:
    client, answers = stub("iot")
    answers.add_client_error("describe_thing", "ResourceNotFoundException")
    assert collecting.thing_of(client, "x") is False


def test_a_call_that_is_not_allowed_is_unknown(stub: Stub) -> None:
    client, answers = stub("iot")
    answers.add_client_error("describe_thing", "AccessDeniedException")
    assert asked(lambda: collecting.thing_of(client, "x")) == Unknown("DescribeThing is not allowed")


def test_credentials_that_are_not_good_end_the_command(stub: Stub) -> None:
    client, answers = stub("iot")
    answers.add_client_error("describe_thing", "UnrecognizedClientException")
    with pytest.raises(ClientError):
        collecting.asked_first(client, "x")
    answers.add_client_error("describe_thing", "AccessDeniedException")
    assert collecting.asked_first(client, "x") == Unknown("DescribeThing is not allowed")


def test_a_rule_that_aws_denies_the_sight_of_is_not_there(stub: Stub) -> None:
    client, answers = stub("iot")
    answers.add_client_error("get_topic_rule", "UnauthorizedException")
    assert collecting.rule_of(client, "r") is None
    rule = {
        "sql": "SELECT * FROM 'a'",
        "ruleDisabled": True,
        "actions": [{"kinesis": {"streamName": "s", "roleArn": "r"}}],
    }
    answers.add_response("get_topic_rule", {"rule": rule})
    assert collecting.rule_of(client, "r") == Rule(False, "SELECT * FROM 'a'", ("s",))


def test_a_connection(stub: Stub) -> None:
    client, answers = stub("iot-data")
    answers.add_client_error("get_connection", "ResourceNotFoundException")
    assert collecting.connection_of(client, "c") is None
    answer = {"connected": False, "disconnectedSince": 5, "disconnectReason": "CONNECTION_LOST", "cleanSession": True}
    answers.add_response("get_connection", answer)
    assert collecting.connection_of(client, "c") == Connection(
        connected=False, since_ms=5, reason="CONNECTION_LOST", clean_session=True
    )


def test_what_the_transform_refused_of_this_gateway(stub: Stub) -> None:
    client, answers = stub("logs")
    line = {"message": "record rejected", "gateway": "line-1", "received_at": 7, "rule": "NOT_JSON", "field": None}
    messages = [json.dumps(line), json.dumps({**line, "gateway": "line-2"}), "WARNING record rejected"]
    answers.add_response("filter_log_events", {"events": [{"timestamp": 9, "message": one} for one in messages]})
    assert collecting.refusals_of(client, NAMES, 0) == (Refusal(7, "NOT_JSON"),)


def test_the_log_of_aws_iot(stub: Stub) -> None:
    client, answers = stub("logs")
    answers.add_client_error("filter_log_events", "ResourceNotFoundException")
    assert isinstance(off := collecting.log_of(client, NAMES, 0), Unknown)
    assert "is off" in off.reason
    entry = {
        "eventType": "Publish-In",
        "status": "Failure",
        "clientId": NAMES.source.client_id,
        "topicName": "a/b",
        "reason": "AUTHORIZATION_FAILURE",
    }
    answers.add_response("filter_log_events", {"events": [{"timestamp": 9, "message": json.dumps(entry)}]})
    assert collecting.log_of(client, NAMES, 0) == (
        LogEntry(9, "Publish-In", "Failure", "AUTHORIZATION_FAILURE", NAMES.source.client_id, "a/b"),
    )


def test_the_newest_document_of_the_error_action(stub: Stub) -> None:
    client, answers = stub("s3")
    answers.add_response("list_objects_v2", {})
    assert collecting.rule_failure_of(client, NAMES, NOW) is None
    prefix = "errors/factory=krakow/measurements/iot-rule/2026/03/04/"
    keys = [f"{prefix}{NOW - 9}-a.json", f"{prefix}{NOW - 5}-b.json"]
    answers.add_response("list_objects_v2", {"Contents": [{"Key": key} for key in keys]})
    body = json.dumps({"clientId": "c", "failures": [{"errorMessage": "denied"}]}).encode()
    answers.add_response(
        "get_object",
        {"Body": StreamingBody(BytesIO(body), len(body))},
        {"Bucket": NAMES.bucket, "Key": keys[1]},
    )
    found = collecting.rule_failure_of(client, NAMES, NOW)
    assert found is not None
    assert (found.at_ms, found.client_id, found.reason) == (NOW - 5, "c", "denied")


def test_a_lake_without_the_table_of_connections(stub: Stub) -> None:
    athena, _ = stub("athena")
    glue, answers = stub("glue")
    answers.add_client_error("get_table", "EntityNotFoundException")
    assert collecting.history_of(athena, glue, NAMES, NOW) == Unknown("the lake has no table connections")
