"""Plans and states of lakes of many factories, made by Terraform with a mocked provider.

The factories are alike: two gateways, four cameras, every setting its default. A mocked provider answers at once and
refreshes nothing, so the seconds are those that Terraform itself needs; on AWS, a few calls for each resource come on
top.
"""

import json
import resource
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.lake.terraform import REPOSITORY
from scripts.package import ROOT

GATEWAYS, CAMERAS = 2, 4
#: Lakes of more leave dashboards out: CloudWatch limits the metrics that one shows.
MOST_ON_DASHBOARDS = 25
_REQUEST = REPOSITORY / "environments/dev/tests/testdata/csr/krakow-line-1-measurements"
_PACKAGES = REPOSITORY / "modules/lake/tests/testdata/packages"
_LOCK = REPOSITORY / "environments/local/.terraform.lock.hcl"
_MAIN = """
module "lake" {
  source = "../modules/lake"

  name         = "factory-lake"
  csr_dir      = "csr"
  packages_dir = "packages"
  dashboards   = %(dashboards)s
  factories = {
    for number in range(%(factories)d) : format("factory-%%03d", number) => {
      gateways = [for line in range(%(gateways)d) : "line-${line}"]
      cameras  = { for camera in range(%(cameras)d) : "camera-${camera}" => {} }
    }
  }
}
"""
_ARNS = {
    "aws_cloudwatch_event_rule": "events:eu-central-1:111122223333:rule/rule",
    "aws_cloudwatch_log_group": "logs:eu-central-1:111122223333:log-group:group",
    "aws_iam_role": "iam::111122223333:role/role",
    "aws_kinesis_firehose_delivery_stream": "firehose:eu-central-1:111122223333:deliverystream/stream",
    "aws_kinesis_stream": "kinesis:eu-central-1:111122223333:stream/stream",
    "aws_lambda_function": "lambda:eu-central-1:111122223333:function:function",
}
#: What an apply needs of the mocked provider besides modules/mocks: ARNs where the provider checks one that a resource
#: is given, and data streams as the lanes' defaults make them.
MOCKS_OF_AN_APPLY = "".join(
    f'  mock_resource "{kind}" {{\n    defaults = {{ arn = "arn:aws:{arn}" }}\n  }}\n' for kind, arn in _ARNS.items()
) + (
    '  mock_data "aws_kinesis_stream" {\n'
    '    defaults = { open_shards = ["shardId-000000000000"], retention_period = 72 }\n  }\n'
)
_TEST = """
mock_provider "aws" {
  source = "../modules/mocks"

%(mocks)s}

run "lake" {
  command = %(command)s
}
"""


class ScaleError(Exception):
    """Terraform did not plan or apply a lake."""


@dataclass(frozen=True)
class Size:
    """How large the state of a lake is."""

    resources: int
    state_bytes: int  # of its resources, laid out as a state has them


def plan_seconds(workdir: Path, factories: int) -> float:
    """Plan a lake and return the processor seconds that Terraform took, those of its provider included.

    Raises:
        ScaleError: With what Terraform said.
    """
    root = _root(workdir, factories, "plan")
    before = _processor_seconds()
    printed = _terraform(root, "test")
    if "1 passed, 0 failed" not in printed:
        raise ScaleError(f"terraform must plan {factories} factories, said {printed}")
    return _processor_seconds() - before


def size(workdir: Path, factories: int) -> Size:
    """Apply a lake and measure its state.

    Raises:
        ScaleError: With what Terraform said.
    """
    root = _root(workdir, factories, "apply")
    events = [json.loads(line) for line in _terraform(root, "test", "-json", "-verbose").splitlines()]
    # Terraform shows the state of a test and keeps it in no file.
    shown = [event["test_state"]["root_module"] for event in events if event["type"] == "test_state"]
    if len(shown) != 1:
        said = [event["diagnostic"]["summary"] for event in events if event["type"] == "diagnostic"]
        raise ScaleError(f"terraform must apply {factories} factories, said {'; '.join(said)}")
    resources = list(_resources(shown[0]))
    managed = [each for each in resources if each["mode"] == "managed"]
    return Size(len(managed), sum(len(json.dumps(each, indent=2)) for each in resources))


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _root(workdir: Path, factories: int, command: str) -> Path:
    shutil.rmtree(workdir, ignore_errors=True)
    shutil.copytree(ROOT / "modules", workdir / "modules", ignore=shutil.ignore_patterns(".terraform*", "tests"))
    root = workdir / "root"
    shutil.copytree(_PACKAGES, root / "packages")
    shutil.copy(_LOCK, root)
    shutil.copy(ROOT / "modules" / "storage" / "versions.tf", root)
    for factory in range(factories):
        for gateway in range(GATEWAYS):
            for lane in ("measurements", "configuration"):
                shutil.copytree(_REQUEST, root / "csr" / f"factory-{factory:03}-line-{gateway}-{lane}")
    values = {
        "factories": factories,
        "gateways": GATEWAYS,
        "cameras": CAMERAS,
        "dashboards": str(factories <= MOST_ON_DASHBOARDS).lower(),
    }
    (root / "main.tf").write_text(_MAIN % values, encoding="utf-8")
    (root / "lake.tftest.hcl").write_text(_TEST % {"mocks": MOCKS_OF_AN_APPLY, "command": command}, encoding="utf-8")
    said = _terraform(root, "init", "-backend=false", "-input=false", "-lockfile=readonly")
    if "successfully initialized" not in said:
        raise ScaleError(f"terraform must initialise a root, said {said}")
    return root


def _terraform(root: Path, *arguments: str) -> str:
    command = [
        str(REPOSITORY / "scripts" / "terraform.sh"),
        f"-chdir={root}",
        arguments[0],
        "-no-color",
        *arguments[1:],
    ]
    finished = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return finished.stdout


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
