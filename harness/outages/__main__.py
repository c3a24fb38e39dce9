"""Outages alone, on a lake of their own: ``python -m harness.outages --help``."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.options import whole
from harness.commands import empty_folder, run_app
from harness.lake import LocalLake
from harness.lake.local import build_packages
from harness.lake.targets import Targets
from harness.outages.gateway import Pace
from harness.outages.kinds import KINDS
from harness.outages.run import FACTORY, Extent, Outages, factory

_GATEWAYS = 3


def command(
    *,
    rounds: Annotated[
        int, typer.Option("--rounds", parser=whole(1), metavar="N", help="How many outages each gateway has.")
    ] = len(KINDS),
    workdir: Annotated[
        Path, typer.Option("--workdir", metavar="DIR", help="Emptied first; the results stay in it.")
    ] = Path("build/outages"),
) -> int:
    """Cause outages of every kind, and compare what a coverage says of them with what was done; 1 when it errs."""
    folder = empty_folder(workdir)
    build_packages()
    with LocalLake.start(folder / "lake") as lake:
        lake.apply({FACTORY: factory(_GATEWAYS)})
        targets = Targets(lake, [FACTORY], folder)
        with Outages(targets, Extent(_GATEWAYS, rounds=rounds), Pace()) as outages:
            outages.start()
            outages.await_rounds()
            verdict = outages.finish()
    text = json.dumps({"coverage": verdict.to_json()}, indent=2)
    (folder / "summary.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    for line in verdict.wrong:
        print(line, file=sys.stderr)
    return 0 if verdict.is_right else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Cause outages."""
    return run_app(command, "harness.outages", arguments)


if __name__ == "__main__":
    sys.exit(main())
