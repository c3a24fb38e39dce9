"""The canary against a lake that runs, and against one in which one step at a time does not work."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from factory_lake.canary.steps import STEPS
from factory_lake.cli import main
from harness.camera.archiver import schedule_off
from harness.lake import LocalLake
from harness.lake.functions import function_environment
from tests.e2e.plant import PATIENCE, Factory, broken_code, delivering, rows, sample
from tests.support.local_lake import describe

FACTORY, GATEWAY, CAMERA = "sofia", "line-1", "press-1"
#: How long a step that cannot succeed waits.
SHORT = 15


@pytest.fixture(scope="module")
def plant(factory: Callable[[str], Factory]) -> Factory:
    """A factory whose gateway has sent something of its own."""
    made = factory(FACTORY)
    made.send([sample(), sample()])
    made.send([b'{"speed":4}'], "configuration")
    made.deliver()
    return made


def canary(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any], str]:
    """Run the command; its exit code, its report, and what it said meanwhile."""
    capsys.readouterr()
    words = ["--lake", str(folder), "--factory", FACTORY, "--gateway", GATEWAY, "--format", "json", *more]
    code = main(["canary", *words])
    said = capsys.readouterr()
    return code, json.loads(said.out), said.err


def covered(folder: Path, since: str, capsys: pytest.CaptureFixture[str]) -> set[tuple[Any, ...]]:
    """Each tag of a coverage, with the states that it has."""
    capsys.readouterr()
    now = datetime.now(UTC).isoformat()
    main(["coverage", "--lake", str(folder), "--factory", FACTORY, "--from", since, "--to", now, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    return {
        (*timeline["subject"].values(), span["state"], span["reason"])
        for timeline in found["timelines"]
        if timeline["subject"]["kind"] == "tag"
        for span in timeline["spans"]
        # With time alone a tag becomes quiet.
        if span["state"] != "quiet"
    }


def test_all_arrives_and_none_of_it_is_the_plants(
    lake: LocalLake, plant: Factory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lake.describe()
    since = datetime.fromtimestamp(time.time() - 600, UTC).isoformat()
    before = plant.reconcile().to_json(), covered(folder, since, capsys), _seen(lake)
    function = lake.outputs["video"][FACTORY]["clip_function"]
    with (
        function_environment(lake.cloud, function, QUIET_SECONDS="1", SETTLE_SECONDS="1"),
        delivering(lake, FACTORY, archiving=True),
    ):
        code, report, said = canary(folder, capsys, "--camera", CAMERA, "--wait", str(PATIENCE))
    assert (code, report["failed"]) == (0, []), report
    results = {step["name"]: step["result"] for step in report["steps"]}
    assert list(results) == list(STEPS)
    # The tests' lake has no alarms here.
    assert results == {**dict.fromkeys(STEPS, "done"), "alarms": "skipped"}
    assert re.search(rf"^measurements: waits for {PATIENCE:.0f} s at most \(as --wait says\)$", said, re.MULTILINE)
    assert re.search(r"^measurements: done after \d+\.\d s, is in the table measurements", said, re.MULTILINE)
    told = {step["name"]: (step["detail"], step["where"]) for step in report["steps"]}
    assert told["rejected"][0] == "lies under errors/, by the rule NOT_A_BOOLEAN"
    assert f"/errors/factory={FACTORY}/measurements/processing-failed/" in told["rejected"][1]
    assert told["clip"][1].startswith(f"factory={FACTORY}/camera={CAMERA}/")

    marked = f"SELECT tag_name FROM measurements WHERE {_OURS} AND tag_name LIKE '%canary%'"  # noqa: S608 - ours
    assert rows(lake, marked) == [("_canary",)]
    assert (plant.reconcile().to_json(), covered(folder, since, capsys), _seen(lake)) == before
    code = main(["report", "--lake", str(folder), "--out", str(tmp_path), "--factory", FACTORY, "--from", since])
    assert code in (0, 1)
    assert "_canary" not in (tmp_path / f"{FACTORY}.html").read_text()


_OURS = f"factory = '{FACTORY}'"


def _seen(lake: LocalLake) -> list[object]:
    """What users of the views see of the factory."""
    return [
        sorted(map(str, rows(lake, f"SELECT * FROM {view} WHERE {_OURS}")))  # noqa: S608 - the views' names
        for view in ("measurements_distinct", "configuration_distinct", "configuration_in_force")
    ]


@contextmanager
def rule_off(lake: LocalLake) -> Iterator[None]:
    topic = lake.outputs["gateways"][FACTORY][GATEWAY]["configuration"]["basic_ingest_topic"]
    rule, iot = topic.split("/")[2], lake.cloud.client("iot")
    iot.disable_topic_rule(ruleName=rule)
    try:
        yield
    finally:
        iot.enable_topic_rule(ruleName=rule)


def transform_fails(lake: LocalLake) -> AbstractContextManager[None]:
    return broken_code(lake, lake.outputs["transform_functions"][FACTORY]["configuration"], "raise ValueError")


def archiver_off(lake: LocalLake) -> AbstractContextManager[None]:
    return schedule_off(lake.cloud, lake.outputs["video"][FACTORY]["schedule_rules"])


@pytest.mark.parametrize(
    ("step", "broken", "said", "more"),
    [
        ("configuration", rule_off, "the topic rule .* is disabled", ()),
        ("configuration", transform_fails, "lies under errors/ instead: Lambda", ()),
        ("clip", archiver_off, "the archiver's schedule .* is disabled", ("--camera", CAMERA)),
    ],
    ids=["rule off", "transform fails", "archiver off"],
)
def test_the_step_that_does_not_work_is_named(
    step: str,
    broken: Callable[[LocalLake], AbstractContextManager[None]],
    said: str,
    more: tuple[str, ...],
    lake: LocalLake,
    plant: Factory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ExitStack() as around:
        around.enter_context(broken(lake))
        around.enter_context(delivering(lake, FACTORY))
        code, report, _ = canary(lake.describe(), capsys, "--wait", str(SHORT), *more)
    assert (code, report["failed"]) == (1, [step]), report
    (failed,) = [one for one in report["steps"] if one["name"] == step]
    assert re.search(said, failed["detail"])


def test_an_alarm_that_fires_is_named(
    lake: LocalLake, plant: Factory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alarm = {"Namespace": "Tests", "MetricName": "Nothing", "Period": 60, "EvaluationPeriods": 1, "Threshold": 0}
    cloudwatch = lake.cloud.client("cloudwatch")
    for name, missing in (("sofia-quiet", "notBreaching"), ("sofia-fires", "breaching")):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Statistic="Sum",
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData=missing,
            **alarm,
        )
    lake.cloud.control("POST", "alarms", {})
    outputs: Mapping[str, Any] = {
        **lake.outputs,
        "alarms": {FACTORY: {"messages": {"a": "sofia-quiet", "b": "sofia-fires"}}},
    }
    folder = describe(lake.cloud, tmp_path / "lake", outputs, lake.key_dir)
    with delivering(lake, FACTORY):
        code, report, _ = canary(folder, capsys, "--wait", str(SHORT))
    assert (code, report["failed"]) == (1, ["alarms"]), report
    assert report["steps"][-1]["detail"] == "not OK: sofia-fires (ALARM)"
