"""Each module's folder is all that a root needs: copied alone, the calls of its README can be planned.

FACTORY_LAKE_PROVIDER takes another version of the AWS provider than the environments', as a constraint; the
workflow ci does so with the lowest and the newest.
"""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from factory_lake.module_interface import REPOSITORY
from scripts.moduledocs import BEGIN, documented_folders
from tests.terraform.terraform_tree import LOCK_FILE, TerraformTree

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

_BLOCK = re.compile(r"^```hcl\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROVIDER = os.environ.get("FACTORY_LAKE_PROVIDER")
_VERSIONS = 'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n%s    }\n  }\n}\n'
_MOCKS = (REPOSITORY / "modules" / "mocks" / "aws.tfmock.hcl").read_text(encoding="utf-8")
_PLAN = 'run "plan" {\n  command = plan\n}\n'

# `lake` is how the other four make a lake, so it is taken with them.
_BESIDE = {"lake": ("storage", "glue_catalog", "factory_pipeline", "video_archiver")}


@pytest.mark.parametrize("module", [folder.name for folder in documented_folders(REPOSITORY)])
def test_a_module_alone_is_planned_as_its_readme_calls_it(module: str, tree: TerraformTree, tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in (module, *_BESIDE.get(module, ())):
        shutil.copytree(
            REPOSITORY / "modules" / name,
            root / "modules" / name,
            ignore=shutil.ignore_patterns(".terraform*", "tests"),
        )
    assert [file for file in root.rglob("*") if file.is_symlink()] == []
    written = (REPOSITORY / "modules" / module / "README.md").read_text(encoding="utf-8").split(BEGIN)[0]
    assert "\n## Usage\n" in written
    calls = _BLOCK.findall(written)
    assert calls
    (root / "main.tf").write_text("\n".join(calls), encoding="utf-8")
    # What the calls expect to find: requests of the gateway, and packages that were built.
    shutil.copytree(REPOSITORY / "environments" / "dev" / "tests" / "testdata" / "csr", root / "csr")
    shutil.copytree(REPOSITORY / "modules" / "lake" / "tests" / "testdata" / "packages", root / "packages")

    here = _with_provider(replace(tree, root=tmp_path), root)
    assert here.run("root", "fmt", "-check", "main.tf", may_fail=True) == ""
    assert "1 passed, 0 failed" in here.run("root", "test")


def _with_provider(tree: TerraformTree, root: Path) -> TerraformTree:
    """The tree with its root initialised: with the provider of the environments, or the one that is asked for."""
    if _PROVIDER is None:
        (root / "versions.tf").write_text(_VERSIONS % "", encoding="utf-8")
        shutil.copy(LOCK_FILE, root)
        tree.run("root", "init", "-backend=false", "-input=false", "-lockfile=readonly")
        (root / "plan.tftest.hcl").write_text(f'mock_provider "aws" {{\n{_MOCKS}}}\n{_PLAN}', encoding="utf-8")
        return tree
    (root / "versions.tf").write_text(_VERSIONS % f'      version = "{_PROVIDER}"\n', encoding="utf-8")
    alone = replace(tree, environment={})
    alone.run("root", "init", "-backend=false", "-input=false")
    # Provider 6 has the region under another name.
    is_later = 'version     = "6.' in (root / LOCK_FILE.name).read_text(encoding="utf-8")
    mocks = _MOCKS.replace('{ name = "eu-central-1" }', '{ region = "eu-central-1" }') if is_later else _MOCKS
    (root / "plan.tftest.hcl").write_text(f'mock_provider "aws" {{\n{mocks}}}\n{_PLAN}', encoding="utf-8")
    return alone
