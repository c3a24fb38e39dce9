"""`python -m harness.access`: keep the tables of docs/security.md as expected.toml and the probes are."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.access.table import DOCUMENT, render
from harness.commands import run_app


def command(
    *, check: Annotated[bool, typer.Option("--check", help="Fail if they are not up to date; write nothing.")] = False
) -> int:
    """Write the tables of docs/security.md that say who may do what."""
    before = DOCUMENT.read_text(encoding="utf-8")
    after = render(before)
    if after == before:
        return 0
    if check:
        print(f"{DOCUMENT}: its tables differ from harness/access; run 'make docs'", file=sys.stderr)
        return 1
    DOCUMENT.write_text(after, encoding="utf-8")
    print(f"{DOCUMENT}  written")
    return 0


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.access"))
