"""The command line of the demonstration."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from harness.demo import run, up_down
from harness.demo.steps import StepError, fail
from localcloud import StartError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 when all was done and nothing lost or repeated, 130 after Ctrl-C, otherwise 1.
    """
    parser = argparse.ArgumentParser(prog="python -m harness.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("run", help="run the demonstration and stop everything")
    demo.add_argument(
        "--messages", type=Path, metavar="FILE", help="send this file's messages instead of a plant's"
    )
    demo.add_argument("--workdir", type=Path, default=Path("build/demo"))
    for name, summary in (("up", "leave a lake running"), ("down", "stop it")):
        command = commands.add_parser(name, help=summary)
        command.add_argument("--workdir", type=Path, default=Path("build/local"))
    given = parser.parse_args(arguments)
    # A polite end (a CI job that is cancelled, say) unwinds like Ctrl-C, so that no server stays behind.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if given.command == "run":
            return run.run(given.workdir.resolve(), given.messages)
        if given.command == "up":
            return up_down.up(given.workdir.resolve())
        return up_down.down(given.workdir.resolve())
    except (StepError, StartError) as error:
        fail(error)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
