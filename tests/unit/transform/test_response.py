"""The answer stays within what Lambda can return."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.unit.transform.support import Lane, event, record, sample, spell
from transform import response
from transform.events import Answer

LIMIT = 6 * 1024 * 1024


def batch(payload: str, count: int) -> list[Any]:
    """Make a number of records of one message."""
    return [record(payload, number) for number in range(count)]


def growing(room: int) -> str:
    """Make a message of a size whose line is twice as long: quotes in attributes are escaped once more."""
    return spell(sample(note='"' * (room // 2 - 130)))


def test_a_full_request_of_clean_messages_is_answered_whole(measurements: Lane) -> None:
    payload = spell(sample())
    share = len(json.dumps(record(payload))) + 2
    records = batch(payload, LIMIT // share - 1)
    answers = measurements.transform.answer(event(records))["records"]
    assert {answer["result"] for answer in answers} == {"Ok"}
    assert len(json.dumps({"records": answers})) <= LIMIT


def test_what_does_not_fit_goes_back_last_first(measurements: Lane) -> None:
    payload = growing(300_000)
    records = batch(payload, 10)
    answers = measurements.transform.answer(event(records))["records"]
    assert len(json.dumps({"records": answers})) <= LIMIT
    results = [answer["result"] for answer in answers]
    accepted = results.count("Ok")
    assert results == ["Ok"] * accepted + ["ProcessingFailed"] * (len(records) - accepted)
    assert 0 < accepted < len(records)
    # One more would have been too many.
    larger = Lane().answers(payload)[0]
    assert len(json.dumps({"records": answers})) - len(json.dumps(answers[-1])) + len(json.dumps(larger)) > LIMIT
    given_back = [answer for answer in answers if answer["result"] != "Ok"]
    assert [answer["data"] for answer in given_back] == [made["data"] for made in records[accepted:]]


def test_each_is_logged_and_counted(measurements: Lane) -> None:
    records = batch(growing(300_000), 15)
    answers = measurements.transform.answer(event(records))["records"]
    failed = [answer["recordId"] for answer in answers if answer["result"] != "Ok"]
    assert [line["record_id"] for line in measurements.rejections] == failed[::-1]
    assert {line["rule"] for line in measurements.rejections} == {"RESPONSE_TOO_LARGE"}
    total, by_rule = measurements.metrics
    assert (total["RecordsReceived"], total["RecordsRejected"]) == (15, len(failed))
    assert (by_rule["Rule"], by_rule["RecordsRejected"]) == ("RESPONSE_TOO_LARGE", len(failed))


def test_a_record_whose_own_bytes_are_more_than_its_line_is_not_given_back() -> None:
    records = [record("x" * size, number) for number, size in enumerate((3_000, 9_000, 3_000))]
    answers: list[Answer] = [
        {"recordId": made["recordId"], "result": "Ok", "data": "A" * 6_000, "metadata": {"partitionKeys": {}}}
        for made in records
    ]
    assert response.fit(records, answers, 15_000) == [2, 0]
    assert [answer["result"] for answer in answers] == ["ProcessingFailed", "Ok", "ProcessingFailed"]


def test_records_that_failed_already_are_left_alone() -> None:
    records = [record("x" * 3_000, number) for number in range(3)]
    answers = [response.failed(made) for made in records]
    answers[0] = {"recordId": records[0]["recordId"], "result": "Ok", "data": "A" * 9_000}
    assert response.fit(records, answers, 14_000) == [0]


@pytest.mark.parametrize("characters", ["\x00", "é", "😀", '"'])
def test_ids_are_measured_as_they_are_spelled(characters: str) -> None:
    records: list[Any] = [{**record("x" * 30), "recordId": characters * 300 + str(number)} for number in range(20)]
    answers: list[Answer] = [
        {"recordId": made["recordId"], "result": "Ok", "data": base64.b64encode(b"y" * 60).decode()}
        for made in records
    ]
    size = len(json.dumps({"records": answers}))
    assert response.fit(records, answers.copy(), size + 2) == []
    assert response.fit(records, answers, size - 1) == [19]


@pytest.mark.parametrize("count", [1, 20])
def test_ids_are_counted_as_they_are_spelled_in_a_batch(measurements: Lane, count: int) -> None:
    """What is near the limit must be measured: here the IDs alone pass it once they are spelled."""
    identifier = "😀" * (LIMIT // 12 // count)
    records: list[Any] = [{**record(spell(sample())), "recordId": identifier + str(number)} for number in range(count)]
    answers = measurements.transform.answer(event(records))["records"]
    assert [answer["result"] for answer in answers] == ["ProcessingFailed"] * count


def test_the_estimate_is_never_too_low() -> None:
    """It is taken instead of the size of most answers, so it must be the larger one."""
    for identifier in ("49" * 28, "", "\x00😀"):
        answer: Answer = {
            "recordId": identifier,
            "result": "Ok",
            "data": "QUJD",
            "metadata": {"partitionKeys": {"year": "2026", "month": "03", "day": "09"}},
        }
        bound = response.FRAME + len("QUJD") + response.MAX_ESCAPE * len(identifier)
        assert bound >= response.size(answer)
        assert response.size(answer) == len(json.dumps([answer, 1])) - len("[1]")
