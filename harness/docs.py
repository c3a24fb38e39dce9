"""`make docs`: keep generated parts of the pages and of the flow as their sources are; `--check` writes nothing."""

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
from scripts import conformancedocs, copies, flowsource, moduledocs, schemadocs, sizingdocs


def command(
    *, check: Annotated[bool, typer.Option("--check", help="Fail if a page is behind; write nothing.")] = False
) -> int:
    """Write the generated parts of module READMEs, of the LoopEdge flow, and of the pages in docs."""
    return keep(generated(), check=check)


def generated() -> Iterator[tuple[Path, str | None]]:
    """Every file that has generated parts and every copy, and its text as it should be: none is a file too many."""
    yield from copies.copied(REPOSITORY)
    for folder in moduledocs.documented_folders(REPOSITORY):
        yield folder / "README.md", moduledocs.readme(folder)
    yield schemadocs.DOCUMENT, schemadocs.render(schemadocs.DOCUMENT.read_text(encoding="utf-8"), schemadocs.SCHEMAS)
    for page in sizingdocs.PAGES:
        yield page, sizingdocs.rendered(page.read_text(encoding="utf-8"))
    for page in conformancedocs.PAGES:
        yield page, conformancedocs.rendered(page.read_text(encoding="utf-8"))
    yield tables.DOCUMENT, tables.rendered(tables.DOCUMENT.read_text(encoding="utf-8"))
    yield flowsource.FLOW, flowsource.render(flowsource.FLOW.read_text(encoding="utf-8"), flowsource.FLOW.parent)
    yield table.DOCUMENT, table.render(table.DOCUMENT.read_text(encoding="utf-8"))


def keep(pages: Iterable[tuple[Path, str | None]], *, check: bool) -> int:
    """Write the pages that are behind, or only name them, and return the exit code."""
    behind = [(page, text) for page, text in pages if _text(page) != text]
    for page, text in behind:
        if not check:
            copies.put(page, text)
        print(f"{page} {'is behind its sources: make docs' if check else 'written' if text else 'removed'}")
    return 1 if check and behind else 0


def _text(page: Path) -> str | None:
    return page.read_text(encoding="utf-8") if page.exists() else None


if __name__ == "__main__":
    sys.exit(run_app(command, "harness.docs", None, ModuleInterfaceError))
