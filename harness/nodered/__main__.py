"""`make test-nodered`: ``python -m harness.nodered --help``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import empty_folder, run_app
from harness.demo.steps import StepError
from harness.nodered.run import run


def nodered(
    *,
    workdir: Annotated[
        Path, typer.Option("--workdir", metavar="DIR", help="Emptied first; the results stay in it.")
    ] = Path("build/nodered"),
    zlib: Annotated[
        bool, typer.Option("--zlib", help="Give the flow the module zlib, which packs its buffer.")
    ] = False,
) -> int:
    """Send 10,000 samples from a real Node-RED with the LoopEdge flow, through a line that breaks, and count them."""
    return run(empty_folder(workdir), ["zlib"] if zlib else [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the trial.

    Returns:
        The exit code: 0 when every sample arrived as it was spelled, 1 when one did not, 2 when a step failed,
        130 after Ctrl-C.
    """
    return run_app(nodered, "harness.nodered", arguments, StepError)


if __name__ == "__main__":
    sys.exit(main())
