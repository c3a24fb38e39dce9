"""The example state-per-factory: a lake of one state becomes a base and a state for each factory, and nothing else.

Each root is planned against the state of the lake that `_ONE_STATE` makes: a mocked apply, whose state the next run
of the same test goes on with. What a plan then does is read from Terraform's own account of it.
"""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.scale.plans import MOCKS_OF_AN_APPLY
from tests.terraform.example_inputs import provide_packages, provide_requests
from tests.terraform.terraform_tree import TerraformTree

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(600)]

EXAMPLE = Path("examples/state-per-factory")
#: The lake before: both factories as their own roots have them.
_ONE_STATE = """
module "lake" {
  source = "../../../modules/lake"

  name         = "factory-lake"
  csr_dir      = "${path.module}/csr"
  packages_dir = "./../../../build/packages"
  schema_dir   = "${path.module}/../../../glue_schemas"
  factories = {
    krakow = { gateways = ["line-1", "line-2"] }
    lyon   = { gateways = ["press-shop"], cameras = { press-1 = { retention_hours = 72 } } }
  }
}
"""
_TEST = """
mock_provider "aws" {
  source = "../../../modules/mocks"

%(mocks)s}

%(base)s
run "one_state" {
  state_key = "lake"

  module {
    source = "../before"
  }
}

run "first_plan" {
  command   = plan
  state_key = "lake"
}

run "first_apply" {
  state_key = "lake"
}

run "second_plan" {
  command   = plan
  state_key = "lake"
}
"""
#: What the factories' roots read of the base's state.
_BASE = """
override_data {
  target = data.terraform_remote_state.base
  values = {
    outputs = {
      lake = {
        name = "factory-lake"
        buckets = {
          measurements  = "factory-lake-111122223333-measurements"
          configuration = "factory-lake-111122223333-configuration"
          clips         = "factory-lake-111122223333-clips"
        }
        measurements_table = { database = "factory_lake", name = "measurements" }
        connections_table  = { database = "factory_lake", name = "connections" }
      }
    }
  }
}
"""
#: What no root goes on with. It stays on AWS, and the README says what becomes of it.
_LEFT = {"module.lake.aws_cloudwatch_dashboard.lake"}


@pytest.fixture(scope="module")
def example(tree: TerraformTree) -> TerraformTree:
    """The example beside the root that it comes from, which holds what roots expect."""
    before = tree.root / EXAMPLE / "before"
    before.mkdir()
    shutil.copy(tree.root / EXAMPLE / "base" / "versions.tf", before)
    (before / "main.tf").write_text(_ONE_STATE, encoding="utf-8")
    provide_packages(tree.root / "build" / "packages")
    for root in ("before", "krakow", "lyon"):
        provide_requests(tree.root / EXAMPLE / root)
    return tree


@pytest.fixture(scope="module")
def plans(example: TerraformTree) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """What each root's plans do to resources, by root and run."""
    return {root: _plans(example, root) for root in ("base", "krakow", "lyon")}


@pytest.mark.parametrize("root", ["base", "krakow", "lyon"])
def test_a_root_goes_on_with_its_part_and_changes_nothing(
    plans: dict[str, dict[str, list[dict[str, Any]]]], root: str
) -> None:
    first = Counter(tuple(each["change"]["actions"]) for each in plans[root]["first_plan"])
    assert set(first) == {("no-op",), ("forget",)}
    second = Counter(tuple(each["change"]["actions"]) for each in plans[root]["second_plan"])
    assert second == {("no-op",): first[("no-op",)]}


def test_each_resource_goes_on_in_exactly_one_state(plans: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    gone_on: Counter[str] = Counter()
    known: set[str] = set()
    for changes in plans.values():
        for each in changes["first_plan"]:
            former = each.get("previous_address", each["address"])
            known.add(former)
            gone_on[former] += each["change"]["actions"] == ["no-op"]
    assert {address for address in known if gone_on[address] == 0} == {
        address for address in known if address.split("[")[0] in _LEFT
    }
    assert [address for address, times in gone_on.items() if times > 1] == []


def _plans(tree: TerraformTree, root: str) -> dict[str, list[dict[str, Any]]]:
    folder = tree.root / EXAMPLE / root
    base = "" if root == "base" else _BASE
    (folder / "migration.tftest.hcl").write_text(_TEST % {"mocks": MOCKS_OF_AN_APPLY, "base": base}, encoding="utf-8")
    tree.init(f"{EXAMPLE}/{root}")
    printed = tree.run(f"{EXAMPLE}/{root}", "test", "-json", "-verbose", may_fail=True)
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    # Terraform may not clean up behind itself: it would have to destroy what is protected.
    runs = [event["test_run"] for event in events if event["type"] == "test_run"]
    ended = {each["run"]: each["status"] for each in runs if each["progress"] == "complete"}
    assert set(ended.values()) == {"pass"}, "\n".join(
        f"{each['summary']}: {each['detail']}" for event in events if (each := event.get("diagnostic"))
    )
    return {
        event["@testrun"]: [each for each in event["test_plan"]["resource_changes"] if each["mode"] == "managed"]
        for event in events
        if event["type"] == "test_plan"
    }
