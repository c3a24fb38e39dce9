"""PutMedia as documented: what goes out, how it is signed, what comes back, and each refusal in one line."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from factory_lake.camera.footage import Filming
from factory_lake.camera.putmedia import Acknowledgement, Producer
from factory_lake.errors import AwsError
from localcloud import LocalCloud
from localcloud.kinesisvideo import matroska
from localcloud.settings import ACCESS_KEY, SECRET_KEY
from localcloud.testing.footage import ORDINARY_BEHAVIOUR, TestStream, opened

_KEYS = Credentials("AKIDEXAMPLE", "secret", "token")
_START_MS = 1_790_000_000_000


class Service(HTTPServer):
    """Answers GetDataEndpoint with itself and PutMedia as a test says, and keeps what PutMedia sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answer: tuple[int, bytes, dict[str, str]] = (200, b"", {})
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.closes_early = False


class Handler(BaseHTTPRequestHandler):
    """A request to the service."""

    server: Service

    def do_POST(self) -> None:
        if self.path == "/getDataEndpoint":
            self.rfile.read(int(self.headers["Content-Length"]))
            self._send(200, json.dumps({"DataEndpoint": self.server.url}).encode(), {})
            return
        self.server.headers = dict(self.headers.items())
        while not self.server.closes_early and (size := int(self.rfile.readline(), 16)):
            self.server.pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self._send(*self.server.answer)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()


def client_of(url: str) -> Any:
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    # Any: the stubs type a client by its name.
    session: Any = boto3.Session("key", "secret", region_name="eu-central-1")
    return session.client("kinesisvideo", endpoint_url=url, config=config)


def producer_of(service: Service, **more: Any) -> Producer:
    return Producer(client_of(service.url), "press-1", _KEYS, **more)


def said(*events: tuple[str, int, str], between: str = "\r\n") -> bytes:
    fields = ("EventType", "FragmentTimecode", "FragmentNumber")
    return between.join(json.dumps(dict(zip(fields, event, strict=True))) for event in events).encode()


def test_the_body_is_one_segment_sent_in_pieces(service: Service) -> None:
    fragments = list(Filming().film(_START_MS, 4000))
    producer_of(service).put(Filming(), fragments)
    assert service.headers["Transfer-Encoding"] == "chunked"
    assert service.headers["x-amzn-stream-name"] == "press-1"
    assert service.headers["x-amzn-fragment-timecode-type"] == "ABSOLUTE"
    assert service.headers["x-amzn-fragment-acknowledgment-required"] == "1"
    assert abs(float(service.headers["x-amzn-producer-start-timestamp"]) - time.time()) < 60
    assert service.pieces == [Filming().head, *(one.cluster for one in fragments)]
    assert [one.time_ms for one in matroska.clusters(b"".join(service.pieces))] == [_START_MS, _START_MS + 2000]


def test_the_signature_is_over_an_empty_body(service: Service) -> None:
    producer_of(service).put(Filming(), Filming().film(_START_MS, 4000))
    found = re.search(r"Credential=AKIDEXAMPLE/\d+/eu-central-1/kinesisvideo/aws4_request, SignedHeaders=(\S+),"
                      r" Signature=(\w+)$", service.headers["Authorization"])  # fmt: skip
    assert found is not None
    names = found[1].split(";")
    assert {"host", "x-amz-date", "x-amz-security-token", "x-amzn-stream-name"} <= set(names)
    lower = {name.lower(): value for name, value in service.headers.items()}
    request = AWSRequest("POST", f"{service.url}/putMedia", headers={name: lower[name] for name in names})
    request.context["timestamp"] = lower["x-amz-date"]
    signer = SigV4Auth(_KEYS, "kinesisvideo", "eu-central-1")
    assert signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request) == found[2]


@pytest.mark.parametrize("between", ["\r\n", "\n", ""])
def test_acknowledgements_come_in_the_order_in_which_they_were_said(service: Service, between: str) -> None:
    events = [("BUFFERING", 5, "91"), ("BUFFERING", 7, "92"), ("RECEIVED", 5, "91"), ("PERSISTED", 5, "91")]
    service.answer = (200, said(*events, between=between), {})
    assert producer_of(service).put(Filming(), []) == [Acknowledgement(*event) for event in events]


def test_an_acknowledgement_may_stand_within_another_object(service: Service) -> None:
    inner = {"EventType": "ERROR", "FragmentTimecode": 5, "ErrorId": 4004, "ErrorCode": "LESSER"}
    service.answer = (200, json.dumps({"Acknowledgement": inner}).encode() + b'{"EventType": "IDLE"}', {})
    assert producer_of(service).put(Filming(), []) == [
        Acknowledgement("ERROR", 5, None, "4004 LESSER"),
        Acknowledgement("IDLE"),
    ]


def test_numbers_are_those_of_persisted_fragments(service: Service) -> None:
    events = [(event, at, str(90 + at)) for event in ("BUFFERING", "RECEIVED", "PERSISTED") for at in (1, 2)]
    service.answer = (200, said(*events), {})
    assert producer_of(service).send(Filming(), Filming().film(_START_MS, 4000)) == ["91", "92"]


