"""`python -m harness.scale`: measure plans of lakes of many factories, and write the figures into docs/scale.md."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import run_app
from harness.scale import tables
from harness.scale.plans import ScaleError, plan, plan_empty, size


def command(
    *,
    only: Annotated[int, typer.Option("--only", help="Plan no lake of more factories; writes nothing.", min=1)] = max(
        tables.FACTORIES
    ),
) -> None:
    """Plan lakes of 1, 10, 50 and 200 factories, with a mocked provider: some six minutes of a processor."""
    workdir = Path(tempfile.mkdtemp(prefix="scale-"))
    try:
        one, two = (size(workdir / "lake", factories) for factories in (1, 2))
        measured = []
        for factories in tables.FACTORIES:
            if factories <= only:
                usage = plan(workdir / "lake", factories)
                empty = plan_empty(workdir / "empty", factories, two.resources - one.resources)
                row = tables.Measured.of(factories, one, two, usage, empty)
                print(row.line, flush=True)
                measured.append(row)
    finally:
        shutil.rmtree(workdir)
    if only >= max(tables.FACTORIES):
        page = tables.DOCUMENT.read_text(encoding="utf-8")
        tables.DOCUMENT.write_text(tables.with_measured(page, measured), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.scale", None, ScaleError))
