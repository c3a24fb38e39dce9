"""Messages of the canary under `errors/`: found by their bytes, and by the rule that the transform's log names."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from factory_lake.canary.model import REFUSED_BY, Message, StepError, sample
from factory_lake.canary.quarantine import Quarantine
from factory_lake.redrive.origins import RejectionLog
from tests.unit.factory_lake.redrive.conftest import plant  # noqa: F401 - a fixture
from tests.unit.factory_lake.redrive.plant import ARRIVAL, LANE, Plant
from tests.unit.factory_lake.redrive.plant import sample as of_a_plant

SINCE = datetime.fromtimestamp(ARRIVAL / 1000, UTC)


@pytest.fixture
def bad() -> Message:
    return sample("krakow", "line-1", ARRIVAL, is_valid=False)


@pytest.fixture
def errors(plant: Plant) -> Quarantine:  # noqa: F811 - the fixture
    return Quarantine(plant.s3, LANE, partial(RejectionLog, plant.logs, LANE.log_group), SINCE)


def test_it_is_refused_when_object_and_log_are_there(plant: Plant, errors: Quarantine, bad: Message) -> None:  # noqa: F811
    assert errors.refused(bad) is None
    plant.fail(of_a_plant(1), bad.payload)
    found = errors.find(bad)
    assert found is not None
    # CloudWatch is late; the object is there, and not read again.
    assert errors.refused(bad) is None
    plant.reject(bad.payload)
    told = errors.refused(bad)
    assert told is not None
    assert (told.detail, told.where) == (f"lies under errors/, by the rule {REFUSED_BY}", str(found[0]))


def test_another_rule_fails(plant: Plant, errors: Quarantine, bad: Message) -> None:  # noqa: F811
    plant.reject(bad.payload.replace(b'"deviceName":"canary"', b'"deviceName":" "'))
    with pytest.raises(StepError, match="was refused by the rule BLANK_STRING, not NOT_A_BOOLEAN"):
        errors.refused(bad)


def test_what_the_topic_rule_could_not_hand_on_is_found_as_well(
    plant: Plant,  # noqa: F811
    errors: Quarantine,
    bad: Message,
) -> None:
    plant.error_action(bad.payload)
    found = errors.find(bad)
    assert found is not None
    assert found[0].kind == "iot-rule"


def test_objects_of_before_are_not_read(plant: Plant, bad: Message) -> None:  # noqa: F811
    plant.fail(bad.payload)
    late = Quarantine(
        plant.s3, LANE, partial(RejectionLog, plant.logs, LANE.log_group), datetime(2999, 1, 1, tzinfo=UTC)
    )
    assert late.find(bad) is None
