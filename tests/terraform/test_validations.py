"""The words of each refusal: the path, the rule, the value.

A module's own tests could tell that bad values are refused, but not see the message. Here one plan holds many
calls, each with bad values, and what terraform says must be the messages of validations.toml and no others.
"""

import json
import re
import shutil
import tomllib
from typing import Any

import pytest

from tests.terraform.terraform_tree import MOCK_PROVIDER, REPOSITORY, TerraformTree

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

_MODULES: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (REPOSITORY / "tests" / "terraform" / "validations.toml").read_text(encoding="utf-8")
)
_CASES: list[dict[str, Any]] = [{"module": module, **case} for module, cases in _MODULES.items() for case in cases]

_KEY_FILE = REPOSITORY / "modules/factory_pipeline/tests/testdata/refused/krakow-line-1-measurements/key.pem"

# Arguments that are accepted, of which a case replaces some.
_GOOD = {
    "storage": {"name": '"plant-lake"', "suffix": '"111122223333"'},
    "glue_catalog": {
        "name": '"plant-lake"',
        "factories": '["krakow"]',
        "athena_output_location": '"s3://lake-measurements/athena-results/"',
        "buckets": (
            '{ measurements = "lake-measurements", configuration = "lake-configuration", clips = "lake-clips" }'
        ),
    },
    "factory_pipeline": {
        "name": '"plant-lake"',
        "factory": '"krakow"',
        "gateways": '["line-1"]',
        "csr_dir": '"../../modules/factory_pipeline/tests/testdata/csr"',
        "package": '{ file = "versions.tf" }',
        "buckets": '{ measurements = "lake-measurements", configuration = "lake-configuration" }',
        "measurements_table": '{ database = "plant_lake", name = "measurements" }',
    },
    "monitoring": {
        "location": '{ partition = "aws", region = "eu-central-1", account = "111122223333" }',
        "alarm_descriptions": '{ late = "It is late." }',
    },
    "video_archiver": {
        "name": '"plant-lake"',
        "factory": '"krakow"',
        "clips_bucket": '"lake-clips"',
        "package": '{ file = "versions.tf" }',
    },
    "lake": {
        "name": '"plant-lake"',
        "factories": '{ krakow = { gateways = ["line-1"] } }',
        "csr_dir": '"../dev/tests/testdata/csr"',
        "packages_dir": '"../../modules/lake/tests/testdata/packages"',
    },
}


# Terraform validates a configuration before it plans it, and stops there when a constant breaks a rule; what
# needs the plan, such as a precondition, would then not be heard. Values that hang on a variable wait for it.
_PLANNED = 'variable "planned" {\n  type    = bool\n  default = true\n}\n'


def _call(number: int, module: str, changed: str) -> str:
    names = re.findall(r"^(\w+) *=", changed, re.MULTILINE)
    arguments = {name: f"var.planned ? local.case_{number}.{name} : null" for name in names}
    source = f"../../modules/{module}"
    lines = "\n".join(f"  {name} = {value}" for name, value in {**_GOOD[module], **arguments}.items())
    return (
        f"locals {{\n  case_{number} = {{\n{changed}\n  }}\n}}\n"
        f'module "case_{number}" {{\n  source = "{source}"\n{lines}\n}}\n'
    )


def _current(number: int, stream: dict[str, Any]) -> str:
    """A case's data streams exist: their ARNs are known in the plan, and reading them gives `stream`."""
    values = ", ".join(f"{name} = {json.dumps(value)}" for name, value in stream.items())
    return (
        f"override_resource {{\n  target = module.case_{number}.aws_kinesis_stream.lane\n"
        "  override_during = plan\n"
        '  values = { arn = "arn:aws:kinesis:eu-central-1:111122223333:stream/one" }\n}\n'
        f"override_data {{\n  target = module.case_{number}.data.aws_kinesis_stream.current\n"
        f"  values = {{ {values} }}\n}}\n"
    )


def _lakes(number: int, names: list[str]) -> str:
    """A case's account holds these lakes."""
    return (
        f"override_data {{\n  target = module.case_{number}.data.aws_ssm_parameters_by_path.lakes\n"
        f"  values = {{ names = {json.dumps([f'/factory-lake/lakes/{name}' for name in names])} }}\n}}\n"
    )


def test_each_refusal_says_path_rule_and_value(tree: TerraformTree) -> None:
    """One plan, all refusals: terraform says exactly what is expected, and nothing goes through."""
    calls = [_call(number, case["module"], case["arguments"]) for number, case in enumerate(_CASES)]
    run = 'run "everything_is_refused" {\n  command = plan\n}\n'
    mocks = [_current(number, case["current"]) for number, case in enumerate(_CASES) if "current" in case]
    mocks += [_lakes(number, case["lakes"]) for number, case in enumerate(_CASES) if "lakes" in case]
    test = MOCK_PROVIDER + "".join(mocks) + run
    folder = tree.add_root("refusals", {"main.tf": _PLANNED + "\n".join(calls), "validations.tftest.hcl": test})
    tree.init(folder)

    diagnostics = tree.test_diagnostics(folder)
    said = [
        message.replace(str(tree.root), "<tree>")
        for diagnostic in diagnostics
        if diagnostic["severity"] == "error"
        for message in _messages(diagnostic["detail"])
    ]

    assert sorted(said) == sorted(message for case in _CASES for message in case["messages"])
    # Terraform shows the values that a condition reads, beside its message.
    assert "the place of a key" in _KEY_FILE.read_text(encoding="utf-8")
    assert "the place of a key" not in json.dumps(diagnostics)


def _messages(detail: str) -> list[str]:
    """A resource's refusals stand line by line; the absence of a request is told with commands to copy."""
    message = detail.split("\n\nThis was checked by")[0].strip()
    return [message] if message.startswith("No certificate") else message.splitlines()


def test_environment_without_requests_says_which_are_missing(tree: TerraformTree) -> None:
    """The repository has no requests: each gateway's owner makes them, and a plan says how."""
    folder = "environments/dev-without-requests"
    shutil.copytree(
        tree.root / "environments" / "dev",
        tree.root / folder,
        ignore=shutil.ignore_patterns("*.tftest.hcl", ".terraform"),
    )
    packages = "../../modules/lake/tests/testdata/packages"
    run = f'variables {{\n  packages_dir = "{packages}"\n}}\nrun "plan" {{\n  command = plan\n}}\n'
    (tree.root / folder / "plan.tftest.hcl").write_text(MOCK_PROVIDER + run, encoding="utf-8")
    tree.init(folder)

    details = [diagnostic["detail"] for diagnostic in tree.test_diagnostics(folder)]

    for lane in ("measurements", "configuration"):
        client_id = f"krakow-line-1-{lane}"
        csr_dir = tree.root / folder / "csr"
        wanted = f"No certificate signing request for {client_id}: {csr_dir}/{client_id}/<name>.pem must exist"
        command = f"-out {csr_dir}/{client_id}/first.pem"
        assert any(wanted in detail and command in detail for detail in details), details
