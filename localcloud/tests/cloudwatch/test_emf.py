"""The embedded metric format: what documents give, and which are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.cloudwatch.emf import EmfError, read
from localcloud.cloudwatch.metrics import MetricId

MILLISECONDS = 1_700_000_000_123


def document(directive: dict[str, Any] | None = None, /, **members: Any) -> str:
    definition = {
        "Namespace": "Test",
        "Dimensions": [["Station"], ["Station", "Camera"]],
        "Metrics": [{"Name": "Backlog", "Unit": "Seconds"}, {"Name": "Sizes"}],
        **(directive or {}),
    }
    envelope = {"Timestamp": MILLISECONDS, "CloudWatchMetrics": [definition]}
    own = {"Station": "krakow", "Camera": "press-1", "Backlog": 2.5, "Sizes": [1, 3, 3]}
    return json.dumps({"_aws": envelope, **own, **members})


def test_every_metric_of_every_dimension_set_is_a_data_point() -> None:
    data = read(document())
    assert data is not None
    station, camera = {"Station": "krakow"}, {"Station": "krakow", "Camera": "press-1"}
    assert {(one.metric, one.unit) for one in data} == {
        (MetricId.of("Test", name, dimensions), unit)
        for name, unit in (("Backlog", "Seconds"), ("Sizes", "None"))
        for dimensions in (station, camera)
    }
    assert {one.timestamp for one in data} == {MILLISECONDS / 1000}
    sizes = next(one.stat for one in data if one.metric == MetricId.of("Test", "Sizes", station))
    assert {name: sizes.statistic(name) for name in ("SampleCount", "Sum", "Minimum", "Maximum")} == {
        "SampleCount": 3,
        "Sum": 7,
        "Minimum": 1,
        "Maximum": 3,
    }


@pytest.mark.parametrize(
    "message",
    ["START RequestId: 1", '{"level": "INFO", "message": "run"}', '{"_aws": {}}', '["_aws"]', '{"_aws": 1}', "{"],
)
def test_other_lines_are_no_documents(message: str) -> None:
    assert read(message) is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (document({"Namespace": ""}), "Namespace"),
        (document({"Dimensions": []}), "at least one"),
        (document({"Dimensions": ["Station"]}), "array"),
        (document({"Dimensions": [["Machine"]]}), "'Machine' must name a member"),
        (document(Station=7), "that is a text, got 7"),
        (document({"Metrics": [{"Name": "Clips"}]}), "Clips has no member"),
        (document({"Metrics": [{"Name": "Backlog", "Unit": "seconds"}]}), "'seconds'"),
        (document({"Metrics": [{"Name": "Backlog", "StorageResolution": 5}]}), "must be 60 here, got 5"),
        (document({"Metrics": [{"Unit": "Count"}]}), "Name must be"),
        (document({"Metrics": [{"Name": "Backlog"}] * 101}), "at most 100"),
        (document(Backlog="2.5"), "must be a number, got '2.5'"),
        (document(Backlog=True), "must be a number, got True"),
        (document(Backlog={"value": 1}), "must be a number"),
        (document(Sizes=[1] * 101), "1..100 values, got 101"),
        (document(Sizes=[]), "1..100 values, got 0"),
        (document().replace(f"{MILLISECONDS}", '"today"'), "Timestamp must be an integer"),
    ],
)
def test_a_document_that_breaks_the_specification_is_refused_with_the_reason(message: str, reason: str) -> None:
    with pytest.raises(EmfError) as caught:
        read(message)
    assert reason in str(caught.value)
