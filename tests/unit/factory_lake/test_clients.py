"""Clients reach the lake that is named and no other, and a region that does not answer fails soon."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, HTTPClientError, NoRegionError

from factory_lake import clients
from factory_lake.clients import Clients, broker_of, explained
from factory_lake.gateway.connections import Broker
from factory_lake.lake import Lake, Outputs
from tests.unit.factory_lake.fixtures import local_access


class Server(ThreadingHTTPServer):
    """Answers STS, or keeps silent; counts what it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.is_silent = True
        self.over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """What the server does with a request."""

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.asked.append(self.headers["Authorization"])
        if server.is_silent:
            server.over.wait(20)
            return
        body = b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.over.set()
        made.shutdown()
        thread.join()


def lake(server: Server, folder: Path) -> Lake:
    return Lake(str(folder), Outputs({"iot_endpoint": "elsewhere"}, folder), local_access(folder, server.server_port))


def test_a_silent_region_is_asked_twice_and_no_more(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_READ_SECONDS", 0.2)
    sts = Clients(lake(server, tmp_path)).client("sts")
    with pytest.raises(HTTPClientError) as caught:
        sts.get_caller_identity()
    assert len(server.asked) == 2
    error = explained(caught.value)
    assert error.place == f"http://127.0.0.1:{server.server_port}"
    assert "must answer; are region and network right?" in str(error)


def test_one_that_has_answered_is_asked_as_often_as_ever(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_READ_SECONDS", 0.2)
    made = Clients(lake(server, tmp_path))
    server.is_silent = False
    made.client("sts").get_caller_identity()
    server.is_silent = True
    with pytest.raises(HTTPClientError):
        made.client("sts").get_caller_identity()
    assert len(server.asked) == 1 + 3


def test_a_local_lake_takes_nothing_of_the_user_s_settings(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "the-user-s",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "x",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    server.is_silent = False
    Clients(lake(server, tmp_path)).client("sts").get_caller_identity()
    assert "Credential=the-lake-s/" in server.asked[0]
    assert "/eu-central-1/" in server.asked[0]


def test_without_a_region_it_is_that_of_the_lake_s_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    outputs = Outputs({"iot_endpoint": "abc-ats.iot.eu-west-3.amazonaws.com"}, "x")
    assert Clients(Lake("x", outputs)).region == "eu-west-3"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert Clients(Lake("x", outputs)).region == "eu-north-1"


def test_where_gateways_connect(server: Server, tmp_path: Path) -> None:
    local = lake(server, tmp_path)
    assert broker_of(local) == Broker("127.0.0.1", 8883, tmp_path / "ca.pem")
    aws = Lake("x", Outputs({"iot_endpoint": "abc-ats.iot.eu-west-3.amazonaws.com"}, "x"))
    assert broker_of(aws) == Broker("abc-ats.iot.eu-west-3.amazonaws.com", 8883, None)
    assert broker_of(aws, ("host", 443), tmp_path / "own.pem") == Broker("host", 443, tmp_path / "own.pem")


def test_refusals_name_the_call_and_what_it_was_about() -> None:
    refused = {"Error": {"Code": "NoSuchBucket", "Message": "It does not exist", "BucketName": "b"}}
    error = explained(ClientError(refused, "ListObjectsV2"))  # type: ignore[arg-type]  # more than it types
    assert str(error) == "AWS ListObjectsV2 b: NoSuchBucket: It does not exist"
    assert str(explained(NoRegionError())) == "AWS_REGION must be set, or a region in the profile"


def test_links_are_signed_for_the_bucket_s_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    signer = Clients(Lake("x", Outputs({}, "x"))).client("s3", signs=True)
    link = signer.generate_presigned_url("get_object", Params={"Bucket": "lake.clips", "Key": "a.mp4"})
    assert link.startswith("https://s3.eu-central-1.amazonaws.com/lake.clips/a.mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
