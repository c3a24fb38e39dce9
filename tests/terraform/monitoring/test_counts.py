"""The numbers that factory_lake.sizing has of the modules are those of a plan of the lake."""

from pathlib import Path
from typing import Any

import pytest

from factory_lake.module_interface import REPOSITORY
from factory_lake.sizing import modules, quotas
from factory_lake.sizing.plant import Assumed, Factory, Plant, read_plant
from factory_lake.sizing.rows import Row

# One worker for all, so that the lake is planned once.
pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300), pytest.mark.xdist_group("monitoring")]

# The lake of planned.py, in numbers.
_PLANT = """
[factories.krakow]
gateways = 2
cameras = { count = 2, mbit_per_second = 2 }
video = { shards = 6 }

[factories.lyon]
gateways = 1
lanes.configuration.stream = { on_demand = true }
"""
_RATES = """\
tags = 1
samples_per_second = 1
message_bytes = 350
configuration_per_hour = 1
configuration_bytes = 600
"""


@pytest.fixture
def factories(tmp_path: Path) -> dict[str, Factory]:
    path = tmp_path / "plant.toml"
    path.write_text(_PLANT.replace("gateways = ", f"{_RATES}gateways = "))
    return {factory.name: factory for factory in read_plant(path).factories}


def _made(planned: list[dict[str, Any]], kind: str, factory: str = "") -> list[dict[str, Any]]:
    """Resources of a kind, of one factory or of the whole lake."""
    return [
        each["change"]["after"]
        for each in planned
        if (each["mode"], each["type"]) == ("managed", kind) and (not factory or f'["{factory}"]' in each["address"])
    ]


@pytest.mark.parametrize("factory", ["krakow", "lyon"])
def test_alarms(planned: list[dict[str, Any]], factories: dict[str, Factory], factory: str) -> None:
    made = _made(planned, "aws_cloudwatch_metric_alarm", factory)
    assert modules.alarms(factories[factory]) == len(made) > 0
    rules = modules.schedule_rules(factories[factory])
    names = [alarm["alarm_name"] for alarm in made]
    for alike, each, number in (
        ("-press-1-", modules.CAMERA_ALARMS, bool(factories[factory].video)),
        ("start", modules.RULE_ALARMS, rules),
    ):
        assert sum(alike in name for name in names) == each * number, alike
    only_of_several = (REPOSITORY / "modules/video_archiver/alarms.tf").read_text().count("length(local.rules) == 1 ?")
    assert only_of_several == modules.RULE_ALARMS - modules.ONLY_RULE_ALARMS
    expressions = [query["expression"] or "" for alarm in made for query in alarm["metric_query"]]
    assert modules.INSIGHT_ALARMS == sum(text.startswith("SELECT ") for text in expressions) > 0


@pytest.mark.parametrize("factory", ["krakow", "lyon"])
def test_roles_and_rules(planned: list[dict[str, Any]], factories: dict[str, Factory], factory: str) -> None:
    one = factories[factory]
    assert modules.roles(one) == len(_made(planned, "aws_iam_role", factory)) > 0
    assert modules.topic_rules(one) == len(_made(planned, "aws_iot_topic_rule", factory)) > 0
    assert modules.schedule_rules(one) == len(_made(planned, "aws_cloudwatch_event_rule", factory))


def test_what_a_quota_counts_is_what_the_lake_makes(
    planned: list[dict[str, Any]], factories: dict[str, Factory]
) -> None:
    """Of the whole lake, so that nothing stands outside of the factories."""
    rows = {row.what: row for row in quotas.rows_of(Plant(tuple(factories.values()), Assumed()))}
    kinds = {
        "IoT Core: topic rules": "aws_iot_topic_rule",
        "Firehose: delivery streams": "aws_kinesis_firehose_delivery_stream",
        "Kinesis Video Streams: streams": "aws_kinesis_video_stream",
        "IAM: roles": "aws_iam_role",
        "EventBridge: rules of the default bus": "aws_cloudwatch_event_rule",
    }
    assert {what: rows[what].asked for what in kinds} == {
        what: len(_made(planned, kind)) for what, kind in kinds.items()
    }
    streams = _made(planned, "aws_kinesis_stream")
    assert rows["Kinesis: provisioned shards"].asked == sum(stream["shard_count"] or 0 for stream in streams) > 0
    modes = [stream["stream_mode_details"][0]["stream_mode"] for stream in streams]
    assert rows["Kinesis: on-demand data streams"].asked == modes.count("ON_DEMAND") > 0


def test_an_unknown_limit_is_never_too_small() -> None:
    assert Row("x", "1", 1, None, "").cells == ["x", "1", "1", "differs", ""]
