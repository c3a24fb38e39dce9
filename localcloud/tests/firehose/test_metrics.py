"""What a delivery stream measures of itself, on good days and on bad ones."""

from __future__ import annotations

import base64
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from localcloud.firehose import buffers
from localcloud.firehose.checkpoint import CheckpointFile
from localcloud.firehose.delivery import Delivery
from localcloud.firehose.metrics import Meter, Outbox, Publisher
from localcloud.firehose.settings import read
from localcloud.testing.firehose import Clock, FakeAws, conversion, description, pass_through, refusal

Measured = dict[str, list[float]]
Measure = Callable[..., Measured]


@pytest.fixture
def measure(aws: FakeAws, clock: Clock, tmp_path: Path) -> Measure:
    """Deliver what is in the stream, and give the values of each metric in their order."""

    def run(**changes: Any) -> Measured:
        outbox = Outbox()
        one = Delivery(
            settings=read(description(**changes)),
            clients=aws.client,
            checkpoints=CheckpointFile(tmp_path / "stream.json"),
            renew=lambda: None,
            clock=clock,
            now=clock.now,
            meter=Meter("stream", outbox, clock),
        )
        since = clock()
        while not one.is_flushed(since):
            clock.seconds += 0.001 + one.round(since)
        found: Measured = {}
        for datum in outbox.take():
            assert datum["dimensions"] == {"DeliveryStreamName": "stream"}
            found.setdefault(datum["name"], []).append(datum["value"])
        return found

    return run


def test_a_delivery_counts_what_it_read_processed_and_delivered(measure: Measure, aws: FakeAws, clock: Clock) -> None:
    data = [b"record %d\n" % number for number in range(3)]
    aws.put(data)
    clock.seconds += 90
    found = measure()
    size = sum(map(len, data))
    assert found["DataReadFromKinesisStream.Records"] == [3]
    assert found["DataReadFromKinesisStream.Bytes"] == [size]
    assert set(found["KinesisMillisBehindLatest"]) == {0}
    assert found["ExecuteProcessing.Success"] == [1]
    assert found["SucceedProcessing.Records"] == [3]
    assert sum(found["DeliveryToS3.Records"]) == 3
    assert sum(found["DeliveryToS3.Bytes"]) == sum(map(len, aws.objects.values()))
    assert len(found["DeliveryToS3.ObjectCount"]) == len(aws.objects)
    assert set(found["DeliveryToS3.Success"]) == {1}
    assert min(found["DeliveryToS3.DataFreshness"]) >= 90
    assert len(found["DeliveryToS3.DataFreshness"]) > len(aws.objects) > 1  # while it waits, and at each put
    assert "PartitionCountExceeded" not in found or set(found["PartitionCountExceeded"]) == {0}


def test_without_data_nothing_but_the_reads_is_measured(measure: Measure) -> None:
    assert set(measure()) == {"KinesisMillisBehindLatest"}


def test_failures_are_measured_attempt_by_attempt(measure: Measure, aws: FakeAws) -> None:
    aws.put([b"record\n"])
    throttled = "ProvisionedThroughputExceededException"
    aws.fail("get_records", refusal(throttled, "GetRecords"))
    aws.fail("invoke", refusal("ServiceException"), refusal("TooManyRequestsException"))
    aws.fail("put_object", refusal("SlowDown"))
    found = measure()
    assert found["ThrottledGetRecords"] == [1]
    assert found["ExecuteProcessing.Success"] == [0, 0, 1]
    assert len(found["ExecuteProcessing.Duration"]) == 3
    assert found["DeliveryToS3.Success"] == [0, 1]


def test_records_that_do_not_fit_the_table_are_measured(measure: Measure, aws: FakeAws) -> None:
    aws.put([b'{"value": 1}\n', b'{"value": "x"}\n'])
    found = measure(DataFormatConversionConfiguration=conversion())
    assert (found["SucceedConversion.Records"], found["FailedConversion.Records"]) == ([1], [1])
    assert sum(found["DeliveryToS3.Records"]) == 1  # the other is in an error object


def test_records_are_counted_and_not_their_lines(measure: Measure, aws: FakeAws) -> None:
    """A dropped record counts as processed, with no bytes, and is delivered nowhere."""
    results = [
        ("Ok", b'{"value": 1}\n{"value": 2}\n{"value": 3}\n'),
        ("Ok", b'{"value": 1}\n{"value": "x"}\n'),
        ("Dropped", b""),
    ]

    def transform(event: dict[str, Any]) -> Any:
        answer = pass_through(event)
        for entry, (result, data) in zip(answer["records"], results, strict=True):
            entry |= {"result": result, "data": base64.b64encode(data).decode()}
        return answer

    aws.function = transform
    aws.put([b"1", b"2", b"3"])
    found = measure(DataFormatConversionConfiguration=conversion())
    first, second, _ = (len(data) for _, data in results)
    assert (found["SucceedProcessing.Records"], found["SucceedProcessing.Bytes"]) == ([3], [first + second])
    assert (found["SucceedConversion.Records"], found["SucceedConversion.Bytes"]) == ([1], [first])
    assert (found["FailedConversion.Records"], found["FailedConversion.Bytes"]) == ([1], [second])
    assert found["DeliveryToS3.Records"] == [1]


def test_a_partition_too_many_is_measured(measure: Measure, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "MAX_ACTIVE_PARTITIONS", 1)
    aws.put([b"record %d\n" % number for number in range(9)])
    assert 1 in measure()["PartitionCountExceeded"]


def test_what_cannot_be_sent_is_sent_the_next_time_in_its_order() -> None:
    received: list[bytes] = []
    statuses = [503, 200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(statuses[len(received) - 1])
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    outbox = Outbox()
    publisher = Publisher(f"http://127.0.0.1:{server.server_address[1]}", outbox)
    try:
        for value in (1.0, 2.0):
            Meter("stream", outbox, lambda: 0.0).add("Reads", value)
        publisher.publish()
        publisher.publish()
        publisher.publish()  # nothing is left to send
    finally:
        server.shutdown()
        server.server_close()
    assert len(received) == 2
    assert received[0] == received[1]
