"""Failures by the objects under `errors/`: rule, gateway, tag and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from factory_lake.coverage.evidence import Failure
from factory_lake.coverage.refusals import Refusals
from factory_lake.redrive.origins import RejectionLog
from factory_lake.redrive.prediction import Prediction
from tests.unit.factory_lake.redrive.conftest import plant  # noqa: F401 - a fixture
from tests.unit.factory_lake.redrive.plant import ARRIVAL, ENVIRONMENT, LANE, TODAY, Plant, sample

DAY_MS = 86_400_000


@pytest.fixture
def reader(plant: Plant) -> Refusals:  # noqa: F811 - the fixture
    return Refusals(plant.s3, LANE, RejectionLog(plant.logs, LANE.log_group), Prediction(ENVIRONMENT))


def read(reader: Refusals) -> list[Failure]:
    return reader.failures(TODAY, TODAY)


def test_the_log_tells_rule_and_gateway_and_the_message_its_tag_and_time(plant: Plant, reader: Refusals) -> None:  # noqa: F811
    key = plant.reject(sample(1, datatype=" ", timestamp=ARRIVAL - 5000))
    (found,) = read(reader)
    assert (found.state, found.gateway, found.reason) == ("refused", "line-1", "BLANK_STRING")
    assert found.tag is not None
    assert found.tag[1] == "tag-1"
    assert found.at_ms == ARRIVAL - 5000
    assert found.place == f"s3://{LANE.bucket}/{key}#0"


@pytest.mark.parametrize("off_days", [3, -500])
def test_a_clock_that_is_off_is_not_believed(plant: Plant, reader: Refusals, off_days: int) -> None:  # noqa: F811
    plant.reject(sample(1, timestamp=ARRIVAL + off_days * DAY_MS))
    (found,) = read(reader)
    assert found.at_ms == ARRIVAL
    assert found.reason.startswith("TIMESTAMP_TOO_")


def test_without_a_log_the_transform_itself_tells_the_rule(plant: Plant, reader: Refusals) -> None:  # noqa: F811
    plant.fail(sample(1, datatype=" "))
    (found,) = read(reader)
    assert (found.gateway, found.reason) == (None, "BLANK_STRING")


def test_a_batch_that_fails_as_a_whole_stands_for_its_samples(plant: Plant, reader: Refusals) -> None:  # noqa: F811
    plant.fail(b'{"samples":[' + sample(1) + b"," + sample(2) + b"]}")
    assert [one.tag and one.tag[1] for one in read(reader)] == ["tag-1", "tag-2"]


def test_what_names_no_tag_is_its_gateways(plant: Plant, reader: Refusals) -> None:  # noqa: F811
    plant.reject(b"not JSON")
    (found,) = read(reader)
    assert (found.gateway, found.tag, found.at_ms, found.reason) == ("line-1", None, ARRIVAL, "NOT_JSON")


def test_an_error_action_tells_gateway_and_action(plant: Plant, reader: Refusals) -> None:  # noqa: F811
    plant.error_action(sample(1, timestamp=ARRIVAL - 7000))
    (found,) = read(reader)
    assert (found.state, found.gateway, found.reason) == ("error_action", "line-1", "KinesisAction")
    assert found.at_ms == ARRIVAL - 7000


def test_other_days_are_not_read_and_too_many_lines_are_said(plant: Plant, reader: Refusals) -> None:  # noqa: F811
    plant.reject(b"one", b"two", b"three")
    assert reader.failures(TODAY + timedelta(1), TODAY + timedelta(2)) == []
    few = replace(reader, most_lines=2)
    few.failures(TODAY, TODAY)
    (note,) = few.notes
    assert "more than 2 messages" in note


def test_what_the_canary_had_refused_is_no_failure(plant: Plant, reader: Refusals) -> None:  # noqa: F811
    plant.reject(sample(1, tagName="_canary-rejected", success="no"), sample(2, success="no"))
    assert [one.tag and one.tag[1] for one in read(reader)] == ["tag-2"]
