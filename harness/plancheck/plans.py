"""Plans of `environments/dev` and `prod`, made by the real provider without an account.

The provider asks AWS a few things while it plans: whose account it is, the account's IoT endpoint, and which
lakes are there already. The local cloud answers them.
"""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

from harness.lake.terraform import REPOSITORY, Terraform
from localcloud import LocalCloud
from localcloud.settings import ACCOUNT

ENVIRONMENTS = ("dev", "prod")
SOURCES = ("environments", "glue_schemas", "modules")
_NOT_SOURCES = shutil.ignore_patterns(".terraform", "*.tfstate*")
# An environment's own backend is a bucket of the user's; in the copy, an override file takes its place.
_LOCAL_BACKEND = 'terraform {\n  backend "local" {}\n}\n'


def make_plans(workdir: Path) -> dict[str, Path]:
    """Plan every environment as it would first be applied.

    Args:
        workdir: An empty folder for the copy of the sources, the cloud and the plans.

    Returns:
        Each environment's plan, a file as `terraform show -json` writes it.
    """
    for folder in SOURCES:
        shutil.copytree(REPOSITORY / folder, workdir / "sources" / folder, ignore=_NOT_SOURCES)
    with LocalCloud.start(workdir / "cloud") as cloud:
        roots = {name: _prepare(workdir, name, cloud) for name in ENVIRONMENTS}
        # One after the other: they use one provider, which takes longer to start than to plan.
        with next(iter(roots.values())).start_provider() as provider:
            plans = {name: _plan(root.with_provider(provider)) for name, root in roots.items()}
    files = {name: workdir / f"{name}.json" for name in plans}
    for name, plan in plans.items():
        files[name].write_text(json.dumps(plan), encoding="utf-8")
    return files


def _prepare(workdir: Path, name: str, cloud: LocalCloud) -> Terraform:
    folder = workdir / "sources" / "environments" / name
    (folder / "backend_override.tf").write_text(_LOCAL_BACKEND, encoding="utf-8")
    terraform = Terraform(folder, workdir / name, cloud.environment())
    # A download into the shared plugin cache must not run twice at a time; the tests take the same lock.
    with (REPOSITORY / ".tools" / "terraform-init.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        terraform.init()
    return terraform


def _plan(terraform: Terraform) -> dict[str, Any]:
    environments = terraform.directory.parent
    csr = terraform.directory / "csr"
    return terraform.plan(
        {
            "account_id": ACCOUNT,
            # An environment in use has requests of its own.
            "csr_dir": str(csr if csr.is_dir() else terraform.directory / "tests" / "testdata" / "csr"),
            "packages_dir": str(environments.parent / "modules" / "lake" / "tests" / "testdata" / "packages"),
        }
    )
