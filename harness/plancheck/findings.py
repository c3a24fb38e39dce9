"""What checkov finds in plans, by the resource block that makes the resource."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from harness.lake.terraform import REPOSITORY

CHECKOV = REPOSITORY / ".venv-checkov" / "bin" / "checkov"
_SETTINGS = ("BC_", "CHECKOV_", "CKV_")


class CheckovError(Exception):
    """Checkov failed, or skipped a plan."""


@dataclass(frozen=True, order=True)
class Block:
    """A resource block.

    Attributes:
        folder: Its module's folder, relative to the repository.
        resource: Type and name, `aws_s3_bucket.lake`.
    """

    folder: str
    resource: str


@dataclass(frozen=True, order=True)
class Finding:
    """One check that one planned resource fails.

    Attributes:
        check: Checkov's ID of the check.
        block: The block that the resource is made by.
        environment: In whose plan.
        address: The resource's address in that plan.
        title: What the check asks for.
    """

    check: str
    block: Block
    environment: str
    address: str
    title: str


@dataclass(frozen=True)
class Scan:
    """What was looked at and what was found.

    Attributes:
        planned: Every resource block that makes something in one of the plans. Of others nothing is known.
        findings: Sorted.
    """

    planned: frozenset[Block]
    findings: tuple[Finding, ...]


def scan(plans: Mapping[str, Path]) -> Scan:
    """Run checkov over plans, a file per environment.

    Raises:
        CheckovError: When checkov fails, or has not looked at every plan.
    """
    if not CHECKOV.exists():
        raise CheckovError(f"{CHECKOV} must exist (scripts/setup.sh makes it)")
    files = [argument for path in plans.values() for argument in ("--file", str(path))]
    finished = subprocess.run(
        [
            str(CHECKOV),
            *files,
            *("--framework", "terraform_plan", "--output", "json", "--compact"),
            # Without it, checkov fetches guidelines from its maker's servers.
            "--skip-download",
            # Findings are judged here.
            "--soft-fail",
        ],
        # A developer's own settings of checkov would change what is found.
        env={name: os.environ[name] for name in os.environ if not name.startswith(_SETTINGS)},
        cwd=next(iter(plans.values())).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(finished.stdout)
    except ValueError as error:
        said = finished.stderr or finished.stdout
        raise CheckovError(f"checkov ended with {finished.returncode}: {said}") from error
    return read_report(report, {name: json.loads(path.read_bytes()) for name, path in plans.items()})


def read_report(report: Mapping[str, Any], plans: Mapping[str, Mapping[str, Any]]) -> Scan:
    """Read checkov's report on plans, each plan a file `<environment>.json`.

    Raises:
        CheckovError: When a plan could not be read, or no check at all was made on one.
    """
    results = report.get("results", {})
    failed, passed = results.get("failed_checks", []), results.get("passed_checks", [])
    if results.get("parsing_errors"):
        raise CheckovError(f"checkov could not read {', '.join(results['parsing_errors'])}")
    seen = {_environment(check) for check in (*failed, *passed)}
    if missing := [name for name in plans if name not in seen]:
        raise CheckovError(f"checkov made no check on the plan of {', '.join(missing)}")
    planned = frozenset(
        block_of(resource["address"], plan, name)
        for name, plan in plans.items()
        for resource in plan["resource_changes"]
        if resource["mode"] == "managed"
    )
    findings = sorted(
        Finding(
            check=check["check_id"],
            block=block_of(check["resource"], plans[_environment(check)], _environment(check)),
            environment=_environment(check),
            address=check["resource"],
            title=check["check_name"],
        )
        for check in failed
    )
    return Scan(planned, tuple(findings))


def block_of(address: str, plan: Mapping[str, Any], environment: str) -> Block:
    """The block that makes the resource at an address of an environment's plan.

    The plan says where each module call leads: `module.lake.module.storage.aws_s3_bucket.lake["clips"]`
    is `aws_s3_bucket.lake` in the folder that `storage` of the folder that `lake` names.
    """
    parts = _without_keys(address).split(".")
    folder = PurePosixPath("environments", environment)
    module = plan["configuration"]["root_module"]
    while parts[0] == "module":
        call = module["module_calls"][parts[1]]
        folder = PurePosixPath(os.path.normpath(folder / call["source"]))
        module = call["module"]
        parts = parts[2:]
    return Block(str(folder), ".".join(parts))


def _environment(check: Mapping[str, Any]) -> str:
    return PurePosixPath(check["file_path"]).stem


def _without_keys(address: str) -> str:
    """An address without the keys of `for_each` and `count`, which may hold any character in quotes."""
    kept, quoted, depth, before = [], False, 0, ""
    for character in address:
        if character == '"' and before != "\\":
            quoted = not quoted
        if character == "[" and not quoted:
            depth += 1
        if depth == 0:
            kept.append(character)
        if character == "]" and not quoted:
            depth -= 1
        before = character
    return "".join(kept)
