"""Whole events, as Firehose sends them, and records in which something unexpected happens."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.unit.transform.support import EVENTS, Lane, event, record, sample, spell
from transform.batch import _GROUP


def read(name: str) -> Any:
    """Read one of the event files."""
    return json.loads((EVENTS / name).read_text(encoding="utf-8"))


def legible(answer: Any) -> dict[str, Any]:
    """Put the text of an answer's data in the place of its base64, if it is text."""
    return {**answer, "data": base64.b64decode(answer["data"]).decode("utf-8", "backslashreplace")}


@pytest.mark.parametrize(
    ("lane", "name"),
    [
        ("measurements", "measurements_from_kinesis"),
        ("configuration", "configuration_from_kinesis"),
        ("measurements", "measurements_direct_put"),
    ],
)
def test_an_event_has_its_answer(lane: str, name: str) -> None:
    """Each event file has a file beside it with the answer, its data in plain text."""
    answer = Lane(lane).transform.answer(read(f"{name}.json"))
    assert [legible(each) for each in answer["records"]] == read(f"{name}.answer.json")


def test_an_empty_batch_has_an_empty_answer(measurements: Lane) -> None:
    assert measurements.transform.answer(event([])) == {"records": []}


def break_second(lane: Lane, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lane fail in an unexpected way whenever a message says so."""
    convert = type(lane.transform._lane).convert

    def failing(self: Any, payload: bytes, *rest: Any) -> Any:
        if b"break" in payload:
            raise error
        return convert(self, payload, *rest)

    monkeypatch.setattr(type(lane.transform._lane), "convert", failing)


@pytest.mark.parametrize("error", [ValueError("secret 42"), KeyError("secret"), MemoryError(), RecursionError()])
def test_an_unexpected_error_costs_one_record(
    measurements: Lane, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_second(measurements, error, monkeypatch)
    good, bad = spell(sample()), spell(sample(deviceName="break"))
    answers = measurements.answers(good, bad, good)
    assert [answer["result"] for answer in answers] == ["Ok", "ProcessingFailed", "Ok"]
    assert base64.b64decode(answers[1]["data"]).decode() == bad
    (line,) = measurements.rejections
    assert (line["level"], line["rule"], line["field"]) == ("ERROR", "INTERNAL_ERROR", None)
    assert line["exception"] == type(error).__name__
    assert line["place"].startswith("tests.unit.transform.test_batch:")
    assert "secret" not in json.dumps(line)
    assert [each.get("Rule") for each in measurements.metrics] == [None, "INTERNAL_ERROR"]


@pytest.mark.parametrize(
    "change",
    [
        {"data": "abc"},
        {"data": None},
        {"data": ...},
        {"data": "é"},
        {"approximateArrivalTimestamp": None, "kinesisRecordMetadata": {}},
        {"approximateArrivalTimestamp": ..., "kinesisRecordMetadata": ...},
        {"approximateArrivalTimestamp": 10**30, "kinesisRecordMetadata": ...},
        {"kinesisRecordMetadata": {"partitionKey": None}},
        {"kinesisRecordMetadata": 5},
    ],
)
@pytest.mark.parametrize("lane", ["measurements", "configuration"])
def test_a_record_that_is_not_what_firehose_sends_costs_only_itself(lane: str, change: dict[str, Any]) -> None:
    broken = {**record(spell(sample()), 1), **change}
    broken = {key: value for key, value in broken.items() if value is not ...}
    both = Lane(lane)
    good, bad = both.transform.answer(event([record(spell(sample()), 0), broken]))["records"]
    assert good["result"] == "Ok"
    assert bad == {"recordId": broken["recordId"], "result": "ProcessingFailed", "data": broken.get("data", "")}
    assert both.rejections[0]["record_id"] == broken["recordId"]
    if lane == "configuration" or change.get("approximateArrivalTimestamp") != 10**30:
        assert both.rejections[0]["rule"] == "INTERNAL_ERROR"


def test_what_is_no_error_of_a_record_is_not_hidden(measurements: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda stops a function that runs out of time; that must not look like an answer."""
    break_second(measurements, KeyboardInterrupt(), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        measurements.answers("break")


def test_records_keep_their_places_however_many_come(measurements: Lane) -> None:
    """Records are taken in groups; the last of one and the first of the next may be rejected."""
    refused = {0, _GROUP - 1, _GROUP, 2 * _GROUP, 3 * _GROUP}
    texts = [
        spell(sample(deviceName=" " if number in refused else f" Press {number}")) for number in range(3 * _GROUP + 1)
    ]
    records = [record(text, number) for number, text in enumerate(texts)]
    records[_GROUP + 1]["data"] = "abc"
    answers = measurements.transform.answer(event(records))["records"]
    assert [answer["recordId"] for answer in answers] == [each["recordId"] for each in records]
    failed = {number for number, answer in enumerate(answers) if answer["result"] != "Ok"}
    assert failed == refused | {_GROUP + 1}
    for number, answer in enumerate(answers):
        if number in failed:
            assert answer["data"] == records[number]["data"]
        else:
            assert json.loads(base64.b64decode(answer["data"]))["deviceName"] == f"Press {number}"
    assert [line["record_id"] for line in measurements.rejections] == [
        answers[number]["recordId"] for number in sorted(failed)
    ]


def test_answers_do_not_share_what_could_change(measurements: Lane) -> None:
    first, second = measurements.answers(spell(sample()), spell(sample()))
    first["data"] = ""
    assert second["data"]
