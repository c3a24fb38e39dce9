"""A delivery against an AWS that fails on demand: what arrives, when, where, and that nothing is lost."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localcloud.firehose import buffers, delivery
from localcloud.firehose.checkpoint import CheckpointFile
from localcloud.firehose.delivery import LONGEST_PAUSE, Delivery
from localcloud.firehose.settings import read
from localcloud.testing.firehose import (
    FUNCTION,
    STARTED,
    Clock,
    FakeAws,
    FakeShard,
    conversion,
    description,
    month_of,
    pass_through,
    processing,
    refusal,
)

SHARD = "shardId-000000000000"
NAME = r"test-krakow-measurements-1-2026-03-09-08-0\d-\d\d-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STATIC = {"Prefix": "logs/", "ErrorOutputPrefix": None, "DynamicPartitioningConfiguration": None}

Make = Callable[..., Delivery]


@pytest.fixture
def make(aws: FakeAws, clock: Clock, tmp_path: Path) -> Make:
    """Make the delivery of a stream; a second call is what a restarted process does."""

    def make(renew: Callable[[], None] = lambda: None, *, has_news: bool = False, **changes: Any) -> Delivery:
        return Delivery(
            settings=read(description(**changes)),
            clients=aws.client,
            checkpoints=CheckpointFile(tmp_path / "stream.json"),
            renew=renew,
            clock=clock,
            now=clock.now,
            has_news=has_news,
        )

    return make


def flush(one: Delivery, clock: Clock, rounds: int = 100) -> None:
    """Run rounds until everything that is in the stream now is delivered."""
    since = clock()
    for _ in range(rounds):
        clock.seconds += 0.001
        wait = one.round(since)
        if one.is_flushed(since):
            return
        clock.seconds += wait
    raise AssertionError(f"not flushed in {rounds} rounds: {one.status()}")


def run(one: Delivery, clock: Clock, seconds: float) -> None:
    """Run rounds at the delivery's own pace for some time."""
    end = clock.seconds + seconds
    while clock.seconds < end:
        clock.seconds += min(max(one.round(), 0.02), end - clock.seconds)


def lines(count: int, offset: int = 0) -> list[bytes]:
    return [b"record %d\n" % number for number in range(offset, offset + count)]


def stripped(records: list[bytes]) -> Counter[bytes]:
    return Counter(record.strip() for record in records)


