"""Writes the table of docs/changes.md: applies a lake to a local cloud and plans every change of it.

`python -m tools.changes` takes two to three minutes. It fails when an input of `environments/lake` has no
case in cases.toml.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tools.changes.inputs import inputs_of_the_lake
from tools.changes.plans import ChangesError, outcomes
from tools.changes.surroundings import FACTORIES
from tools.changes.table import PAGE, missing, render, write
from tools.lake import LocalLake, TerraformError
from tools.lake.local import build_packages


def main() -> int:
    """Write the table; 1 when that cannot be done."""
    build_packages()
    try:
        with tempfile.TemporaryDirectory() as folder, LocalLake.start(Path(folder) / "lake") as lake:
            lake.apply(FACTORIES)
            (Path(folder) / "plans").mkdir()
            found = outcomes(lake, Path(folder) / "plans")
    except (ChangesError, TerraformError) as error:
        print(f"changes: {error}", file=sys.stderr)
        return 1
    if without := missing(inputs_of_the_lake(), found):
        print(f"changes: tools/changes/cases.toml has no case for {', '.join(without)}", file=sys.stderr)
        return 1
    write(render(found))
    print(f"changes: {PAGE} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
