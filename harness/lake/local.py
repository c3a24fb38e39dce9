"""A local lake: the local cloud with environment `local` applied to it by the real AWS provider."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from factory_lake.gateway.csr import csr_path, make_csr
from factory_lake.gateway.identities import LANES, Source
from factory_lake.lake import LocalAccess, outputs_of
from harness.lake.terraform import REPOSITORY, Change, Terraform
from localcloud import LocalCloud
from localcloud.settings import ACCESS_KEY, SECRET_KEY
from scripts import package

ENVIRONMENT = REPOSITORY / "environments" / "local"
LAMBDA_PYTHONS = [REPOSITORY / ".venv-oldest" / "bin" / "python"]
CERTIFICATE = "first"


_ROOT: Mapping[str, Any] = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY}


def describe(
    cloud: LocalCloud,
    folder: Path,
    outputs: Mapping[str, Any],
    key_dir: Path | None = None,
    caller: Mapping[str, Any] = _ROOT,
) -> Path:
    """Make a running cloud a lake with these outputs, as a caller reaches it; give the folder that holds that."""
    folder.mkdir(parents=True, exist_ok=True)
    LocalAccess(
        endpoint=cloud.endpoint,
        region=cloud.region,
        access_key_id=caller["AccessKeyId"],
        secret_access_key=caller["SecretAccessKey"],
        ca_file=cloud.ca_file,
        mqtt_host=cloud.mqtt_host,
        mqtt_port=cloud.mqtt_port,
        key_dir=key_dir or folder / "keys",
        journal_dir=folder / "journals",
    ).write(folder, outputs)
    return folder


def default_factories() -> dict[str, Any]:
    """The factories that environment `local` has by default, as its variable file holds them."""
    content = json.loads((ENVIRONMENT / "factories.auto.tfvars.json").read_text(encoding="utf-8"))
    factories: dict[str, Any] = content["factories"]
    return factories


@dataclass
class LocalLake:
    """A running lake.

    Attributes:
        workdir: Everything of this lake: the cloud's state and logs, Terraform's state, CSRs and keys.
        cloud: The local cloud that it runs on.
        terraform: Environment `local` with a state of its own.
        variables: What was applied last.
    """

    workdir: Path
    cloud: LocalCloud
    terraform: Terraform
    variables: dict[str, Any] = field(default_factory=dict)
    _outputs: dict[str, Any] | None = None

    @classmethod
    def start(cls, workdir: Path, port: int = 0, mqtt_port: int = 0, *, detached: bool = False) -> Self:
        """Start an empty local cloud and prepare Terraform for it; nothing is applied yet.

        Raises:
            StartError: When the cloud does not come up.
            TerraformError: When the provider cannot be installed. Nothing is left running.
        """
        workdir = workdir.resolve()
        cloud = LocalCloud.start(workdir / "cloud", port, mqtt_port, detached=detached, pythons=LAMBDA_PYTHONS)
        try:
            terraform = Terraform(ENVIRONMENT, workdir / "terraform", cloud.environment())
            terraform.state.unlink(missing_ok=True)
            terraform.init()
            return cls(workdir, cloud, terraform)
        except BaseException:
            cloud.stop()
            raise

    @classmethod
    def attach(cls, workdir: Path) -> Self:
        """The lake that runs in `workdir`."""
        workdir = workdir.resolve()
        cloud = LocalCloud.attach(workdir / "cloud")
        terraform = Terraform(ENVIRONMENT, workdir / "terraform", cloud.environment())
        variables = json.loads((terraform.workdir / "variables.tfvars.json").read_text(encoding="utf-8"))
        return cls(workdir, cloud, terraform, variables)

    @property
    def csr_dir(self) -> Path:
        """CSR files, `<client ID>/<name>.pem`."""
        return self.workdir / "csr"

    @property
    def packages_dir(self) -> Path:
        """The Lambda packages that are applied: a copy, since a build may replace those that it is of."""
        return self.workdir / "packages"

    @property
    def key_dir(self) -> Path:
        """The gateways' private keys, which Terraform never sees."""
        return self.workdir / "keys"

    def apply(self, factories: Mapping[str, Any] | None = None, *, refresh: bool = True, **variables: object) -> None:
        """Make the keys and CSRs that are missing, and apply.

        Args:
            factories: The factories map; without one, as it was applied last or environment `local` has it.
            refresh: Compare the state with the cloud first, which takes half of the time.
            variables: More of the environment's variables; they stay as given until given anew.

        Raises:
            TerraformError: When the apply fails.
        """
        self._prepare(factories, variables)
        self.terraform.apply(self.variables, *([] if refresh else ["-refresh=false"]))

    def changing(self, factories: Mapping[str, Any] | None = None, **variables: object) -> list[Change]:
        """Do what `apply` does, and return what it changed."""
        self._prepare(factories, variables)
        changes = self.terraform.changes(self.variables)
        self.terraform.apply_planned()
        return changes

    def _prepare(self, factories: Mapping[str, Any] | None, variables: Mapping[str, object]) -> None:
        wanted = factories if factories is not None else self.variables.get("factories", default_factories())
        self.onboard(wanted)
        shutil.copytree(package.PACKAGES, self.packages_dir, dirs_exist_ok=True)
        self.variables = {
            **self.variables,
            **variables,
            "factories": dict(wanted),
            "csr_dir": str(self.csr_dir),
            "packages_dir": str(self.packages_dir),
        }
        self._outputs = None

    def onboard(self, factories: Mapping[str, Any]) -> None:
        """Make a key and a CSR for each identity that has none."""
        for factory, settings in factories.items():
            for gateway in settings["gateways"]:
                for lane in LANES:
                    client_id = Source(factory, gateway, lane).client_id
                    if not csr_path(self.csr_dir, client_id, CERTIFICATE).exists():
                        make_csr(client_id, CERTIFICATE, self.csr_dir, self.key_dir)

    @property
    def outputs(self) -> dict[str, Any]:
        """The lake's outputs, name to value."""
        if self._outputs is None:
            self._outputs = outputs_of(self.terraform.output(), self.workdir)
        return self._outputs

    def describe(self) -> Path:
        """Write what `factory-lake --lake` needs to know into the lake's folder, and return the folder."""
        return describe(self.cloud, self.workdir, self.outputs, self.key_dir)

    def stop(self) -> None:
        """Stop the cloud; what it stored is gone with it."""
        self.cloud.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def build_packages() -> None:
    """Build the Lambda packages; quick when nothing changed."""
    for function in package.functions():
        package.build(function)
