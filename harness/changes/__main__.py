"""Writes the table of docs/changes.md: applies a lake to a local cloud and plans every change of it.

`python -m harness.changes` takes two to three minutes. It fails when an input of `modules/lake` has no
case in cases.toml.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from factory_lake.boundary import run_command
from harness.changes.dependencies import FACTORIES
from harness.changes.inputs import inputs_of_the_lake
from harness.changes.plans import ChangesError, outcomes
from harness.changes.table import PAGE, missing, render, write
from harness.lake import LocalLake, TerraformError
from harness.lake.local import build_packages
from localcloud import StartError


def main() -> int:
    """Write the table; 1 when an input has no case."""
    build_packages()
    with tempfile.TemporaryDirectory() as folder, LocalLake.start(Path(folder) / "lake") as lake:
        lake.apply(FACTORIES)
        (Path(folder) / "plans").mkdir()
        found = outcomes(lake, Path(folder) / "plans")
    if without := missing(inputs_of_the_lake(), found):
        print(f"changes: harness/changes/cases.toml has no case for {', '.join(without)}", file=sys.stderr)
        return 1
    write(render(found))
    print(f"changes: {PAGE} written")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main, ChangesError, TerraformError, StartError))
