"""`make demo`: ``python -m harness.demo --help``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from factory_lake.boundary import run_command
from harness.demo import run
from harness.demo.steps import StepError
from localcloud import StartError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration.

    Returns:
        The exit code: 0 when all was done and nothing lost or repeated, 1 when something was, 2 when a step
        failed, 130 after Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="python -m harness.demo", description=run.__doc__)
    parser.add_argument(
        "--messages", type=Path, metavar="FILE", help="send this file's messages instead of a plant's"
    )
    parser.add_argument("--workdir", type=Path, default=Path("build/demo"), help="emptied first")
    given = parser.parse_args(arguments)
    return run_command(lambda: run.run(given.workdir.resolve(), given.messages), StepError, StartError)


if __name__ == "__main__":
    sys.exit(main())
