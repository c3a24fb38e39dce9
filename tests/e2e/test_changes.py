"""Changes of a lake that runs, in this order: the last one leaves it with other factories."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.plant import Factory, all_keys, rows, sample
from tools.changes.inputs import inputs_of_the_lake
from tools.changes.plans import outcomes
from tools.changes.protected import protected_root
from tools.changes.surroundings import base_variables
from tools.changes.table import PAGE, missing, render, written
from tools.lake import LocalLake, Terraform, TerraformError


def test_a_second_apply_changes_nothing(lake: LocalLake) -> None:
    assert lake.terraform.changes(lake.variables) == []


def test_a_gateway_without_a_request_is_named_with_the_way_to_make_one(lake: LocalLake) -> None:
    factories = {**lake.variables["factories"], "gdansk": {"gateways": ["dock"]}}
    with pytest.raises(TerraformError) as refused:
        lake.terraform.changes({**lake.variables, "factories": factories})
    told = " ".join(str(refused.value).split())
    assert "gdansk-dock-measurements" in told
    assert "openssl" in told


def test_the_table_of_changes_is_what_plans_say(lake: LocalLake, tmp_path: Path) -> None:
    """Every input has a row, and every row says what the provider plans; `make changes` writes them anew."""
    found = outcomes(lake, tmp_path)
    assert missing(inputs_of_the_lake(), found) == []
    assert written().splitlines() == render(found).splitlines()


class Protected:
    """The applied lake as an environment on AWS would keep it, with one factory; nothing of it is applied."""

    def __init__(self, lake: LocalLake, factory: str, folder: Path) -> None:
        self.factory = factory
        self.variables = {**base_variables(lake, folder, factory)}
        retired = self.variables["retired_factories"]
        self.root: Terraform = protected_root(
            folder / "root", lake.terraform, {"lake": self.variables}, [factory], retired
        )

    def configure(self, **changes: Any) -> None:
        """Edit the environment's call of the lake."""
        call = {"source": "../lake", **self.variables, **changes}
        (self.root.directory / "main.tf.json").write_text(json.dumps({"module": {"lake": call}}))

    def plan(self, *options: str) -> tuple[dict[str, str], list[str]]:
        """What would be done to which address, and the errors."""
        events = self.root.plan_events("-lock=false", "-refresh=false", *options)
        actions = {
            str(event["change"]["resource"]["addr"]): str(event["change"]["action"])
            for event in events
            if event["type"] == "planned_change" and event["change"]["action"] != "read"
        }
        errors = [
            str(event["diagnostic"]["detail"])
            for event in events
            if event["type"] == "diagnostic" and event["diagnostic"]["severity"] == "error"
        ]
        return actions, errors

    def commands(self, heading: str) -> list[list[str]]:
        """The `terraform state` commands of a section of docs/changes.md, as they stand there."""
        section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        lines = re.findall(r"^ *terraform state (.+)$", section.replace("\\\n", " "), re.MULTILINE)
        assert lines, heading
        return [shlex.split(line.replace('"lyon"', f'"{self.factory}"')) for line in lines]

    def follow(self, command: list[str]) -> None:
        """Run one of them."""
        action, *addresses = command
        assert action in ("mv", "rm"), command
        if action == "mv":
            self.root.move(*addresses)
        else:
            self.root.forget(*addresses)


def _protected_kinds(errors: Iterable[str]) -> set[str]:
    """Types and names of what refuses to go."""
    addresses = [re.match(r"Resource (\S+) has lifecycle.prevent_destroy", error) for error in errors]
    return {
        ".".join(re.sub(r"\[[^]]*\]", "", match[1]).split(".")[-2:])
        for match in addresses
        if match is not None
    }


def test_destroying_a_lake_fails_before_anything_is_gone_and_works_on_purpose(
    lake: LocalLake, tmp_path: Path
) -> None:
    protected = Protected(lake, "genoa", tmp_path)

    # Terraform begins where nothing else hangs on, so these are not all that refuse, but they suffice.
    _, errors = protected.plan("-destroy")
    assert _protected_kinds(errors) == {
        "aws_kinesis_video_stream.camera",
        "terraform_data.kept_delivery_stream",
        "terraform_data.queried_factory",
    }

    for command in protected.commands("Destroy an environment"):
        protected.follow(command)
    protected.configure(force_destroy=True)
    actions, errors = protected.plan()
    assert errors == []
    assert set(actions.values()) == {"update"}, actions
    _, errors = protected.plan("-destroy")
    assert errors == []


def test_a_factory_is_taken_out_only_in_the_documented_way(lake: LocalLake, tmp_path: Path) -> None:
    protected = Protected(lake, "lyon", tmp_path)
    retired = [*protected.variables["retired_factories"], "lyon"]

    protected.configure(factories={}, retired_factories=retired)
    _, errors = protected.plan()
    assert _protected_kinds(errors) == {"aws_kinesis_stream.lane"}

    data_streams, delivery_streams = protected.commands("Take a factory out of service")
    protected.follow(data_streams)
    _, errors = protected.plan()
    assert _protected_kinds(errors) == {"terraform_data.kept_delivery_stream"}

    protected.follow(delivery_streams)
    actions, errors = protected.plan()
    assert errors == []
    gone = {address for address, action in actions.items() if action == "delete"}
    assert all(address.startswith('module.lake.module.factory_pipeline["lyon"].') for address in gone)
    assert any("aws_kinesis_stream.disposable" in address for address in gone)
    assert set(actions) == gone, "the tables know the factory already"

    protected.configure(factories={}, retired_factories=protected.variables["retired_factories"])
    _, errors = protected.plan()
    assert _protected_kinds(errors) == {"terraform_data.queried_factory"}
    (command,) = protected.commands("Forget a factory")
    protected.follow(command)
    actions, errors = protected.plan()
    assert errors == []
    assert {address for address, action in actions.items() if action == "update"} == {
        f'module.lake.module.glue_catalog.aws_glue_catalog_table.lake["{table}"]'
        for table in ("measurements", "configuration")
    }


