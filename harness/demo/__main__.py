"""`make demo`: ``python -m harness.demo --help``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import empty_folder, run_app
from harness.demo import messages, run
from harness.demo.steps import StepError


def demo(
    *,
    file: Annotated[
        Path | None,
        typer.Option("--messages", metavar="FILE", help="Send this file's messages instead of a simulated plant's."),
    ] = None,
    workdir: Annotated[
        Path, typer.Option("--workdir", metavar="DIR", help="Emptied first; the results stay in it.")
    ] = Path("build/demo"),
) -> int:
    """Take a lake on the local cloud from gateways and cameras to SQL, clips and reconciliation."""
    if file is not None:
        messages.check_file(file)
    return run.run(empty_folder(workdir), file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration."""
    return run_app(demo, "harness.demo", arguments, StepError)


if __name__ == "__main__":
    sys.exit(main())
