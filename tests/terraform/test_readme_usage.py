"""The examples in the modules' READMEs, planned together as a user would paste them."""

import re
import shutil

import pytest

from factory_lake.module_interface import REPOSITORY
from scripts.moduledocs import BEGIN, documented_folders
from tests.terraform.terraform_tree import MOCK_PROVIDER, TerraformTree

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

_BLOCK = re.compile(r"^```hcl\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_examples_are_formatted_and_can_be_planned(tree: TerraformTree) -> None:
    """Each README shows a call; the calls refer to one another."""
    blocks = {}
    for folder in documented_folders(REPOSITORY):
        written = (folder / "README.md").read_text(encoding="utf-8").split(BEGIN)[0]
        found = _BLOCK.findall(written)
        assert "\n## Usage\n" in written, f"{folder}/README.md has no section Usage"
        assert found, f"{folder}/README.md has no usage block"
        blocks[f"{folder.name}.tf"] = "\n".join(found)
    planned = 'run "plan" {\n  command = plan\n}\n'
    usage = tree.add_root("usage", {**blocks, "usage.tftest.hcl": MOCK_PROVIDER + planned})
    # What the blocks expect to find: requests of the gateway, and packages that were built.
    shutil.copytree(tree.root / "environments" / "dev" / "tests" / "testdata" / "csr", tree.root / usage / "csr")
    shutil.copytree(
        tree.root / "modules" / "lake" / "tests" / "testdata" / "packages",
        tree.root / "build" / "packages",
        dirs_exist_ok=True,
    )

    assert tree.run(usage, "fmt", "-check", may_fail=True) == ""
    tree.init(usage)
    assert "1 passed, 0 failed" in tree.run(usage, "test")
