"""The doctor listens to presence events: how its request is signed, and what it reads."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import ReadOnlyCredentials

from factory_lake.doctor.model import Unknown
from factory_lake.doctor.watching import Endpoint, Event, parse, signed_path, watch

ENDPOINT = Endpoint(
    "a1-ats.iot.eu-central-1.amazonaws.com", "wss://a1-ats.iot.eu-central-1.amazonaws.com", "eu-central-1"
)


def test_the_token_of_a_session_is_no_part_of_what_is_signed() -> None:
    """AWS IoT Core Developer Guide, "MQTT over the WebSocket Secure protocol"."""
    key, secret = "AKIDEXAMPLE", "secret"
    plain = parse_qs(urlsplit(signed_path(ENDPOINT, ReadOnlyCredentials(key, secret, None))).query)
    path = signed_path(ENDPOINT, ReadOnlyCredentials(key, secret, "to/ken+"))
    assert path.startswith("/mqtt?")
    assert path.endswith("&X-Amz-Security-Token=to%2Fken%2B")
    query = parse_qs(urlsplit(path).query)
    assert query.pop("X-Amz-Security-Token") == ["to/ken+"]
    assert query.keys() == plain.keys()
    assert "/eu-central-1/iotdevicegateway/aws4_request" in query["X-Amz-Credential"][0]
    assert "secret" not in path


@pytest.mark.parametrize(
    ("document", "event"),
    [
        (
            {"eventType": "disconnected", "timestamp": 5, "clientId": "a", "disconnectReason": "CLIENT_ERROR"},
            Event("disconnected", 5, "a", "CLIENT_ERROR"),
        ),
        (
            {
                "eventType": "connect_failed",
                "timestamp": 6,
                "clientId": "a",
                "connectFailureReason": "AUTHORIZATION_FAILED",
                "principalIdentifier": "p",
                "ipAddress": "192.0.2.1",
                "sessionIdentifier": "s",
                "versionNumber": 2,
            },
            Event("connect_failed", 6, "a", "AUTHORIZATION_FAILED", "p", "192.0.2.1", "s", 2),
        ),
        ({"eventType": "connected"}, None),
        ([], None),
    ],
)
def test_an_event(document: object, event: Event | None) -> None:
    assert parse(json.dumps(document).encode()) == event


def test_bytes_that_are_no_event() -> None:
    assert parse(b"\xff") is None


def test_an_endpoint_that_does_not_answer() -> None:
    endpoint = Endpoint("nowhere", "ws://127.0.0.1:1", "eu-central-1")
    found = watch(endpoint, ReadOnlyCredentials("a", "b", None), ["c"], 0.1)
    assert isinstance(found, Unknown)
    assert "does not let the doctor listen" in found.reason
