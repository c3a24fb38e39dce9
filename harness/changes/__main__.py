"""Writes the table of docs/changes.md: applies a lake to a local cloud and plans every change of it.

`python -m harness.changes` takes two to three minutes. It fails when an input of `modules/lake` has no
case in cases.toml.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness.changes.dependencies import FACTORIES
from harness.changes.inputs import inputs_of_the_lake
from harness.changes.plans import ChangesError, outcomes
from harness.changes.table import PAGE, missing, render, write
from harness.commands import run_app
from harness.lake import LocalLake
from harness.lake.local import build_packages


def main() -> int:
    """Plan a change of every input of modules/lake, and write the table of docs/changes.md."""
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
    sys.exit(run_app(main, "harness.changes", None, ChangesError))
