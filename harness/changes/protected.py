"""The protected twin of a local lake: its resources in another state, as a lake on AWS keeps them.

A local lake has no protection (`force_destroy`), so a plan of it refuses nothing. Which of two resource
blocks an object belongs to is known to the state alone, though. Here its objects are moved to the protected
blocks in a copy of the state, and a root module that calls `modules/lake` without `force_destroy` is planned
against that copy and the real objects behind it. Such a root can hold many lakes, each with its own copy, so
that one plan answers for many changes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.lake.roots import make_root
from harness.lake.terraform import Terraform

_BASE = "module.lake"
# Unprotected blocks and their protected twins.
TWINS = {
    "aws_s3_bucket": ("unprotected", "lake"),
    "aws_kinesis_stream": ("unprotected", "lane"),
    "aws_kinesis_video_stream": ("unprotected", "camera"),
}
_FORCED = ("aws_s3_bucket", "aws_athena_workgroup")
# That of connections has no guard.
_GUARDED = ("aws_kinesis_firehose_delivery_stream", "lane")
_SHOWS_ALL = "aws_cloudwatch_dashboard"


def protected_root(
    folder: Path,
    lake: Terraform,
    calls: Mapping[str, Mapping[str, object]],
    factories: Iterable[str],
    retired: Iterable[str] = (),
) -> Terraform:
    """Make a root module with protected copies of a lake, and its state.

    Args:
        folder: Where the sources are copied to and data, state and logs go; must not hold an earlier root.
        lake: Environment `local` as it is applied.
        calls: By the module's name, the variables of `modules/lake` that it is called with.
        factories: The factories whose resources the copies have. Those of others are left out.
        retired: Other factories that queries of the copies know.

    Returns:
        The root, initialised; a plan of it changes nothing but what the variables change.
    """
    root = make_root(folder, calls)
    terraform = Terraform(root, folder / "terraform", lake.environment)
    terraform.init()
    state = json.loads(lake.state.read_text(encoding="utf-8"))
    kept = [each for each in state["resources"] if _belongs(each, frozenset(factories))]
    queried = [*factories, *retired]
    copies = [copy for name in calls for copy in _copies(kept, name, queried)]
    content = {**state, "lineage": str(uuid.uuid4()), "outputs": {}, "resources": copies, "check_results": None}
    terraform.state.write_text(json.dumps(content), encoding="utf-8")
    return terraform


def _belongs(resource: Mapping[str, Any], factories: frozenset[str]) -> bool:
    """Whether a managed resource is shared, or one of these factories'.

    Dashboards are neither: one shows all factories, so it would differ where some are left out.
    """
    module = str(resource.get("module", ""))
    within = module.startswith(_BASE) and resource["mode"] == "managed" and resource["type"] != _SHOWS_ALL
    return within and ("[" not in module or any(f'["{name}"]' in module for name in factories))


def _copies(resources: Iterable[Mapping[str, Any]], name: str, factories: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Copies of a lake's resources below another module, in their protected blocks and with their guards."""
    yield _guard(f"module.{name}", "queried_factory", {factory: factory for factory in factories})
    for resource in resources:
        copy = json.loads(json.dumps(resource).replace(_BASE, f"module.{name}"))
        kind = copy["type"]
        unprotected, protected = TWINS.get(kind, ("", ""))
        if copy["name"] == unprotected:
            copy["name"] = protected
        if kind in _FORCED:
            for instance in copy["instances"]:
                instance["attributes"]["force_destroy"] = False
        yield copy
        if (kind, copy["name"]) == _GUARDED:
            arns = {each["index_key"]: each["attributes"]["arn"] for each in copy["instances"]}
            address = f"{copy['module'].split('[')[0]}.{kind}.{copy['name']}"
            yield _guard(copy["module"], "kept_delivery_stream", arns, address)


def _guard(module: str, name: str, inputs: Mapping[str, str], *dependencies: str) -> dict[str, Any]:
    """What forbids something else to go, and which an unprotected lake does not have."""
    return {
        "module": module,
        "mode": "managed",
        "type": "terraform_data",
        "name": name,
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [
            {
                "index_key": key,
                "schema_version": 0,
                "attributes": {
                    "id": str(uuid.uuid4()),
                    "input": {"value": value, "type": "string"},
                    "output": {"value": value, "type": "string"},
                    "triggers_replace": None,
                },
                "dependencies": list(dependencies),
            }
            for key, value in inputs.items()
        ],
    }