def stored(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["shards"]
    return found


# -- where and when


def test_each_partition_becomes_one_object_under_its_prefix(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(9))
    flush(make(), clock)
    assert len(aws.objects) == 3
    for key, body in aws.objects.items():
        match = re.fullmatch(rf"station=krakow/year=2026/month=(\d\d)/{NAME}", key)
        assert match is not None, key
        assert {month_of(line + b"\n")["month"] for line in body.splitlines()} == {match[1]}
    assert stripped(aws.delivered()) == stripped(lines(9))


def test_records_of_an_object_keep_their_order(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(30))
    flush(make(**STATIC), clock)
    assert aws.delivered() == [line.strip() for line in lines(30)]
    assert all(re.fullmatch(rf"logs/2026/03/09/08/{NAME}", key) for key in aws.objects)


def test_an_object_is_named_by_the_arrival_of_its_oldest_record(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(1))
    clock.seconds = 90
    aws.put(lines(1, 3))
    flush(make(**STATIC), clock)
    (key,) = aws.objects
    assert "-2026-03-09-08-00-00-" in key


def test_buffers_wait_for_their_time(make: Make, aws: FakeAws, clock: Clock) -> None:
    """Up to 60 s for the transform's batch and then 60 s for the buffer."""
    one = make()
    aws.put(lines(3))
    run(one, clock, 110)
    assert not aws.objects
    run(one, clock, 15)
    assert stripped(aws.delivered()) == stripped(lines(3))


def test_a_full_buffer_does_not_wait(make: Make, aws: FakeAws, clock: Clock) -> None:
    hints = {"SizeInMBs": 1, "IntervalInSeconds": 900}
    one = make(**STATIC, BufferingHints=hints, ProcessingConfiguration={"Enabled": False})
    aws.put([b"x" * 600_000, b"y" * 600_000])
    run(one, clock, 2)
    assert [len(body) for body in aws.objects.values()] == [1_200_000]


def test_reading_begins_where_the_delivery_stream_began(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(2))
    aws.shards[SHARD].records[0]["ApproximateArrivalTimestamp"] = STARTED - timedelta(seconds=1)
    flush(make(), clock)
    assert aws.delivered() == [b"record 1"]


def test_new_settings_hold_from_the_next_object_on(make: Make, aws: FakeAws, clock: Clock) -> None:
    one = make(**STATIC)
    aws.put(lines(1))
    run(one, clock, 70)
    assert not aws.objects
    changed = read({**description(**{**STATIC, "Prefix": "new/"}), "VersionId": "2"})
    one.reconfigure(changed)
    aws.put(lines(1, 1))
    flush(one, clock)
    old, new = sorted(aws.objects, key=lambda key: key.startswith("new/"))
    assert (aws.objects[old], aws.objects[new]) == (b"record 0\n", b"record 1\n")
    assert new.startswith("new/2026/03/09/08/test-krakow-measurements-2-")


# -- the transform's answers


def _judging(judge: Callable[[bytes], dict[str, Any]]) -> Callable[[dict[str, Any]], Any]:
    def function(event: dict[str, Any]) -> Any:
        answer = pass_through(event)
        for entry in answer["records"]:
            entry |= judge(base64.b64decode(entry["data"]))
        return answer

    return function


def test_a_rejected_record_keeps_its_original_bytes(make: Make, aws: FakeAws, clock: Clock) -> None:
    changed = base64.b64encode(b"changed").decode()
    aws.function = _judging(lambda data: {"result": "ProcessingFailed", "data": changed} if b"1" in data else {})
    aws.put(lines(3))
    one = make()
    clock.seconds = 5
    flush(one, clock)
    assert stripped(aws.delivered()) == stripped([b"record 0", b"record 2"])
    (key,) = (key for key in aws.objects if key.startswith("errors/"))
    assert re.fullmatch(rf"errors/station=krakow/measurements/processing-failed/2026/03/09/{NAME}", key)
    (error,) = aws.errors()
    arrival = round(STARTED.timestamp() * 1000)
    assert error == {
        "attemptsMade": 1,
        "arrivalTimestamp": arrival,
        "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record",
        "attemptEndingTimestamp": arrival + 5001,
        "rawData": base64.b64encode(b"record 1\n").decode(),
        "lambdaArn": FUNCTION,
    }


def test_a_dropped_record_is_done(make: Make, aws: FakeAws, clock: Clock, tmp_path: Path) -> None:
    aws.function = _judging(lambda _: {"result": "Dropped"})
    aws.put(lines(3))
    one = make()
    flush(one, clock)
    assert not aws.objects
    assert stored(tmp_path / "stream.json")[SHARD]["position"] == f"{3:020d}"


def test_a_record_without_partition_keys_goes_to_its_own_error_prefix(make: Make, aws: FakeAws, clock: Clock) -> None:
    transformed = {"data": base64.b64encode(b"transformed").decode(), "metadata": {"partitionKeys": {"year": "2026"}}}
    aws.function = _judging(lambda data: transformed if b"1" in data else {})
    aws.put(lines(3))
    one = make()
    flush(one, clock)
    (error,) = aws.errors()
    assert error["errorCode"] == "DynamicPartitioning.MetadataMissing"
    assert base64.b64decode(error["rawData"]) == b"transformed"
    assert any("/partitioning-failed/" in key for key in aws.objects)


def test_a_prefix_that_becomes_too_long_fails_its_records(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.function = _judging(lambda _: {"metadata": {"partitionKeys": {"year": "x" * 600, "month": "1"}}})
    aws.put(lines(2))
    flush(make(), clock)
    assert not aws.delivered()
    assert {error["errorCode"] for error in aws.errors()} == {"DynamicPartitioning.InvalidPrefix"}


def test_partitions_beyond_the_limit_go_to_the_error_prefix(
    make: Make, aws: FakeAws, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers, "MAX_ACTIVE_PARTITIONS", 5)
    aws.function = _judging(
        lambda data: {"metadata": {"partitionKeys": {"year": data.decode().strip(), "month": "1"}}}
    )
    one = make()
    aws.put(lines(7))
    aws.put(lines(1))
    flush(one, clock)
    assert len(aws.delivered()) == 6
    assert {error["errorCode"] for error in aws.errors()} == {"DynamicPartitioning.ActivePartitionLimitExceeded"}
    errors = [key for key in aws.objects if key.startswith("errors/")]
    assert all("/activePartitionExceeded/" in key for key in errors), errors
    assert len(aws.errors()) == 2
    aws.put(lines(3, 5))
    flush(one, clock)
    assert len(aws.delivered()) == 9


# -- invocations that fail


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (refusal("TooManyRequestsException", "Invoke", 429), "Lambda.InvokeLimitExceeded"),
        (refusal("AccessDeniedException", "Invoke", 403), "Lambda.InvokeAccessDenied"),
        (refusal("ResourceNotFoundException", "Invoke", 404), "Lambda.ResourceNotFound"),
        (refusal("ServiceException", "Invoke", 500), "Lambda.InvocationFailure"),
        (ReadTimeoutError(endpoint_url="lambda"), "Lambda.FunctionRequestTimedOut"),
    ],
    ids=["throttled", "denied", "missing", "broken", "silent"],
)
def test_an_invocation_is_tried_four_times_and_then_the_batch_fails(
    make: Make, aws: FakeAws, clock: Clock, failure: Exception, code: str
) -> None:
    aws.put(lines(2))
    aws.fail("invoke", *[failure] * 4)
    one = make()
    flush(one, clock)
    assert not aws.delivered()
    assert [error["errorCode"] for error in aws.errors()] == [code] * 2
    assert {error["attemptsMade"] for error in aws.errors()} == {4}
    assert stripped([base64.b64decode(error["rawData"]) for error in aws.errors()]) == stripped(lines(2))
    assert len({event["invocationId"] for event in aws.events}) == 4
    assert len({json.dumps(event["records"]) for event in aws.events}) == 1


