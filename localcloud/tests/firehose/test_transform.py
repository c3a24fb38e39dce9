"""The transform's event, its batches, and the reading of every answer a function can give."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.firehose.errors import InvocationError, RecordError
from localcloud.firehose.records import Receipt, Record
from localcloud.firehose.transform import MAX_PAYLOAD, Batcher, Dropped, Transformed, event, event_size, read_answer
from localcloud.testing.firehose import STARTED, Clock, record


def answered(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"records": entries}).encode()


def ok(number: int, data: bytes = b"out", **metadata: Any) -> dict[str, Any]:
    return {
        "recordId": f"id-{number}",
        "result": "Ok",
        "data": base64.b64encode(data).decode(),
        "metadata": {"partitionKeys": metadata},
    }


def test_the_event_is_what_a_kinesis_source_sends() -> None:
    sent = event([record(7, b"\xff\x00")], "invocation", "delivery-arn", "stream-arn", "eu-central-1")
    arrival = round(STARTED.timestamp() * 1000) + 7
    assert sent == {
        "invocationId": "invocation",
        "sourceKinesisStreamArn": "stream-arn",
        "deliveryStreamArn": "delivery-arn",
        "region": "eu-central-1",
        "records": [
            {
                "recordId": "id-7",
                "approximateArrivalTimestamp": arrival,
                "data": "/wA=",
                "kinesisRecordMetadata": {
                    "sequenceNumber": "7",
                    "subsequenceNumber": 0,
                    "partitionKey": "1/line-1/2",
                    "shardId": "shardId-000000000000",
                    "approximateArrivalTimestamp": arrival,
                },
            }
        ],
    }


def test_outcomes_come_in_the_order_of_the_records() -> None:
    payload = answered(
        {"recordId": "id-2", "result": "ProcessingFailed", "data": "eA=="},
        {"recordId": "id-1", "result": "Dropped"},
        ok(0, b"new", year="2026"),
    )
    transformed, dropped, failed = read_answer(payload, [record(0), record(1), record(2)])
    assert transformed == Transformed(b"new", {"year": "2026"})
    assert dropped == Dropped()
    assert isinstance(failed, RecordError)
    assert failed.code == "Lambda.ProcessingFailedStatus"


def test_a_record_left_out_or_answered_twice_fails_alone() -> None:
    answer = answered(ok(0), ok(1), ok(0))
    outcomes = read_answer(answer, [record(0), record(1), record(2)])
    codes = [outcome.code if isinstance(outcome, RecordError) else None for outcome in outcomes]
    assert codes == ["Lambda.DuplicatedRecordId", None, "Lambda.MissingRecordId"]


def test_a_record_that_was_not_asked_for_is_ignored() -> None:
    assert read_answer(answered(ok(0), ok(9)), [record(0)]) == [Transformed(b"out", {})]


def test_ok_without_data_fails_the_record() -> None:
    (outcome,) = read_answer(answered({"recordId": "id-0", "result": "Ok"}), [record(0)])
    assert isinstance(outcome, RecordError)
    assert outcome.code == "Lambda.InvalidReturnFormat"


@pytest.mark.parametrize("metadata", [None, [], {"partitionKeys": None}, {"partitionKeys": ["year"]}])
def test_metadata_of_another_shape_holds_no_keys(metadata: Any) -> None:
    assert read_answer(answered({**ok(0), "metadata": metadata}), [record(0)]) == [Transformed(b"out", {})]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "Lambda.JsonProcessingException"),
        (b"not json", "Lambda.JsonProcessingException"),
        (b'"records"', "Lambda.JsonProcessingException"),
        (b'{"records": {}}', "Lambda.JsonProcessingException"),
        (b'{"records": [1]}', "Lambda.JsonProcessingException"),
        (answered({**ok(0), "result": "ok"}), "Lambda.JsonProcessingException"),
        (answered({**ok(0), "data": "%%%="}), "Lambda.FunctionError"),
        (answered({**ok(0), "data": "YQ"}), "Lambda.FunctionError"),
        (answered(ok(0, b"x" * MAX_PAYLOAD)), "Lambda.FunctionError"),
    ],
    ids=["empty", "text", "string", "object", "numbers", "result", "alphabet", "padding", "size"],
)
def test_an_answer_that_cannot_be_read_fails_as_a_whole(payload: bytes, code: str) -> None:
    with pytest.raises(InvocationError) as failure:
        read_answer(payload, [record(0)])
    assert failure.value.code == code


_ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "recordId": st.sampled_from(["id-0", "id-1", "id-2", "other", 3, None]),
        "result": st.sampled_from(["Ok", "Dropped", "ProcessingFailed"]),
        "data": st.sampled_from(["", "YQ==", None]),
        "metadata": st.sampled_from([None, {}, {"partitionKeys": {"year": "2026"}}]),
    },
)


@given(st.lists(_ENTRY, max_size=6))
def test_every_record_gets_exactly_one_outcome(entries: list[dict[str, Any]]) -> None:
    records = [record(number) for number in range(3)]
    try:
        outcomes = read_answer(answered(*entries), records)
    except InvocationError:
        assert any(entry.get("result") is None for entry in entries)
        return
    assert len(outcomes) == 3
    for number, outcome in enumerate(outcomes):
        times = sum(entry.get("recordId") == f"id-{number}" for entry in entries)
        if times != 1:
            assert isinstance(outcome, RecordError)
            expected = "Lambda.DuplicatedRecordId" if times else "Lambda.MissingRecordId"
            assert outcome.code == expected


@pytest.mark.parametrize(("size", "fits"), [(1_024_000, True), (1_024_001, False)])
def test_a_result_has_at_most_1000_kib_in_all_its_lines(size: int, fits: bool) -> None:
    data = (b'{"a":1}\n' * (size // 8 + 1))[:size]
    entry = {"recordId": "id-0", "result": "Ok", "data": base64.b64encode(data).decode()}
    (outcome,) = read_answer(json.dumps({"records": [entry]}).encode(), [record(0)])
    assert isinstance(outcome, Transformed if fits else RecordError)


def test_a_batch_is_due_by_size_or_by_the_age_of_its_first_record() -> None:
    clock = Clock()
    batcher = Batcher(10, 60, clock)
    waits = [batcher.wait]
    batcher.add(record(0, b"123456"))
    clock.seconds = 59
    assert not batcher.due()
    waits.append(batcher.wait)
    batcher.add(record(1, b"1234"))
    waits.append(batcher.wait)
    assert waits == [None, 1, 0]
    assert [[one.id for one in batch] for batch in batcher.due()] == [["id-0", "id-1"]]
    batcher.add(record(2))
    clock.seconds = 119
    assert [len(batch) for batch in batcher.due()] == [1]
    assert batcher.size == 0


def test_a_batch_never_passes_its_size_hint_except_for_one_large_record() -> None:
    batcher = Batcher(10, 60, Clock())
    for number, length in enumerate((6, 6, 25, 1)):
        batcher.add(record(number, b"x" * length))
    assert [[len(one.data) for one in batch] for batch in batcher.due(force=True)] == [[6], [6], [25], [1]]


def test_many_small_records_are_cut_by_the_size_of_the_event() -> None:
    batcher = Batcher(3 << 20, 60, Clock())
    count = 2 * MAX_PAYLOAD // event_size(record(0))
    for number in range(count):
        batcher.add(record(number))
    batches = batcher.due(force=True)
    sizes = [len(json.dumps(event(batch, "i", "d", "s", "r"), separators=(",", ":"))) for batch in batches]
    assert sum(len(batch) for batch in batches) == count
    assert len(batches) > 1
    assert max(sizes) <= MAX_PAYLOAD


@given(st.binary(max_size=40), st.integers(0, 10**20), st.text(max_size=20))
def test_the_size_of_a_record_in_the_event_is_never_underestimated(data: bytes, number: int, key: str) -> None:
    one = Record("id", "shard", str(number), key, STARTED, data, Receipt("", STARTED))
    with_one = json.dumps(event([one], "i", "d", "s", "r"), separators=(",", ":"))
    without = json.dumps(event([], "i", "d", "s", "r"), separators=(",", ":"))
    assert len(with_one.encode()) - len(without.encode()) <= event_size(one)
