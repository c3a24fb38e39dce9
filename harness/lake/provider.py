"""One process of the AWS provider that many Terraform commands use.

Terraform starts the provider anew for each command, and for each `run` block of a test, and each time reads
and hashes a program of 700 MB. A provider that was started in debug mode goes on, and commands attach to it
by an environment variable. Each command configures it again, so commands with different settings may use it
one after the other, not at the same time.

Source: HashiCorp, "Debugging Terraform providers": starting a provider in debug mode.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_VARIABLE = "TF_REATTACH_PROVIDERS"
_INSTALLED = "providers/registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws_*"
# The provider ends with this process, however that ends: the shell waits for the end of what it never gets.
_TIED = '"$0" -debug & exec >/dev/null; cat; kill "$!"; wait'

# With a bundle the provider fails when it is configured a second time (5.100.0: "unable to add custom RootCAs
# HTTPClient"); the local cloud speaks plain HTTP.
_WITHOUT = {"AWS_CA_BUNDLE": ""}
# As scripts/terraform.sh has it, for the same reason; a user's own setting goes before.
_COLLECTS = {"GOGC": "400"}


class ProviderError(Exception):
    """The provider is not there, or does not start."""


@dataclass(frozen=True)
class Provider:
    """A provider that runs.

    Attributes:
        process: The shell that it ends with.
        environment: The variable by which Terraform commands find it.
    """

    process: subprocess.Popen[str]
    environment: Mapping[str, str]

    @classmethod
    def start(cls, data: Path, log: Path, environment: Mapping[str, str] | None = None) -> Self:
        """Start the provider that `terraform init` has installed and checked.

        Args:
            data: The data folder of a root module: `TF_DATA_DIR`, or its `.terraform`.
            log: The file that takes what the provider logs.
            environment: What it sees besides this process's environment: endpoints and credentials.

        Raises:
            ProviderError: When none is installed there, or it ends instead of serving.
        """
        programs = sorted(data.glob(_INSTALLED))
        if len(programs) != 1:
            raise ProviderError(f"{data} must hold one AWS provider, found {len(programs)}: run init first")
        with log.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _TIED, str(programs[0])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**_COLLECTS, **os.environ, **(environment or {}), **_WITHOUT},
                text=True,
                start_new_session=True,
            )
        for line in process.stdout or ():
            found = re.search(rf"{_VARIABLE}='(.*)'", line)
            if found is not None:
                json.loads(found[1])
                return cls(process, {_VARIABLE: found[1]})
        process.communicate()
        raise ProviderError(f"the AWS provider ended instead of serving; its log is {log}")

    def stop(self) -> None:
        """Stop it."""
        self.process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