@pytest.mark.parametrize("answer", ["Unhandled", b"{}", b"not json"], ids=["function error", "no records", "no json"])
def test_an_answer_that_is_no_answer_is_a_failed_invocation(
    make: Make, aws: FakeAws, clock: Clock, answer: Any
) -> None:
    aws.function = lambda _: answer
    aws.put(lines(1))
    flush(make(), clock)
    (error,) = aws.errors()
    assert error["attemptsMade"] == 4
    assert error["errorCode"] in {"Lambda.FunctionError", "Lambda.JsonProcessingException"}


def test_an_invocation_that_recovers_loses_nothing(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(2))
    aws.fail("invoke", *[refusal("TooManyRequestsException")] * 3)
    one = make()
    flush(one, clock)
    assert stripped(aws.delivered()) == stripped(lines(2))
    assert not aws.errors()
    assert aws.calls.count("invoke") == 4


def test_the_number_of_retries_is_the_processors(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(1))
    aws.fail("invoke", refusal("TooManyRequestsException"))
    flush(make(ProcessingConfiguration=processing(NumberOfRetries="0")), clock)
    assert aws.errors()[0]["attemptsMade"] == 1


def test_an_outage_of_the_service_is_waited_for_and_counts_no_try(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(1))
    aws.fail("invoke", *[EndpointConnectionError(endpoint_url="lambda")] * 10)
    one = make()
    flush(one, clock)
    assert stripped(aws.delivered()) == stripped(lines(1))
    assert one.last_error is None


# -- writes that fail


def test_a_failed_write_is_repeated_under_the_same_key_and_holds_the_checkpoint(
    make: Make, aws: FakeAws, clock: Clock, tmp_path: Path
) -> None:
    aws.put(lines(1))
    aws.fail("put_object", *[refusal("SlowDown", "PutObject", 503)] * 12)
    one = make()
    one.round(clock() - 1)
    assert not aws.objects
    assert not (tmp_path / "stream.json").exists()
    status = one.status()
    assert "SlowDown" in status["last_error"]
    assert (status["outstanding_records"], status["objects_to_write"]) == (1, 1)
    (put,) = one._puts
    flush(one, clock)
    assert list(aws.objects) == [put.key]
    assert stored(tmp_path / "stream.json")[SHARD]["position"] == f"{1:020d}"
    assert aws.calls.count("put_object") == 13
    assert one.status()["last_error"] is None


