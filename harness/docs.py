"""`make docs`: keep the generated parts of the pages as their sources are; `--check` writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from factory_lake.module_interface import REPOSITORY, ModuleInterfaceError
from harness.access import table
from harness.commands import run_app
from harness.scale import tables
from scripts import moduledocs, schemadocs, sizingdocs


def command(
    *, check: Annotated[bool, typer.Option("--check", help="Fail if a page is behind; write nothing.")] = False
) -> int:
    """Write the generated parts of module READMEs and of the pages on data, sizing and security."""
    return keep(generated(), check=check)


def generated() -> Iterator[tuple[Path, str]]:
    """Every page that has generated parts, and its text as it should be."""
    for folder in moduledocs.documented_folders(REPOSITORY):
        yield folder / "README.md", moduledocs.readme(folder)
    yield schemadocs.DOCUMENT, schemadocs.render(schemadocs.DOCUMENT.read_text(encoding="utf-8"), schemadocs.SCHEMAS)
    for page in sizingdocs.PAGES:
        yield page, sizingdocs.rendered(page.read_text(encoding="utf-8"))
    yield tables.DOCUMENT, tables.rendered(tables.DOCUMENT.read_text(encoding="utf-8"))
    yield table.DOCUMENT, table.render(table.DOCUMENT.read_text(encoding="utf-8"))


def keep(pages: Iterable[tuple[Path, str]], *, check: bool) -> int:
    """Write the pages that are behind, or only name them, and return the exit code."""
    behind = [(page, text) for page, text in pages if page.read_text(encoding="utf-8") != text]
    for page, text in behind:
        if not check:
            page.write_text(text, encoding="utf-8")
        print(f"{page} {'is behind its sources: make docs' if check else 'written'}")
    return 1 if check and behind else 0


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.docs", None, ModuleInterfaceError))
