"""The engine around the deliveries: discovery, flushes, its own recovery, and its control calls."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from localcloud.firehose import delivery
from localcloud.firehose.clients import ClientFactory, RoleClients
from localcloud.firehose.endpoint import serve
from localcloud.firehose.engine import Engine
from localcloud.testing.firehose import STREAM, FakeAws, description, refusal
from localcloud.testing.strict import StrictClient

NAME = "test-krakow-measurements"


class ControlPlane:
    """The control plane's answers: the descriptions that a test puts into it."""

    def __init__(self) -> None:
        self.descriptions: dict[str, dict[str, Any]] = {}
        self.error: Exception | None = None

    def list_delivery_streams(self, **arguments: Any) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        start = arguments.get("ExclusiveStartDeliveryStreamName", "")
        names = sorted(name for name in self.descriptions if name > start)
        return {"DeliveryStreamNames": names[:1], "HasMoreDeliveryStreams": len(names) > 1}

    def describe_delivery_stream(self, DeliveryStreamName: str) -> dict[str, Any]:  # noqa: N803
        return {"DeliveryStreamDescription": self.descriptions[DeliveryStreamName]}


class Clients(RoleClients):
    """Clients of the fakes."""

    def __init__(self, plane: ControlPlane, aws: FakeAws) -> None:
        self.plane, self.aws = plane, aws
        self.forgotten: list[str] = []
        self.told: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def own(self, service: str) -> Any:
        assert service == "firehose"
        return StrictClient(service, self.plane)

    def of(self, source_arn: str) -> ClientFactory:
        assert source_arn
        return self.aws.client

    def news(self, number: int, seconds: float) -> dict[str, Any]:
        """What a test has put into `told`."""
        try:
            return {"all": False, "streams": [], "number": number + 1, **self.told.get(timeout=min(seconds, 0.05))}
        except Empty:
            return {"all": False, "streams": [], "number": number}

    def forget(self, source_arn: str) -> None:
        self.forgotten.append(source_arn)


@pytest.fixture
def plane() -> ControlPlane:
    return ControlPlane()


@pytest.fixture
def clients(plane: ControlPlane, aws: FakeAws) -> Clients:
    return Clients(plane, aws)


@pytest.fixture
def engine(clients: Clients, tmp_path: Path) -> Iterator[Engine]:
    one = Engine(clients, tmp_path)
    one.start()
    yield one
    one.stop()


def named(name: str, **changes: Any) -> dict[str, Any]:
    return {**description(**changes), "DeliveryStreamName": name}


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)


def test_a_flush_finds_new_streams_and_delivers_them_all(engine: Engine, plane: ControlPlane, aws: FakeAws) -> None:
    plane.descriptions = {name: named(name) for name in ("a", "b", "c")}
    aws.put([b"1\n"])
    delivered, undelivered = engine.flush(None, 10)
    assert set(delivered) == {"a", "b", "c"}
    assert not undelivered
    assert len(aws.objects) == 3


def test_only_the_streams_named_are_flushed(engine: Engine, plane: ControlPlane, aws: FakeAws) -> None:
    plane.descriptions = {name: named(name) for name in ("a", "b")}
    aws.put([b"1\n"])
    delivered, undelivered = engine.flush(["b", "z"], 10)
    assert delivered == ["b"]
    assert undelivered == {"z": {"reason": "no such delivery stream"}}
    assert len(aws.objects) == 1


def test_a_flush_that_is_not_done_in_time_says_what_is_left_and_why(
    engine: Engine, plane: ControlPlane, aws: FakeAws
) -> None:
    plane.descriptions = {NAME: description()}
    aws.put([b"1\n"])
    aws.fail("put_object", *[refusal("AccessDenied", "PutObject")] * 10_000)
    delivered, undelivered = engine.flush(None, 0.1)
    while undelivered[NAME]["reason"] == "not done in time":  # and not tried once: the machine is busy
        delivered, undelivered = engine.flush(None, 0.1)
    assert not delivered
    assert "AccessDenied" in undelivered[NAME]["reason"]
    assert undelivered[NAME]["outstanding_records"] == 1
    aws.failures.clear()
    assert engine.flush(None, 10)[0] == [NAME]


def test_a_stream_that_cannot_be_served_is_reported_not_hidden(engine: Engine, plane: ControlPlane) -> None:
    plane.descriptions = {NAME: description(CompressionFormat="GZIP")}
    _, undelivered = engine.flush(None, 1)
    assert "CompressionFormat" in undelivered[NAME]["reason"]
    assert engine.status()["delivery_streams"][NAME]["state"] == "refused"


def test_an_error_that_nobody_foresaw_starts_the_delivery_again(
    engine: Engine, plane: ControlPlane, aws: FakeAws
) -> None:
    """The transform's batch has left its queue when the error comes: only the checkpoint still knows it."""
    plane.descriptions = {NAME: description()}
    aws.put([b"1\n"])
    aws.fail("put_object", ZeroDivisionError())
    delivered, undelivered = engine.flush(None, 10)
    assert not undelivered
    assert len(aws.objects) == 1
    assert delivered == [NAME]