def test_no_more_goes_out_in_a_second_than_a_stream_takes(service: Service) -> None:
    seconds = [0.0]

    def wait(length: float) -> None:
        seconds[0] += length

    producer = producer_of(service, pace=wait, clock=lambda: seconds[0])
    filming = Filming()
    producer.put(filming, [filming.fragment(_START_MS + 1000 * index, 1) for index in range(6)])
    assert seconds[0] == pytest.approx(5 / 5)
    seconds[0] = 0.0
    producer.put(filming, [filming.fragment(_START_MS + 1000 * index, 1, padding=5_000_000) for index in range(3)])
    # All but the last piece, at 12.5 MB a second.
    assert seconds[0] == pytest.approx(15 / 12.5, abs=0.05)
    assert max(len(piece) for piece in service.pieces) < 1_000_000


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            (200, said(("PERSISTED", 5, "91")), {}),
            "AWS PutMedia press-1 must persist all 2 fragments of a call, got 1",
        ),
        (
            (200, b'{"EventType":"ERROR","FragmentTimecode":7,"ErrorId":4007,"ErrorCode":"INVALID_TIMESTAMP"}', {}),
            "AWS PutMedia press-1 must take the fragment of 7 ms: 4007 INVALID_TIMESTAMP",
        ),
        (
            (200, b"<html>", {}),
            "AWS PutMedia press-1 must answer with acknowledgements, got '<html>'",
        ),
        (
            (400, b'{"Message":"too many"}', {"x-amzn-ErrorType": "ConnectionLimitExceededException:http://x/"}),
            "AWS PutMedia press-1: ConnectionLimitExceededException: too many",
        ),
        ((503, b"busy", {}), "AWS PutMedia press-1: 503: b'busy'"),
    ],
)
def test_each_refusal_is_one_line(service: Service, answer: tuple[int, bytes, dict[str, str]], line: str) -> None:
    service.answer = answer
    with pytest.raises(AwsError) as raised:
        producer_of(service).send(Filming(), Filming().film(_START_MS, 4000))
    assert str(raised.value) == line


def test_a_refusal_is_told_though_the_service_does_not_take_the_footage(service: Service) -> None:
    service.closes_early = True
    service.answer = (400, b'{"message":"no"}', {"x-amzn-ErrorType": "InvalidArgumentException"})
    with pytest.raises(AwsError, match=r"^AWS PutMedia press-1: InvalidArgumentException: no$"):
        producer_of(service).send(Filming(), Filming().film(_START_MS, 2000))


def test_a_service_that_does_not_answer(service: Service) -> None:
    producer = producer_of(service)
    service.shutdown()
    service.server_close()
    with pytest.raises(AwsError, match=f"^{service.url} must answer") as raised:
        producer.send(Filming(), Filming().film(_START_MS, 2000))
    assert "\n" not in str(raised.value)


@pytest.mark.cloud
class TestOnTheLocalCloud:
    """The same client, with a service that reads what it is sent."""

    def test_what_is_sent_is_listed_and_clipped(self, cloud: LocalCloud) -> None:
        cloud.control("POST", "kinesisvideo/behaviour", ORDINARY_BEHAVIOUR)
        stream = TestStream.create(cloud, ago_ms=-1000)
        fragments = list(Filming().film(stream.begin_ms, 5000))
        numbers = producer_on(cloud, stream.name).send(Filming(), fragments)
        listed = stream.page(0, 5000, "PRODUCER_TIMESTAMP")["Fragments"]
        times = {one["FragmentNumber"]: round(one["ProducerTimestamp"].timestamp() * 1000) for one in listed}
        assert [times[number] for number in numbers] == [one.start_ms for one in fragments]
        with opened(stream.clip(0, 5000, "PRODUCER_TIMESTAMP")) as clip:
            greys = [int(frame.to_ndarray()[0, 0]) for frame in clip.decode(video=0)]
        assert greys == [one.grey for one in fragments for _ in range(one.length_ms // Filming().frame_ms)]

    def test_a_stream_that_is_not_there(self, cloud: LocalCloud) -> None:
        with pytest.raises(AwsError, match=r"^AWS GetDataEndpoint: ResourceNotFoundException: .*not found"):
            producer_on(cloud, "no-such-stream")

    def test_a_caller_who_may_not_send(self, cloud: LocalCloud, make_role: Callable[..., str]) -> None:
        stream = TestStream.create(cloud)
        # A role that may do nothing.
        role = make_role("lambda.amazonaws.com")
        keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="camera")["Credentials"]
        credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        producer = Producer(cloud.client("kinesisvideo"), stream.name, credentials)
        with pytest.raises(AwsError, match=rf"^AWS PutMedia {stream.name}: AccessDeniedException: "):
            producer.send(Filming(), Filming().film(_START_MS, 2000))


def producer_on(cloud: LocalCloud, stream: str) -> Producer:
    return Producer(cloud.client("kinesisvideo"), stream, Credentials(ACCESS_KEY, SECRET_KEY))
