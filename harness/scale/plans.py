"""Plans and states of lakes of many factories, made by Terraform with a mocked provider.

The factories are alike: two gateways, four cameras, every setting its default. A mocked provider answers at once and
refreshes nothing, so the seconds are those that Terraform itself needs; on AWS, a few calls for each resource come on
top. What Terraform's graph alone needs is seen in plans of as many resources that hold nothing.
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.lake.terraform import REPOSITORY
from scripts.package import ROOT

GATEWAYS, CAMERAS = 2, 4
#: Lakes of more leave dashboards out: CloudWatch limits the metrics that one shows.
MOST_ON_DASHBOARDS = 25
#: Seconds of a processor after which a run of Terraform is given up.
MOST_SECONDS = 900
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
# A factory's graph without what its resources hold.
_EMPTY_LAKE = """
module "factory" {
  source   = "./factory"
  for_each = toset([for number in range(%(factories)d) : tostring(number)])
}
"""
_EMPTY_FACTORY = """
resource "terraform_data" "first" {
  for_each = toset([for number in range(%(awaited)d) : tostring(number)])
}

locals {
  first = terraform_data.first
}

resource "terraform_data" "waits" {
  for_each = toset([for number in range(%(waiting)d) : tostring(number)])

  depends_on = [local.first]
}

resource "terraform_data" "alone" {
  for_each = toset([for number in range(%(alone)d) : tostring(number)])
}
"""
#: So many of an empty factory's resources wait for so many others. What counts is the product, the sum over a
#: factory's resources of the others that must be there first: 350 of the lake's (gateways' policies take 140 of them).
WAITING, AWAITED = 10, 35


class ScaleError(Exception):
    """Terraform did not plan or apply a lake."""


@dataclass(frozen=True)
class Usage:
    """What a run of Terraform took, its provider included."""

    processor_seconds: float
    seconds: float
    memory_bytes: int  # of the larger of the two processes, at most; at least that of the process that began them


@dataclass(frozen=True)
class Size:
    """How large the state of a lake is."""

    resources: int
    state_bytes: int  # of its resources, laid out as a state has them


def plan(workdir: Path, factories: int) -> Usage:
    """Plan a lake and return what that took.

    Raises:
        ScaleError: With what Terraform said, or when it takes more than `MOST_SECONDS`.
    """
    root = _root(workdir, factories, "plan")
    printed, usage = _terraform(root, "test")
    if "1 passed, 0 failed" not in printed:
        raise ScaleError(f"terraform must plan {factories} factories, said {printed}")
    return usage


def plan_empty(workdir: Path, factories: int, resources: int) -> Usage:
    """Plan so many factories of so many resources that hold nothing, and return what that took.

    Raises:
        ScaleError: With what Terraform said, or when it takes more than `MOST_SECONDS`.
    """
    shutil.rmtree(workdir, ignore_errors=True)
    (workdir / "factory").mkdir(parents=True)
    values = {"waiting": WAITING, "awaited": AWAITED, "alone": resources - WAITING - AWAITED}
    (workdir / "factory" / "main.tf").write_text(_EMPTY_FACTORY % values, encoding="utf-8")
    (workdir / "main.tf").write_text(_EMPTY_LAKE % {"factories": factories}, encoding="utf-8")
    _init(workdir)
    printed, usage = _terraform(workdir, "plan", "-input=false")
    if f"Plan: {factories * resources} to add, 0 to change, 0 to destroy." not in printed:
        raise ScaleError(f"terraform must plan {factories} factories of empty resources, said {printed[-2000:]}")
    return usage


def size(workdir: Path, factories: int) -> Size:
    """Apply a lake and measure its state.

    Raises:
        ScaleError: With what Terraform said.
    """
    root = _root(workdir, factories, "apply")
    printed, _ = _terraform(root, "test", "-json", "-verbose")
    events = [json.loads(line) for line in printed.splitlines()]
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
    _init(root, "-lockfile=readonly")
    return root


def _init(root: Path, *options: str) -> None:
    said, _ = _terraform(root, "init", "-backend=false", "-input=false", *options)
    if "successfully initialized" not in said:
        raise ScaleError(f"terraform must initialise a root, said {said}")


def _terraform(root: Path, *arguments: str) -> tuple[str, Usage]:
    command = [
        str(REPOSITORY / "scripts" / "terraform.sh"),
        f"-chdir={root}",
        arguments[0],
        "-no-color",
        *arguments[1:],
    ]
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        # Seconds of a processor, which a busy machine does not change.
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        try:
            # The usage is that of this process and of those that it waited for.
            _, status, used = os.wait4(process.pid, 0)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a provider whose Terraform was stopped
        seconds = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode in (-signal.SIGKILL, -signal.SIGXCPU):
            raise ScaleError(
                f"terraform {arguments[0]} must take at most {MOST_SECONDS} s of a processor and the memory there is, "
                f"was stopped after {seconds:.0f} s"
            )
        output.seek(0)
        # Linux counts memory in KiB.
        return output.read(), Usage(used.ru_utime + used.ru_stime, seconds, used.ru_maxrss * 1024)
