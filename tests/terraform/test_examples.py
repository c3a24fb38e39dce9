"""The examples can be planned as they are, once the gateways' requests and the packages are there."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.terraform.example_inputs import provide_packages, provide_requests
from tests.terraform.terraform_tree import LOCK_FILE, REPOSITORY, TerraformTree

pytestmark = [pytest.mark.terraform, pytest.mark.timeout(300)]

EXAMPLES = sorted(folder.name for folder in (REPOSITORY / "examples").iterdir() if folder.is_dir())
#: Root modules: an example that is several has a folder for each.
ROOTS = sorted(
    file.parent.relative_to(REPOSITORY / "examples").as_posix()
    for file in (REPOSITORY / "examples").rglob("versions.tf")
    if ".terraform" not in file.parts
)
#: Roots that read the state of another one, which test_state_per_factory.py plans together.
_READERS = ("state-per-factory/krakow", "state-per-factory/lyon")
_RUN = 'run "plan" {\n  command = plan\n}\n'


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_says_what_it_shows(example: str) -> None:
    readme = (REPOSITORY / "examples" / example / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {example}\n")
    index = (REPOSITORY / "examples" / "README.md").read_text(encoding="utf-8")
    assert f"[{example}]({example}/README.md)" in index


@pytest.mark.parametrize("root", [root for root in ROOTS if root not in _READERS])
def test_example_can_be_planned(tree: TerraformTree, root: str) -> None:
    folder = f"examples/{root}"
    provide_requests(tree.root / folder)
    provide_packages(tree.root / "build" / "packages")
    (tree.root / folder / "plan.tftest.hcl").write_text(_mocked(tree) + _RUN, encoding="utf-8")
    tree.init(folder)
    assert "1 passed, 0 failed" in tree.run(folder, "test")


def test_the_query_account_may_read_the_buckets_of_a_lake(tree: TerraformTree) -> None:
    folder = "examples/several-accounts/lake"
    provide_requests(tree.root / folder)
    provide_packages(tree.root / "build" / "packages")
    (tree.root / folder / "plan.tftest.hcl").write_text(_mocked(tree) + _RUN, encoding="utf-8")
    tree.init(folder)
    events = [json.loads(line) for line in tree.run(folder, "test", "-json", "-verbose").splitlines()]
    (changes,) = [event["test_plan"]["resource_changes"] for event in events if event["type"] == "test_plan"]
    readers = {
        change["index"]: [
            statement["Principal"]
            for statement in json.loads(change["change"]["after"]["policy"])["Statement"]
            if statement["Effect"] == "Allow" and statement["Action"] == ["s3:GetObject"]
        ]
        for change in changes
        if change["type"] == "aws_s3_bucket_policy"
    }
    assert readers == {
        bucket: [{"AWS": ["arn:aws:iam::777788889999:root"]}] for bucket in ("clips", "configuration", "measurements")
    }


def test_a_root_of_fifteen_lines_in_another_repository_makes_a_lake(tree: TerraformTree, tmp_path: Path) -> None:
    """The root that the README of `minimal` shows, in an empty folder, with these modules for the released ones."""
    page = (REPOSITORY / "examples" / "minimal" / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```hcl\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown.splitlines()) <= 15
    root = tmp_path / "root"
    root.mkdir()
    # Behind the two slashes is the module, before them what is fetched.
    main, replaced = re.subn(r"git::[^?\"]*//modules/lake\?ref=v[0-9.]+", f"{tree.root}//modules/lake", shown)
    assert replaced == 1
    (root / "main.tf").write_text(main, encoding="utf-8")
    (root / "plan.tftest.hcl").write_text(_mocked(tree) + _RUN, encoding="utf-8")
    provide_requests(root)
    provide_packages(root / "packages")
    shutil.copy(LOCK_FILE, root)

    outside = replace(tree, root=tmp_path)
    outside.run("root", "init", "-backend=false", "-input=false", "-lockfile=readonly")
    assert outside.run("root", "fmt", "-check", "main.tf", may_fail=True) == ""
    assert "1 passed, 0 failed" in outside.run("root", "test")


def _mocked(tree: TerraformTree) -> str:
    return f'mock_provider "aws" {{\n  source = "{tree.root / "modules" / "mocks"}"\n}}\n'
