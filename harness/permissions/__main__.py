"""`python -m harness.permissions`: record anew what factory_lake/policy/permissions.json has."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from factory_lake.policy import documents
from harness.commands import run_app
from harness.lake.local import build_packages
from harness.lake.terraform import TerraformError
from harness.permissions.kinds import RecordingError
from harness.permissions.operations import OperationError
from harness.permissions.performance import perform
from harness.permissions.rehearsal import Rehearsal

PERMISSIONS = Path(documents.__file__).with_name("permissions.json")


def command() -> None:
    """Apply, plan, change, operate and destroy a lake on the local cloud, and write which permissions that takes."""
    build_packages()
    with tempfile.TemporaryDirectory() as folder, Rehearsal.start(Path(folder)) as rehearsal:
        recorded = perform(rehearsal)
    PERMISSIONS.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")
    print(f"{PERMISSIONS}  written")


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.permissions", None, TerraformError, OperationError, RecordingError))
