"""What the function says: one log line a rejected record, and metrics."""

from __future__ import annotations

import hashlib
import json

import pytest

from lambda_common.report import print_line
from tests.unit.transform.support import ARRIVAL, Lane, record, sample, spell
from transform.report import Report
from transform.settings import Settings


def test_a_rejection_says_all_that_joins_it_to_its_error_object(measurements: Lane) -> None:
    payload = spell(sample(deviceName="  "))
    assert measurements.rejection(payload) == {
        "level": "WARNING",
        "message": "record rejected",
        "factory": "krakow",
        "lane": "measurements",
        "record_id": record(payload)["recordId"],
        "gateway": "line-1",
        "received_at": ARRIVAL,
        "sha256": hashlib.sha256(payload.encode()).hexdigest(),
        "field": "deviceName",
        "rule": "BLANK_STRING",
    }


def test_a_record_without_an_envelope_has_no_gateway(measurements: Lane) -> None:
    rejection = measurements.rejection("x", key=None)
    assert (rejection["gateway"], rejection["received_at"]) == (None, ARRIVAL + 250)


def test_field_is_null_where_there_is_no_json(measurements: Lane) -> None:
    assert measurements.rejection(b"\xff\x00")["field"] is None


@pytest.mark.parametrize("key", ["k" * 1_000, "é" * 1_000, "\ud800" * 100])
def test_names_are_cut_to_64_characters(measurements: Lane, key: str) -> None:
    payload = "{" + json.dumps(key) + ':" "}'
    assert measurements.rejection(payload)["field"] == key[:64]


def test_log_lines_are_ascii_whatever_the_keys_are() -> None:
    lines: list[str] = []
    Report(Settings(factory="krakow", lane="measurements"), lines.append).log("INFO", "x", field="é\ud800\n")
    assert lines[0].isascii()
    assert "\n" not in lines[0]


def test_metrics_of_a_batch(measurements: Lane) -> None:
    measurements.answers(spell(sample()), "x", "5", "y", spell(sample(value=1)))
    total, *by_rule = measurements.metrics
    assert total == {
        "_aws": {
            "Timestamp": 1_773_039_960_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "FactoryLake",
                    "Dimensions": [["Factory", "Lane"]],
                    "Metrics": [
                        {"Name": "RecordsReceived", "Unit": "Count"},
                        {"Name": "RecordsAccepted", "Unit": "Count"},
                        {"Name": "RecordsRejected", "Unit": "Count"},
                        {"Name": "SamplesReceived", "Unit": "Count"},
                        {"Name": "SamplesRejected", "Unit": "Count"},
                        {"Name": "SamplesPutBack", "Unit": "Count"},
                    ],
                }
            ],
        },
        "Factory": "krakow",
        "Lane": "measurements",
        "RecordsReceived": 5,
        "RecordsAccepted": 2,
        "RecordsRejected": 3,
        "SamplesReceived": 5,
        "SamplesRejected": 3,
        "SamplesPutBack": 0,
    }
    assert [(line["Rule"], line["RecordsRejected"]) for line in by_rule] == [("NOT_JSON", 2), ("NOT_AN_OBJECT", 1)]
    for line in by_rule:
        (definition,) = line["_aws"]["CloudWatchMetrics"]
        assert definition["Dimensions"] == [["Factory", "Lane", "Rule"]]
        assert definition["Metrics"] == [{"Name": "RecordsRejected", "Unit": "Count"}]


def test_the_namespace_is_a_setting() -> None:
    lane = Lane(metrics_namespace="Plants/Lake")
    lane.answers(spell(sample()))
    assert lane.metrics[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Plants/Lake"


@pytest.mark.parametrize(("level", "printed"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 2)])
def test_the_level_decides_what_is_printed(level: str, printed: int) -> None:
    lines: list[str] = []
    report = Report(Settings(factory="krakow", lane="measurements", log_level=level), lines.append)
    for each in ("DEBUG", "INFO", "WARNING", "ERROR"):
        report.log(each, "x")
    assert len(lines) == printed


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING"])
def test_no_level_hides_a_rejection(level: str) -> None:
    assert Lane(log_level=level).rule("x") == "NOT_JSON"


def test_lines_go_to_standard_output_as_it_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """A runtime may put another stream in its place after the import."""
    print_line('{"a": 1}')
    assert capsys.readouterr().out == '{"a": 1}\n'
