"""A copy of the Terraform sources to run `terraform` in, so that nothing is written beside the real ones."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.lake import Provider

REPOSITORY = Path(__file__).resolve().parents[2]
WRAPPER = REPOSITORY / "scripts" / "terraform.sh"
LOCK_FILE = REPOSITORY / "environments" / "local" / ".terraform.lock.hcl"

# What every test root is mocked with: the account and the region of the modules' own tests.
MOCK_PROVIDER = 'mock_provider "aws" {\n  source = "../../modules/mocks"\n}\n'


def configuration_folders() -> list[str]:
    """Every folder with a Terraform configuration, relative to the repository."""
    return sorted(
        str(file.parent.relative_to(REPOSITORY))
        for parent in ("modules", "environments")
        for file in (REPOSITORY / parent).glob("*/versions.tf")
    )


@dataclass(frozen=True)
class TerraformTree:
    """A copy of `modules`, `environments`, `examples` and `glue_schemas`, laid out as in the repository.

    Attributes:
        root: The folder that holds them.
        environment: What terraform sees besides this process's environment.
    """

    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def copy_to(cls, root: Path) -> "TerraformTree":
        """Copy the sources; caches and states of a developer's own runs stay behind."""
        for folder in ("modules", "environments", "examples", "glue_schemas"):
            shutil.copytree(
                REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*")
            )
        return cls(root)

    def add_root(self, name: str, files: dict[str, str]) -> str:
        """Make a root module beside the environments.

        Args:
            name: Its folder's name.
            files: File names to contents.

        Returns:
            The folder, relative to the tree, for `run`.
        """
        folder = self.root / "environments" / name
        folder.mkdir()
        shutil.copy(REPOSITORY / "modules" / "storage" / "versions.tf", folder)
        for file, content in files.items():
            (folder / file).write_text(content, encoding="utf-8")
        return f"environments/{name}"

    def init(self, folder: str) -> None:
        """Install provider and modules, the provider exactly as the lock files pin it."""
        if "hashicorp/aws" not in (self.root / folder / "versions.tf").read_text(encoding="utf-8"):
            self.run(folder, "init", "-backend=false", "-input=false")
            return
        lock = self.root / folder / LOCK_FILE.name
        if not lock.exists():  # modules have no lock file of their own
            shutil.copy(LOCK_FILE, lock)
        # A download into the shared plugin cache must not run twice at a time.
        with (REPOSITORY / ".tools" / "terraform-init.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            self.run(folder, "init", "-backend=false", "-input=false", "-lockfile=readonly")

    def run(self, folder: str, *arguments: str, may_fail: bool = False) -> str:
        """Run terraform in a folder of the tree and return what it printed, both streams.

        Raises:
            AssertionError: With all of it, when terraform fails and may not.
        """
        finished = subprocess.run(
            [str(WRAPPER), f"-chdir={self.root / folder}", arguments[0], "-no-color", *arguments[1:]],
            env={**_environment_without_credentials(), **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert may_fail or finished.returncode == 0, finished.stdout
        return finished.stdout

    def test_diagnostics(self, folder: str) -> list[dict[str, Any]]:
        """What `terraform test` complains of in a folder: severity, summary and detail of each."""
        lines: Sequence[str] = self.run(folder, "test", "-json", may_fail=True).splitlines()
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [event["diagnostic"] for event in events if event.get("type") == "diagnostic"]


@contextmanager
def served(root: Path) -> Iterator[TerraformTree]:
    """A copy of the sources whose commands share one provider: it is mocked, and only tells its schema.

    Args:
        root: The folder for the copy.
    """
    tree = TerraformTree.copy_to(root)
    tree.init("modules/storage")  # which looks at the lock file's hashes
    with Provider.start(root / "modules" / "storage" / ".terraform", root / "provider.log") as provider:
        yield replace(tree, environment=provider.environment)


def _environment_without_credentials() -> dict[str, str]:
    """A plan that needs an account must fail here, whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_"))}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return {**kept, **nowhere, "AWS_EC2_METADATA_DISABLED": "true"}