def test_what_ended_a_delivery_is_in_the_status(engine: Engine, plane: ControlPlane, aws: FakeAws) -> None:
    plane.descriptions = {NAME: description()}
    aws.fail("list_shards", *[ZeroDivisionError("boom")] * 1000)
    engine.discover()
    wait_for(lambda: engine.status()["delivery_streams"][NAME]["state"] == "failed")
    assert engine.status()["delivery_streams"][NAME]["last_error"] == "ZeroDivisionError: boom"


def test_a_deleted_stream_is_forgotten_with_its_checkpoint(
    engine: Engine, plane: ControlPlane, aws: FakeAws, tmp_path: Path
) -> None:
    plane.descriptions = {NAME: description()}
    aws.put([b"1\n"])
    engine.flush(None, 10)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    plane.descriptions = {}
    engine.discover()
    assert engine.status()["delivery_streams"] == {}
    assert not list((tmp_path / "checkpoints").iterdir())
    assert NAME not in {thread.name for thread in threading.enumerate()}


def test_a_flush_does_not_wait_for_the_next_try(
    engine: Engine, plane: ControlPlane, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 600.0)
    monkeypatch.setattr(delivery, "LONGEST_PAUSE", 600.0)
    plane.descriptions = {NAME: description()}
    aws.put([b"1\n"])
    aws.fail("put_object", refusal("SlowDown"))
    assert NAME in engine.flush(None, 0.5)[1]
    assert engine.flush(None, 10)[0] == [NAME]


def test_news_of_a_stream_have_it_read(
    engine: Engine, clients: Clients, plane: ControlPlane, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them it stays unread for a long while; those of another stream are none of its."""
    monkeypatch.setattr(delivery, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(delivery, "QUIET_SECONDS", 600.0)
    plane.descriptions = {NAME: description()}
    engine.discover()
    wait_for(lambda: "get_records" in aws.calls)
    for news in ({"streams": [STREAM]}, {"all": True}):
        wait_for(lambda: clients.told.empty())
        before = aws.calls.count("get_records")
        clients.told.put({"streams": [f"{STREAM}-2"]})
        clients.told.put(news)
        wait_for(lambda: aws.calls.count("get_records") > before)  # noqa: B023 - called at once
        assert aws.calls.count("get_records") == before + 1


def test_news_of_all_have_new_delivery_streams_found(engine: Engine, clients: Clients, plane: ControlPlane) -> None:
    wait_for(lambda: engine.status() == {"delivery_streams": {}, "last_error": None})
    plane.descriptions = {NAME: description()}
    clients.told.put({"all": True})
    wait_for(lambda: NAME in engine.status()["delivery_streams"])


def test_an_outage_of_the_control_plane_stops_no_delivery(
    engine: Engine, clients: Clients, plane: ControlPlane, aws: FakeAws
) -> None:
    plane.descriptions = {NAME: description(BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60})}
    engine.flush(None, 10)
    plane.error = refusal("ServiceUnavailableException", "ListDeliveryStreams", 503)
    clients.told.put({"all": True})
    wait_for(lambda: engine.status()["last_error"] is not None)
    assert engine.status()["delivery_streams"][NAME]["state"] == "delivering"
    plane.error = None
    aws.put([b"1\n"])
    assert engine.flush(None, 10)[0] == [NAME]


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    server = serve(engine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def call(url: str, body: Any = None, content_type: str = "application/json") -> tuple[int, dict[str, Any]]:
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": content_type})  # noqa: S310 - always http
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - always http
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_flush_and_status_answer_over_http(url: str, plane: ControlPlane, aws: FakeAws) -> None:
    plane.descriptions = {NAME: description()}
    aws.put([b"1\n"])
    status, answer = call(f"{url}/flush", {"names": None, "timeout": 10})
    assert (status, answer["delivered"]) == (200, [NAME])
    status, answer = call(f"{url}/status")
    assert (status, answer["delivery_streams"][NAME]["outstanding_records"]) == (200, 0)


def test_an_unfinished_flush_is_a_gateway_timeout(url: str, plane: ControlPlane, aws: FakeAws) -> None:
    plane.descriptions = {NAME: description()}
    aws.put([b"1\n"])
    aws.fail("invoke", *[refusal("TooManyRequestsException")] * 3)
    status, answer = call(f"{url}/flush", {"timeout": 0.1})
    assert status == 504
    assert NAME in answer["undelivered"]
    assert NAME in answer["message"]


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status"),
    [
        ("/flush", {"names": "all"}, "application/json", 400),
        ("/flush", {"names": [1]}, "application/json", 400),
        ("/flush", {"timeout": "soon"}, "application/json", 400),
        ("/flush", b"{", "application/json", 400),
        ("/flush", b"[]", "application/json", 400),
        ("/flush", {}, "text/plain", 415),
        ("/flush", None, "application/json", 404),
        ("/status", {}, "application/json", 404),
    ],
)
def test_a_call_that_is_not_understood_is_refused(
    url: str, path: str, body: Any, content_type: str, status: int
) -> None:
    code, answer = call(url + path, body, content_type)
    assert code == status
    assert answer["message"]


def test_a_flush_while_the_control_plane_is_away_says_so(url: str, plane: ControlPlane) -> None:
    plane.error = refusal("ServiceUnavailableException", "ListDeliveryStreams", 503)
    status, answer = call(f"{url}/flush", {})
    assert status == 503
    assert "cannot be listed" in answer["message"]
