"""What an environment that keeps its data refuses, and how it is done on purpose: plans, none is applied."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.changes.dependencies import base_variables
from harness.changes.inputs import inputs_of_the_lake
from harness.changes.plans import outcomes
from harness.changes.protected import protected_root
from harness.changes.table import BEGIN, END, PAGE, missing, render
from harness.lake import LocalLake, Terraform
from harness.lake.roots import write_calls
from scripts.moduledocs import updated


def test_the_table_of_changes_is_what_plans_say(lake: LocalLake, tmp_path: Path) -> None:
    """Every input has a row, and every row says what the provider plans; `make changes` writes them anew."""
    found = outcomes(lake, tmp_path)
    assert missing(inputs_of_the_lake(), found) == []
    assert updated(PAGE, render(found), BEGIN, END).splitlines() == PAGE.read_text(encoding="utf-8").splitlines()


class Protected:
    """The applied lake as an environment on AWS would keep it, with one factory; nothing of it is applied."""

    def __init__(self, lake: LocalLake, factory: str, folder: Path) -> None:
        self.factory = factory
        self.variables = base_variables(lake, folder, factory)
        retired = self.variables["retired_factories"]
        self.root: Terraform = protected_root(
            folder / "root", lake.terraform, {"lake": self.variables}, [factory], retired
        )

    def configure(self, **changes: Any) -> None:
        """Edit the environment's call of the lake."""
        write_calls(self.root.directory, {"lake": {**self.variables, **changes}})

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
        """The `terraform state` commands of a section of docs/changes.md, word for word."""
        section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        lines = re.findall(r"^ *terraform state (.+)$", section.replace("\\\n", " "), re.MULTILINE)
        assert lines, heading
        return [shlex.split(line.replace('"lyon"', f'"{self.factory}"')) for line in lines]

    def follow(self, command: list[str]) -> None:
        """Run one of them."""
        assert command[0] in ("mv", "rm"), command
        self.root.run("state", *command)


def _protected_kinds(errors: Iterable[str]) -> set[str]:
    """Types and names of what refuses to go."""
    addresses = [re.match(r"Resource (\S+) has lifecycle.prevent_destroy", error) for error in errors]
    return {".".join(re.sub(r"\[[^]]*\]", "", match[1]).split(".")[-2:]) for match in addresses if match is not None}


def test_destroying_a_lake_fails_before_anything_is_gone_and_works_on_purpose(lake: LocalLake, tmp_path: Path) -> None:
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
    assert any("aws_kinesis_stream.unprotected" in address for address in gone)
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
        for table in ("measurements", "configuration", "connections", "clips")
    }


def test_a_retention_is_lowered_only_in_the_documented_way(lake: LocalLake, tmp_path: Path) -> None:
    protected = Protected(lake, "lyon", tmp_path)
    settings = protected.variables["factories"]["lyon"]
    lowered = {**settings, "lanes": {"configuration": {"stream": {"retention_hours": 48}}}}

    protected.configure(factories={"lyon": lowered})
    _, (message,) = protected.plan()
    command = shlex.split(message.split("lower it with ")[1])
    assert command[:3] == ["aws", "kinesis", "decrease-stream-retention-period"]
    names = dict(zip(command[3::2], command[4::2], strict=True))

    name, hours = names["--stream-name"], int(names["--retention-period-hours"])
    kinesis = lake.cloud.client("kinesis")
    kinesis.decrease_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
    try:
        actions, errors = protected.plan("-refresh=true")
        assert errors == []
        # What is left to apply is when messages count as near their loss.
        lane = 'module.lake.module.factory_pipeline["lyon"].aws_cloudwatch_metric_alarm.lane'
        assert actions == {f'{lane}["configuration-time-to-loss"]': "update"}
    finally:
        kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=72)
