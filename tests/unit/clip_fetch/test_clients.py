"""What the clients put on the wire, with whatever botocore this Python has."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch.clients import Clients, epoch_ms, from_epoch_ms


class Wire:
    """Takes requests as they would be sent and answers them."""

    def __init__(self, client: Any, body: bytes) -> None:
        self.requests: list[Any] = []
        self._body = body
        client.meta.events.register("before-send", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.requests.append(request)
        headers: Any = {"Content-Type": "application/json", "ETag": '"x"'}
        return AWSResponse(request.url, 200, headers, _Raw(self._body))


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


@pytest.fixture
def clients() -> Clients:
    session = boto3.session.Session("test", "test", region_name="eu-central-1")
    return Clients(session, 4)


SELECTOR: dict[str, Any] = {
    "FragmentSelectorType": "SERVER_TIMESTAMP",
    "TimestampRange": {
        "StartTimestamp": from_epoch_ms(1_700_000_000_123),
        "EndTimestamp": from_epoch_ms(1_700_000_060_987),
    },
}


@pytest.mark.parametrize(
    ("operation", "selector", "others"),
    [("get_clip", "ClipFragmentSelector", {}), ("list_fragments", "FragmentSelector", {"MaxResults": 7})],
)
def test_bounds_reach_the_service_to_the_millisecond(
    clients: Clients, operation: str, selector: str, others: dict[str, int]
) -> None:
    client = clients.media("https://media.test")
    wire = Wire(client, b"{}")
    getattr(client, operation)(StreamName="cam", **{selector: SELECTOR}, **others)
    span = {"StartTimestamp": 1700000000.123, "EndTimestamp": 1700000060.987}
    sent = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": span}
    assert json.loads(wire.requests[0].body) == {"StreamName": "cam", selector: sent, **others}
    # the length belongs to the body that was written again
    assert int(wire.requests[0].headers["Content-Length"]) == len(wire.requests[0].body)


def test_a_page_that_is_asked_for_by_token_has_no_bounds(clients: Clients) -> None:
    client = clients.media("https://media.test")
    wire = Wire(client, b'{"Fragments": []}')
    client.list_fragments(StreamName="cam", NextToken="abcd", MaxResults=7)
    assert json.loads(wire.requests[0].body) == {"StreamName": "cam", "NextToken": "abcd", "MaxResults": 7}


def test_one_client_serves_one_endpoint(clients: Clients) -> None:
    assert clients.media("https://one.test") is clients.media("https://one.test")
    assert clients.media("https://two.test") is not clients.media("https://one.test")


def test_a_put_is_conditional_whatever_the_model_knows(clients: Clients) -> None:
    members = clients.s3.meta.service_model.operation_model("PutObject").input_shape.members
    members.pop("IfNoneMatch", None)  # as in botocore before 1.35
    wire = Wire(clients.s3, b"")
    clients.s3.put_object(Bucket="clips", Key="a", Body=io.BytesIO(b"x"), IfNoneMatch="*", Metadata={"run": "1"})
    headers = wire.requests[0].headers
    assert headers["If-None-Match"] in ("*", b"*")
    assert "if-none-match" in str(headers["Authorization"])


@pytest.mark.parametrize("endpoint", ["https://s3.test", "http://127.0.0.1:1"])
def test_a_body_is_read_once_and_goes_with_the_checksum_that_it_had(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the signature nor botocore's own checksum makes another pass over a clip."""

    class Counted(io.BytesIO):
        passes = 0

        def read(self, size: int | None = -1) -> bytes:
            self.passes += self.tell() == 0
            return super().read(size)

    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    session = boto3.session.Session("test", "test", region_name="eu-central-1")
    client = Clients(session, 4).s3
    wire = Wire(client, b"")
    body = Counted(b"media")
    client.put_object(Bucket="clips", Key="a", Body=body, ChecksumCRC32="AAAAAA==", IfNoneMatch="*")
    headers = {name.lower(): str(value) for name, value in wire.requests[0].headers.items()}
    assert "AAAAAA==" in headers["x-amz-checksum-crc32"]
    assert "UNSIGNED-PAYLOAD" in headers["x-amz-content-sha256"]
    assert "x-amz-trailer" not in headers
    assert body.passes == 0  # the one pass is that over the wire


def test_nothing_is_retried_behind_the_deadline_s_back(clients: Clients) -> None:
    for client in (clients.video, clients.s3, clients.media("https://media.test")):
        assert client.meta.config.retries["total_max_attempts"] == 1


@given(st.integers(0, 4 * 10**12))
def test_times_survive_the_way_through_botocore_s_floats(at_ms: int) -> None:
    assert epoch_ms(from_epoch_ms(at_ms)) == at_ms
    answered = from_epoch_ms(0).fromtimestamp(at_ms / 1000, from_epoch_ms(0).tzinfo)
    assert epoch_ms(answered) == at_ms