def test_a_failed_write_waits_unless_it_is_hurried(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(1))
    aws.fail("put_object", refusal("SlowDown"))
    one = make()
    one.round(clock() - 1)
    one.round(clock() - 1)
    assert aws.calls.count("put_object") == 1
    one.retry_now()
    one.round(clock() - 1)
    assert aws.calls.count("put_object") == 2
    assert len(aws.delivered()) == 1


def test_a_partition_that_cannot_be_written_does_not_hold_up_the_others(
    make: Make, aws: FakeAws, clock: Clock
) -> None:
    one = make()
    aws.put(lines(3))
    aws.fail("put_object", refusal("AccessDenied", "PutObject", 403))
    one.round(clock() - 1)
    assert len(aws.objects) == 2
    assert not one.is_flushed(clock())
    assert one.status()["shards"][SHARD]["position"] is None


def test_an_error_object_that_cannot_be_written_blocks_the_stream(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.function = _judging(lambda data: {"result": "ProcessingFailed"} if b"1" in data else {})
    aws.put(lines(3))
    aws.fail("put_object", *[refusal("AccessDenied", "PutObject", 403)] * 3)
    one = make()
    one.round(clock() - 1)
    aws.put(lines(3, 10))
    read_before = aws.calls.count("get_records")
    clock.seconds += LONGEST_PAUSE
    one.round(clock() - 1)
    assert one.status()["blocked"]
    assert not aws.objects
    assert aws.calls.count("get_records") == read_before
    flush(one, clock)
    assert stripped(aws.delivered()) == stripped([b"record 0", b"record 2"])
    assert len(aws.errors()) == 4


def test_tries_are_spaced_further_and_further_apart() -> None:
    pauses = [delivery.pause(attempts) for attempts in range(1, 12)]
    assert pauses[:3] == [0.25, 0.5, 1.0]
    assert pauses[-1] == LONGEST_PAUSE
    assert pauses == sorted(pauses)


def test_a_session_that_has_ended_is_renewed(make: Make, aws: FakeAws, clock: Clock) -> None:
    renewed: list[str] = []
    for operation in ("get_records", "invoke", "put_object"):
        aws.fail(operation, refusal("ExpiredToken"))
    aws.put(lines(1))
    flush(make(renew=lambda: renewed.append("session")), clock)
    assert len(renewed) == 3
    assert len(aws.delivered()) == 1


def test_memory_is_bounded_by_early_objects_and_by_not_reading(
    make: Make, aws: FakeAws, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_HELD_BYTES", 1000)
    monkeypatch.setattr(delivery, "READ_BYTES", 300)
    monkeypatch.setattr("localcloud.firehose.source.RECORDS_PER_CALL", 3)
    one = make(
        **STATIC,
        ProcessingConfiguration={"Enabled": False},
        BufferingHints={"SizeInMBs": 128, "IntervalInSeconds": 900},
    )
    aws.put([b"x" * 99 + b"\n"] * 100)
    aws.fail("put_object", *[refusal("SlowDown")] * 8)
    held = []
    for _ in range(200):
        one.round()
        held.append(one.held_bytes)
        clock.seconds += 1
    assert max(held) <= 1300
    assert len(aws.delivered()) > 80


# -- the error log


LOGGING = {"Enabled": True, "LogGroupName": "/test/delivery", "LogStreamName": "errors"}


def test_errors_are_logged_once_a_minute_under_their_codes(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(1))
    aws.fail("invoke", *[refusal("TooManyRequestsException")] * 2)
    aws.fail("put_object", *[refusal("AccessDenied")] * 2)
    flush(make(CloudWatchLoggingOptions=LOGGING), clock)
    assert [entry["errorCode"] for entry in aws.log] == ["Lambda.InvokeLimitExceeded", "S3.AccessDenied"]
    assert {entry["place"] for entry in aws.log} == {("/test/delivery", "errors")}
    assert (aws.log[0]["processor"], aws.log[0]["deliveryStreamVersionId"]) == (FUNCTION, 1)


def test_an_error_log_that_cannot_be_written_holds_up_nothing(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(1))
    aws.fail("put_object", refusal("AccessDenied"))
    aws.fail("put_log_events", refusal("AccessDeniedException"))
    flush(make(CloudWatchLoggingOptions=LOGGING), clock)
    assert (len(aws.delivered()), aws.log) == (1, [])


# -- conversion


def test_records_become_rows_and_misfits_become_errors(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.columns = [{"Name": "value", "Type": "double"}, {"Name": "absent", "Type": "string"}]
    aws.put([b'{"value":1}\n', b'{"value":"high"}\n', b"{", b'{"value":2.5}\n'])
    one = make(DataFormatConversionConfiguration=conversion())
    flush(one, clock)
    rows = []
    for key, body in aws.objects.items():
        if not key.startswith("errors/"):
            assert key.endswith(".parquet")
            rows += pq.read_table(io.BytesIO(body)).to_pylist()
    assert sorted(row["value"] for row in rows) == [1, 2.5]
    assert {row["absent"] for row in rows} == {None}
    mismatch, malformed = sorted(aws.errors(), key=lambda error: str(error["sequenceNumber"]))
    assert mismatch["lastErrorCode"] == "DataFormatConversion.MalformedData"
    assert malformed["lastErrorCode"] == "DataFormatConversion.ParseError"
    assert base64.b64decode(mismatch["rawData"]) == b'{"value":"high"}\n'
    assert mismatch["dataCatalogTable"]["tableName"] == "measurements"
    assert any("/format-conversion-failed/" in key for key in aws.objects)


def test_a_result_of_several_lines_becomes_as_many_rows_or_fails_whole(make: Make, aws: FakeAws, clock: Clock) -> None:
    results = {b"1": b'{"value":1}\n{"value":2}\n', b"2": b'{"value":3}\n{"value":"high"}\n{"value":5}\n'}
    aws.function = _judging(lambda data: {"data": base64.b64encode(results[data]).decode()})
    aws.put(results)
    flush(make(DataFormatConversionConfiguration=conversion()), clock)
    (table,) = [pq.read_table(io.BytesIO(body)) for key, body in aws.objects.items() if not key.startswith("errors/")]
    assert table.column("value").to_pylist() == [1, 2]
    (error,) = aws.errors()
    assert (error["lastErrorCode"], base64.b64decode(error["rawData"])) == (
        "DataFormatConversion.MalformedData",
        results[b"2"],
    )


def test_without_conversion_the_lines_of_a_result_are_delivered_as_they_are(
    make: Make, aws: FakeAws, clock: Clock
) -> None:
    line = b'{"a":1}\r\n\n[2]{"b"\n no JSON'
    aws.function = _judging(lambda _: {"data": base64.b64encode(line).decode()})
    aws.put([b"1"])
    flush(make(), clock)
    assert list(aws.objects.values()) == [line]


@pytest.mark.parametrize(
    ("code", "reported"),
    [
        ("AccessDeniedException", "DataFormatConversion.AccessDenied"),
        ("EntityNotFoundException", "DataFormatConversion.EntityNotFound"),
    ],
)
def test_a_table_that_cannot_be_read_sends_records_to_the_error_prefix(
    make: Make, aws: FakeAws, clock: Clock, code: str, reported: str
) -> None:
    aws.put([b'{"value":1}\n'])
    aws.fail("get_table_versions", refusal(code))
    one = make(DataFormatConversionConfiguration=conversion())
    flush(one, clock)
    (error,) = aws.errors()
    assert error["lastErrorCode"] == reported
    aws.put([b'{"value":2}\n'])
    flush(one, clock)
    assert len(aws.errors()) == 1


def test_a_fault_of_glue_that_passes_is_waited_for(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put([b'{"value":1}\n'])
    aws.fail("get_table_versions", *[refusal("ThrottlingException")] * 5)
    one = make(DataFormatConversionConfiguration=conversion())
    flush(one, clock)
    assert not aws.errors()
    assert len(aws.objects) == 1


@pytest.mark.parametrize("kind", ["", "text", "varchar(5)", "binary", "decimal(6,2)", "array<int>", "struct<a:int>"])
def test_a_table_with_a_type_that_is_not_converted_fails_its_records(
    make: Make, aws: FakeAws, clock: Clock, kind: str
) -> None:
    aws.columns = [{"Name": "value", "Type": kind}]
    aws.put([b'{"value":1}\n'])
    flush(make(DataFormatConversionConfiguration=conversion()), clock)
    assert aws.errors()[0]["lastErrorCode"] == "DataFormatConversion.InvalidSchema"


# -- the source


def test_a_throttled_or_expired_read_goes_on_where_it_was(make: Make, aws: FakeAws, clock: Clock) -> None:
    one = make()
    aws.put(lines(2))
    one.round()
    for code in ("ProvisionedThroughputExceededException", "ExpiredIteratorException", "InternalFailure"):
        aws.fail("get_records", refusal(code))
    aws.put(lines(2, 2))
    flush(one, clock)
    assert stripped(aws.delivered()) == stripped(lines(4))
    assert one.source.throttled == 1


def test_children_of_a_split_are_read_after_their_parent(
    make: Make, aws: FakeAws, clock: Clock, tmp_path: Path
) -> None:
    monotone = make(**STATIC)
    aws.put(lines(2))
    monotone.round()
    aws.put(lines(2, 2))
    aws.shards[SHARD].closed = True
    aws.shards |= {"shardId-000000000001": FakeShard((SHARD,)), "shardId-000000000002": FakeShard((SHARD,))}
    aws.put(lines(1, 4), "shardId-000000000001")
    aws.put(lines(1, 5), "shardId-000000000002")
    flush(monotone, clock)
    assert aws.delivered() == [line.strip() for line in lines(6)]
    assert stored(tmp_path / "stream.json")[SHARD] == {"position": None, "finished": True}
    aws.put(lines(1, 6), "shardId-000000000002")
    flush(make(**STATIC), clock)
    assert stripped(aws.delivered()) == stripped(lines(7))


def test_a_merge_is_read_after_both_parents(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.shards["shardId-000000000001"] = FakeShard()
    one = make(**STATIC)
    one.round()
    for shard_id in (SHARD, "shardId-000000000001"):
        aws.put(lines(2), shard_id)
        aws.shards[shard_id].closed = True
    aws.shards["shardId-000000000002"] = FakeShard((SHARD, "shardId-000000000001"))
    aws.put(lines(1, 9), "shardId-000000000002")
    flush(one, clock)
    assert aws.delivered()[-1] == b"record 9"
    assert len(aws.delivered()) == 5


def test_a_shard_that_has_expired_is_forgotten(make: Make, aws: FakeAws, clock: Clock, tmp_path: Path) -> None:
    one = make()
    aws.put(lines(1))
    aws.shards["shardId-000000000001"] = FakeShard()
    flush(one, clock)
    del aws.shards[SHARD]
    flush(one, clock)
    aws.put(lines(1, 1), "shardId-000000000001")
    flush(one, clock)
    assert list(one.status()["shards"]) == ["shardId-000000000001"]
    assert SHARD not in stored(tmp_path / "stream.json")


# -- crashes


class PowerCutError(BaseException):
    """The process ends here."""


def _calls_until(aws: FakeAws, calls: int, after: bool) -> Iterator[None]:
    """Let the process end at a call: before it has an effect, or after it."""
    original = aws._called

    def called(operation: str) -> None:
        nonlocal calls
        calls -= 1
        if calls < 0 and not after:
            raise PowerCutError
        original(operation)

    aws._called = called  # type: ignore[method-assign]
    put_object = aws.put_object

    def put(**arguments: Any) -> dict[str, Any]:
        answer = put_object(**arguments)
        if calls < 0 and after:
            raise PowerCutError
        return answer

    aws.put_object = put  # type: ignore[method-assign]
    yield
    aws._called = original  # type: ignore[method-assign]
    aws.put_object = put_object  # type: ignore[method-assign]


_STEP = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 5)),
    st.tuples(st.just("run"), st.integers(1, 90)),
    st.tuples(st.just("flush"), st.just(0)),
    st.tuples(
        st.just("fail"), st.sampled_from(["get_records", "list_shards", "invoke", "put_object", "get_shard_iterator"])
    ),
    st.tuples(st.just("crash before"), st.integers(0, 8)),
    st.tuples(st.just("crash after"), st.integers(0, 8)),
    st.tuples(st.just("split"), st.just(0)),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_STEP, min_size=3, max_size=14))
def test_whatever_fails_and_whenever_it_dies_every_record_arrives(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    clock = Clock()
    aws = FakeAws(clock)
    checkpoints = CheckpointFile(tmp_path_factory.mktemp("crash") / "stream.json")

    def restarted() -> Delivery:
        return Delivery(read(description()), aws.client, checkpoints, lambda: None, clock, clock.now)

    one, crashed, sent, failing, leaf = restarted(), False, 0, 0, SHARD
    for what, value in steps:
        if what == "put":
            aws.put(lines(value, sent), leaf)
            sent += value
        elif what == "run":
            run(one, clock, value)
        elif what == "flush":
            flush(one, clock)
        elif what == "fail":
            # Fewer than the transform's tries, so that no batch is given up.
            failing += value == "invoke"
            if value != "invoke" or failing <= 3:
                aws.fail(value, refusal("InternalFailure", value, 500))
        elif what == "split":
            aws.shards[leaf].closed = True
            child = f"shardId-{len(aws.shards):012d}"
            aws.shards[child] = FakeShard((leaf,))
            leaf = child
        else:
            cut = _calls_until(aws, value, after=what == "crash after")
            next(cut)
            try:
                flush(one, clock)
            except PowerCutError:
                one, crashed = restarted(), True
            next(cut, None)
    flush(one, clock)
    delivered = stripped(aws.delivered())
    assert set(delivered) == set(stripped(lines(sent)))
    if not crashed:
        assert delivered == stripped(lines(sent))


def test_a_restart_repeats_at_most_what_was_not_checkpointed(make: Make, aws: FakeAws, clock: Clock) -> None:
    aws.put(lines(2))
    flush(make(), clock)
    aws.put(lines(2, 2))
    cut = _calls_until(aws, len(["get_records", "invoke", "put_object"]) - 1, after=True)
    next(cut)
    with pytest.raises(PowerCutError):
        flush(make(**STATIC), clock)
    next(cut, None)
    flush(make(**STATIC), clock)
    assert set(stripped(aws.delivered())) == set(stripped(lines(4)))
    assert stripped(aws.delivered())[b"record 0"] == 1


def reads(one: Delivery, aws: FakeAws, clock: Clock, seconds: float) -> int:
    """How often a delivery reads its one shard in so many seconds."""
    before = aws.calls.count("get_records")
    run(one, clock, seconds)
    return aws.calls.count("get_records") - before


def test_a_stream_without_news_is_read_every_ten_seconds(make: Make, aws: FakeAws, clock: Clock) -> None:
    told, untold = make(has_news=True), make()
    assert reads(told, aws, clock, 60) in (6, 7)
    assert reads(untold, aws, clock, 60) in (60, 61)


def test_a_stream_with_news_is_read_at_once_but_once_a_second(make: Make, aws: FakeAws, clock: Clock) -> None:
    one = make(has_news=True)
    assert reads(one, aws, clock, 5) == 1
    for _ in range(3):
        one.poll_soon()
    assert reads(one, aws, clock, 0.5) == 1
    one.poll_soon()
    assert reads(one, aws, clock, 0.25) == 0
    assert reads(one, aws, clock, 0.5) == 1


def test_a_stream_is_read_every_second_while_there_are_records_or_errors(
    make: Make, aws: FakeAws, clock: Clock
) -> None:
    one = make(has_news=True)
    aws.fail("get_records", *[refusal("InternalFailure")] * 4)
    assert reads(one, aws, clock, 4.5) == 5
    aws.put([b"1\n"])
    one.poll_soon()
    assert reads(one, aws, clock, 2.5) == 2
