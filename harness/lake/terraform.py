"""Terraform as a library: one root module, its data and state kept apart from the source tree.

Several lakes can be applied from one `environments/local` at the same time, since nothing is written beside
the configuration: the provider links and module manifest live in `TF_DATA_DIR`, the state in a file of the
caller's.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from harness.lake.provider import Provider

REPOSITORY = Path(__file__).resolve().parents[2]
_WRAPPER = REPOSITORY / "scripts" / "terraform.sh"
_ERROR_LINES = 40
_PLAN = "changes.tfplan"
# The provider waits half a minute and more for buckets and streams to settle; ten at a time is the default.
_AT_ONCE = "-parallelism=40"


class TerraformError(Exception):
    """A Terraform command failed.

    Attributes:
        command: The subcommand, for example `apply`.
        log: The file that holds everything the command printed.
    """

    def __init__(self, command: str, log: Path, output: str) -> None:
        self.command = command
        self.log = log
        tail = "\n".join(output.strip().splitlines()[-_ERROR_LINES:])
        super().__init__(f"terraform {command} failed (all of its output: {log}):\n{tail}")


class Change(NamedTuple):
    """What an apply would do to a resource, or to an output `output.<name>`: create, update and so on."""

    address: str
    action: str


@dataclass(frozen=True)
class Terraform:
    """One root module with a state of its own. Every command raises TerraformError when it fails or is refused.

    Attributes:
        directory: The root module.
        workdir: Where data, state and logs go; made when missing.
        environment: What the commands see besides this process's environment: endpoints and credentials.
        backend: Settings of the backend; a file in `workdir` without.
    """

    directory: Path
    workdir: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    backend: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The state file."""
        return self.workdir / "terraform.tfstate"

    def start_provider(self) -> Provider:
        """Start the provider that `init` has installed, with this module's environment."""
        return Provider.start(self._data, self.workdir / "provider.log", self.environment)

    def with_provider(self, provider: Provider) -> Self:
        """The same root module, its commands using a provider that runs already; one command at a time."""
        return replace(self, environment={**self.environment, **provider.environment})

    @property
    def _data(self) -> Path:
        return self.workdir / "data"

    def init(self) -> None:
        """Install the provider and modules and point the backend at this lake's state."""
        settings = self.backend or {"path": str(self.state)}
        options = [f"-backend-config={name}={value}" for name, value in settings.items()]
        self.run("init", "-input=false", *options, "-reconfigure")

    def apply(self, variables: Mapping[str, object], *options: str) -> None:
        """Apply the configuration without confirmation."""
        self.run("apply", "-input=false", "-auto-approve", _AT_ONCE, *options, *self._arguments(variables))

    def plan(self, variables: Mapping[str, object], *options: str) -> dict[str, Any]:
        """Plan, and return the plan as `terraform show -json` has it."""
        plan = self.workdir / _PLAN
        self.run("plan", "-input=false", f"-out={plan}", *options, *self._arguments(variables))
        shown: dict[str, Any] = json.loads(self.run("show", "-json", str(plan)))
        return shown

    def changes(self, variables: Mapping[str, object], *options: str) -> list[Change]:
        """Plan, and return what `apply_planned` would change."""
        # Reading events spares `terraform show`, which starts the provider once more.
        events = self.plan_events(f"-out={self.workdir / _PLAN}", *options, *self._arguments(variables))
        diagnostics = [event["diagnostic"] for event in events if event["type"] == "diagnostic"]
        errors = [each for each in diagnostics if each["severity"] == "error"]
        if errors:
            text = "\n\n".join(f"{each['summary']}\n{each['detail']}" for each in errors)
            raise TerraformError("plan", self._log("plan"), text)
        resources = [
            Change(event["change"]["resource"]["addr"], event["change"]["action"])
            for event in events
            if event["type"] == "planned_change"
        ]
        outputs = [
            Change(f"output.{name}", output["action"])
            for event in events
            if event["type"] == "outputs"
            for name, output in event["outputs"].items()
        ]
        return [change for change in (*resources, *outputs) if change.action not in ("noop", "read")]

    def plan_events(self, *options: str) -> list[dict[str, Any]]:
        """Plan, and return Terraform's events; those of a plan that is refused say why."""
        return [
            json.loads(line)
            for line in self.run("plan", "-input=false", "-json", *options, refusable=True).splitlines()
            if line.startswith("{")
        ]

    def apply_planned(self) -> None:
        """Apply what `changes` planned last."""
        self.run("apply", "-input=false", _AT_ONCE, str(self.workdir / _PLAN))

    def output(self) -> dict[str, Any]:
        """The root module's outputs, name to value."""
        return {name: entry["value"] for name, entry in json.loads(self.run("output", "-json")).items()}

    def resources(self) -> list[dict[str, Any]]:
        """Every managed resource in the state: `address`, `type`, `values` and so on."""
        shown = json.loads(self.run("show", "-json", str(self.state)))
        return _resources_of(shown["values"]["root_module"])

    def destroy(self, variables: Mapping[str, object]) -> None:
        """Destroy everything in the state."""
        self.run("destroy", "-input=false", "-auto-approve", *self._arguments(variables))

    def _arguments(self, variables: Mapping[str, object]) -> Sequence[str]:
        # Values travel in a file: a map of factories does not fit on a command line legibly.
        path = self.workdir / "variables.tfvars.json"
        path.write_text(json.dumps(variables, indent=2), encoding="utf-8")
        return [f"-var-file={path}"]

    def _log(self, command: str) -> Path:
        return self.workdir / "logs" / f"terraform-{command}.log"

    def run(self, command: str, *arguments: str, refusable: bool = False) -> str:
        """Run a command without colours, and return what it prints.

        Args:
            command: The subcommand.
            arguments: Of it.
            refusable: Return what it prints when it fails as well, if it prints anything.
        """
        log = self._log(command)
        log.parent.mkdir(parents=True, exist_ok=True)
        # `show` and `output` print JSON that is read back; a colour code would break it and the logs.
        # `state` prints none, and takes no such option.
        plain = () if command == "state" else ("-no-color",)
        finished = subprocess.run(
            [str(_WRAPPER), f"-chdir={self.directory}", command, *plain, *arguments],
            env={**os.environ, **self.environment, "TF_DATA_DIR": str(self._data), "TF_IN_AUTOMATION": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        log.write_text(finished.stdout + finished.stderr, encoding="utf-8")
        if finished.returncode != 0 and not (refusable and finished.stdout):
            # Errors go to standard error; what was made before them only hides them.
            raise TerraformError(command, log, finished.stderr or finished.stdout)
        return finished.stdout


def _resources_of(module: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [resource for resource in module.get("resources", ()) if resource["mode"] == "managed"]
    for child in module.get("child_modules", ()):
        found += _resources_of(child)
    return found
