"""scripts/terraform.sh finds the provider where the machine has it, and leaves a user's settings alone."""

import os
import platform
import stat
import subprocess
from pathlib import Path

import pytest

from tests.terraform.terraform_tree import LOCK_FILE, WRAPPER

# Stands in for terraform: what it was called with, one fact a line.
_FAKE = """#!/bin/sh
echo "arguments: $*"
echo "config: ${TF_CLI_CONFIG_FILE:-none}"
echo "cache: ${TF_PLUGIN_CACHE_DIR:-none}"
[ -z "$TF_CLI_CONFIG_FILE" ] || cat "$TF_CLI_CONFIG_FILE"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home without any Terraform settings."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which terraform is the stand-in."""
    fake = tmp_path / "bin" / "terraform"
    fake.parent.mkdir()
    fake.write_text(_FAKE)
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    return f"{fake.parent}:/usr/bin:/bin"


def _mirror(folder: Path) -> Path:
    version = next(
        line.split('"')[1] for line in LOCK_FILE.read_text().splitlines() if line.strip().startswith("version ")
    )
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    provider = folder / "registry.terraform.io" / "hashicorp" / "aws" / version
    (provider / f"{platform.system().lower()}_{machine}").mkdir(parents=True)
    return folder


def _run(home: Path, path: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": path, **variables}
    return subprocess.run([str(WRAPPER), *arguments], env=environment, capture_output=True, text=True, check=False)


def test_uses_the_mirror_that_it_is_told(tmp_path: Path, home: Path, path: str) -> None:
    """For the AWS provider; anything else still comes from its registry."""
    mirror = _mirror(tmp_path / "mirror")
    printed = _run(home, path, "-chdir=x", "init", "-upgrade", FACTORY_LAKE_TF_MIRROR=str(mirror)).stdout
    assert "arguments: -chdir=x init -upgrade\n" in printed
    assert f'path    = "{mirror}"' in printed
    assert 'include = ["registry.terraform.io/hashicorp/aws"]' in printed
    assert 'exclude = ["registry.terraform.io/hashicorp/aws"]' in printed
    assert "cache: none" in printed


def test_refuses_a_mirror_without_the_provider(tmp_path: Path, home: Path, path: str) -> None:
    """Rather than going elsewhere behind the user's back."""
    finished = _run(home, path, "init", FACTORY_LAKE_TF_MIRROR=str(tmp_path))
    assert finished.returncode == 1
    assert "FACTORY_LAKE_TF_MIRROR must hold registry.terraform.io/hashicorp/aws" in finished.stderr
    assert str(tmp_path) in finished.stderr


def test_finds_a_mirror_in_a_usual_place(home: Path, path: str) -> None:
    """Here among the user's own plug-ins."""
    mirror = _mirror(home / ".terraform.d" / "plugins")
    assert f'path    = "{mirror}"' in _run(home, path, "init").stdout


def test_leaves_the_users_own_settings_alone(tmp_path: Path, home: Path, path: str) -> None:
    """Whether a variable names them or they are where Terraform looks by itself."""
    _mirror(home / ".terraform.d" / "plugins")
    own = tmp_path / "own.tfrc"
    own.write_text("# mine\n")
    assert f"config: {own}\n" in _run(home, path, "plan", TF_CLI_CONFIG_FILE=str(own)).stdout
    (home / ".terraformrc").write_text("# mine\n")
    assert "config: none\n" in _run(home, path, "plan").stdout


def test_goes_on_without_settings_that_do_not_exist(tmp_path: Path, home: Path, path: str) -> None:
    """Terraform itself would only warn, and then find no provider. It is said once, where it matters."""
    _mirror(home / ".terraform.d" / "plugins")
    missing = str(tmp_path / "missing.tfrc")
    finished = _run(home, path, "-chdir=x", "init", TF_CLI_CONFIG_FILE=missing)
    assert f"TF_CLI_CONFIG_FILE names {missing}, which does not exist" in finished.stderr
    assert "filesystem_mirror" in finished.stdout
    assert _run(home, path, "plan", TF_CLI_CONFIG_FILE=missing).stderr == ""


def test_shares_downloads_from_the_registry(tmp_path: Path, home: Path, path: str) -> None:
    """One copy for all folders, unless the user has a cache already."""
    registry = {"FACTORY_LAKE_TF_MIRROR": "registry"}
    printed = _run(home, path, "init", **registry).stdout
    assert "config: none\n" in printed
    assert f"cache: {WRAPPER.parents[1] / '.tools' / 'terraform-plugins'}\n" in printed
    own = str(tmp_path / "cache")
    assert f"cache: {own}\n" in _run(home, path, "init", TF_PLUGIN_CACHE_DIR=own, **registry).stdout


def test_says_so_when_terraform_is_missing(tmp_path: Path, home: Path) -> None:
    """A clean machine's first message is one that helps."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "sed"):
        tool = next(Path(folder) / name for folder in os.defpath.split(":") if (Path(folder) / name).exists())
        (tools / name).symlink_to(tool)
    finished = _run(home, str(tools), "plan")
    assert finished.returncode == 1
    assert "terraform is not on PATH: install 1.11 or later" in finished.stderr