def test_a_retention_is_lowered_only_in_the_documented_way(lake: LocalLake, tmp_path: Path) -> None:
    protected = Protected(lake, "lyon", tmp_path)
    settings = protected.variables["factories"]["lyon"]
    lowered = {**settings, "lanes": {"configuration": {"stream": {"retention_hours": 48}}}}

    protected.configure(factories={"lyon": lowered})
    _, (told,) = protected.plan()
    command = shlex.split(told.split("lower it with ")[1])
    assert command[:3] == ["aws", "kinesis", "decrease-stream-retention-period"]
    names = dict(zip(command[3::2], command[4::2], strict=True))

    stream = {"StreamName": names["--stream-name"]}
    kinesis = lake.cloud.client("kinesis")
    kinesis.decrease_stream_retention_period(
        **stream, RetentionPeriodHours=int(names["--retention-period-hours"])
    )
    try:
        actions, errors = protected.plan("-refresh=true")
        assert errors == []
        # What is left to apply is when messages count as near their loss.
        lane = 'module.lake.module.factory_pipeline["lyon"].aws_cloudwatch_metric_alarm.lane'
        assert actions == {f'{lane}["configuration-time-to-loss"]': "update"}
    finally:
        kinesis.increase_stream_retention_period(**stream, RetentionPeriodHours=72)


def test_a_delivery_stream_is_replaced_without_a_message_skipped(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    """Measurements go by the procedure; configuration does not wait, and shows what it is for."""
    nancy = factory("nancy")
    firehose = lake.cloud.client("firehose")
    streams = lake.outputs["delivery_streams"]["nancy"]

    # Pause: the gateway's last message is acknowledged. Drain: everything read is delivered.
    nancy.send([sample() for _ in range(5)])
    nancy.deliver()
    nancy.send([_update(number) for number in range(3)], "configuration")
    for name in streams.values():
        firehose.delete_delivery_stream(DeliveryStreamName=name)
    assert not set(streams.values()) & set(firehose.list_delivery_streams()["DeliveryStreamNames"])
    nancy.send([_update(number) for number in range(3, 6)], "configuration")

    changes = lake.changing()

    assert {(change["address"], *change["actions"]) for change in changes} == {
        (
            f'module.lake.module.factory_pipeline["nancy"].aws_kinesis_firehose_delivery_stream.lane["{lane}"]',
            "create",
        )
        for lane in streams
    }
    nancy.send([sample() for _ in range(5)])
    nancy.send([_update(6)], "configuration")
    nancy.deliver()
    measurements, configuration = nancy.tally(), nancy.tally("configuration")
    assert (measurements.sent, measurements.delivered, measurements.lost) == (10, 10, 0)
    assert (configuration.sent, configuration.delivered, configuration.lost) == (7, 1, 6)


def _update(number: int) -> bytes:
    return json.dumps({"recipe": number}).encode()


def test_a_factory_added_and_one_removed_leave_the_others_untouched(
    lake: LocalLake, factory: Callable[[str], Factory]
) -> None:
    lyon = factory("lyon")
    lyon.send([sample(tagName="kept")])
    lyon.deliver()
    kept = "SELECT count(*) FROM measurements WHERE factory = 'lyon' AND tag_name = 'kept'"
    assert rows(lake, kept) == [(1,)]
    objects = sorted(all_keys(lake, "measurements", "factory=lyon/"))
    applied = lake.variables["factories"]
    wanted = {name: settings for name, settings in applied.items() if name != "lyon"}
    wanted["gdansk"] = {"gateways": ["dock"]}

    touched = {change["address"] for change in lake.changing(wanted, retired_factories=["lyon"])}

    for name in applied.keys() - {"lyon"}:
        assert not [address for address in touched if f'["{name}"]' in address]
    assert [address for address in touched if '["gdansk"]' in address]
    assert [address for address in touched if '["lyon"]' in address]
    assert sorted(all_keys(lake, "measurements", "factory=lyon/")) == objects
    assert rows(lake, kept) == [(1,)]
    left = lake.outputs["left_behind"]["lyon"]["data"]
    assert [prefix for prefix in left if _objects_below(lake, prefix)] == [
        f"s3://{lake.outputs['buckets']['measurements']}/factory=lyon/"
    ]
    gdansk = factory("gdansk")
    gdansk.send([sample()])
    gdansk.deliver()
    assert gdansk.account().offenders == ()
    assert "lyon" not in lake.outputs["data_streams"]
    krakow = factory("krakow")
    before = krakow.tally().delivered if any(krakow.journals.iterdir()) else 0
    krakow.send([sample()])
    krakow.deliver()
    assert krakow.tally().delivered == before + 1


def _objects_below(lake: LocalLake, uri: str) -> int:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return int(lake.cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"])
