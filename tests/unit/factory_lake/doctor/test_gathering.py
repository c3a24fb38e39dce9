"""A diagnosis has its minute: what AWS does not answer in it is named, and asked no longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from factory_lake.doctor import collecting
from factory_lake.doctor.collecting import Collector
from factory_lake.doctor.gateway_checks import diagnose, in_words
from factory_lake.doctor.gathering import NO_TIME, TOO_LATE, Deadline, gather, within
from factory_lake.doctor.model import CAUSE
from factory_lake.doctor.watching import Event
from factory_lake.errors import AwsError
from factory_lake.gateway.identities import Source
from factory_lake.lake import Lake, Outputs

# Seconds: enough to ask on a busy machine.
SOON = 1.0
SOURCE = Source("krakow", "line-1", "measurements")
FOREIGN = "b" * 64


@pytest.fixture
def held() -> Iterator[Callable[[], object]]:
    """A question that has no answer before the test ends."""
    end = threading.Event()
    yield end.wait
    end.set()


class Clock:
    """A clock that stands, unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_takes_too_long_is_unknown(held: Callable[[], object]) -> None:
    assert gather({"slow": held, "quick": lambda: 3}, Deadline(SOON)) == {"slow": TOO_LATE, "quick": 3}


def test_what_has_no_time_left_is_not_asked() -> None:
    clock = Clock()
    deadline = Deadline(50, clock)
    clock.now += 51
    asked: list[str] = []

    assert gather({"late": lambda: asked.append("late")}, deadline) == {"late": NO_TIME}
    assert asked == []


def test_a_fault_of_the_program_is_no_unknown() -> None:
    with pytest.raises(ZeroDivisionError):
        gather({"fault": lambda: 1 // 0}, Deadline(60))


def test_a_deadline_leaves_time_to_what_comes_after() -> None:
    clock = Clock()
    deadline = Deadline(50, clock)
    clock.now += 20
    early = deadline.sooner(5)
    assert (deadline.left, early.left) == (30, 25)
    clock.now += 28
    assert (deadline.left, early.left) == (2, 0)
    assert deadline.sooner(5).left == 0


def test_a_question_without_which_there_are_no_others(held: Callable[[], object]) -> None:
    assert within(Deadline(60), "the answer", lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(Deadline(60), "the answer", lambda: 1 // 0)
    with pytest.raises(AwsError, match="the lake's outputs must be there within"):
        within(Deadline(SOON), "the lake's outputs", held)


class Hanging:
    """AWS: a few calls are answered, and every other one hangs.

    Args:
        held: What hangs.
        answers: By the name of the operation.
    """

    region = "eu-central-1"

    def __init__(self, held: Callable[[], object], answers: dict[str, Any]) -> None:
        self._held, self._answers = held, answers

    def client(self, _: str, **__: Any) -> Hanging:
        return self

    def credentials(self) -> None:
        """None that anything is signed with."""

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*_: Any, **__: Any) -> Any:
            return self._answers[operation] if operation in self._answers else self._held()

        return call


def lake() -> Lake:
    """A lake of one lane, of which the doctor needs outputs alone."""
    name, lane = "lake-krakow-measurements", "measurements"
    entry = {"basic_ingest_topic": f"$aws/rules/r/{SOURCE.topic}", "certificate_pems": {}}
    outputs = {
        "athena": {"workgroup": "lake", "database": "lake"},
        "gateways": {"krakow": {"line-1": {lane: entry}}},
        "buckets": {lane: "lake-1-measurements"},
        **{each: {"krakow": {lane: name}} for each in ("data_streams", "delivery_streams", "transform_functions")},
        "iot_endpoint": "x-ats.iot.eu-central-1.amazonaws.com",
        "roles": {"krakow": {lane: {"rule": "arn:aws:iam::123456789012:role/r"}}},
    }
    return Lake("outputs.json", Outputs(outputs, "outputs.json"))


@pytest.fixture
def deadline(monkeypatch: pytest.MonkeyPatch) -> Deadline:
    """Time for the questions, and as much for those that come late."""
    monkeypatch.setattr(collecting, "_LATE_SECONDS", SOON)
    tried = Event("connect_failed", time.time_ns() // 1_000_000, SOURCE.client_id, "AUTHORIZATION_FAILED", FOREIGN)
    monkeypatch.setattr(collecting, "watch", lambda *_: (tried,))
    monkeypatch.setattr(collecting, "_TO_LISTEN_SECONDS", 0)
    return Deadline(2 * SOON)


def test_a_diagnosis_ends_though_aws_hangs(held: Callable[[], object], deadline: Deadline) -> None:
    """What is known counts; the doctor names the rest, late look-ups among it, and takes none of it for a cause."""
    clients: Any = Hanging(
        held, {"describe_thing": {"thingName": SOURCE.client_id}, "list_thing_principals": {"principals": []}}
    )

    facts = Collector(lake(), clients, 20, deadline).collect([SOURCE])[SOURCE]

    assert (facts.thing, facts.certificates, facts.rule) == (True, (), TOO_LATE)
    assert facts.foreign == {FOREIGN: TOO_LATE}
    (said,) = [one for one in in_words(facts) if one.startswith("No time was left")]
    assert said == (
        "No time was left for the answers to: arrivals, broker, clocks, connection, delivery, history, log, "
        "other certificates, policy, refusals, rule, rule counts and rule failure."
    )
    found = {one.check: one for one in diagnose(facts)}
    assert [name for name, one in found.items() if one.verdict == CAUSE] == ["certificate"]
    assert "whose is unknown" in found["certificate"].sentence


def test_late_look_ups_are_not_asked_when_the_time_is_over(held: Callable[[], object], deadline: Deadline) -> None:
    assert deadline.left
    clients: Any = Hanging(held, {"describe_thing": {}})
    facts = Collector(lake(), clients, 20, Deadline(SOON)).collect([SOURCE])[SOURCE]
    assert (facts.thing, facts.certificates, facts.foreign) == (True, NO_TIME, {})


def test_a_first_question_that_hangs_ends_the_command(held: Callable[[], object]) -> None:
    clients: Any = Hanging(held, {})
    with pytest.raises(AwsError, match="AWS IoT's answer must be there within"):
        Collector(lake(), clients, 20, Deadline(SOON)).collect([SOURCE])
