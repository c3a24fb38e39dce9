"""Links between pages lead somewhere, and so do the pages that sources name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from factory_lake.module_interface import REPOSITORY
from tests.unit.docs.pages import anchors, links, name_of, pages

_SOURCES = {".hcl", ".py", ".sh", ".tf", ".toml", ".tfvars"}
_FOLDERS = ("environments", "factory_lake", "harness", "lambda_src", "localcloud", "modules", "scripts")
# Pages of the repository, not those of localcloud/.
_PAGE_NAME = re.compile(r"(?<![\w/.])docs/[\w/-]+\.md(?:#[a-z][\w-]+)?")


def _broken(page: Path, target: str) -> str:
    """What is wrong with a link of a page; empty when nothing is."""
    file, _, anchor = target.partition("#")
    linked = (page.parent / file).resolve() if file else page
    if not linked.exists():
        return f"{target}: no such file"
    if anchor and anchor not in anchors(linked):
        return f"{target}: no such heading"
    return ""


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    local = [target for target in links(page) if "://" not in target]
    assert [broken for target in local if (broken := _broken(page, target))] == []


def test_every_page_that_a_source_names_exists() -> None:
    sources = [
        file
        for folder in _FOLDERS
        for file in sorted((REPOSITORY / folder).rglob("*"))
        if file.suffix in _SOURCES and not any(part.startswith(".") for part in file.parts)
    ]
    named = [(file, target) for file in sources for target in re.findall(_PAGE_NAME, file.read_text(encoding="utf-8"))]
    root = REPOSITORY / "README.md"
    assert [(file, broken) for file, target in named if (broken := _broken(root, target))] == []


@pytest.mark.parametrize("index", ["README.md", "docs/README.md"])
def test_an_index_lists_every_page_of_the_documentation(index: str) -> None:
    listed = _linked(REPOSITORY / index)
    assert {page for page in (REPOSITORY / "docs").glob("*.md") if page.name != "README.md"} - listed == set()


@pytest.mark.parametrize(("folder", "index"), [("modules", "docs/README.md"), ("examples", "examples/README.md")])
def test_an_index_lists_every_module_and_example(folder: str, index: str) -> None:
    assert set((REPOSITORY / folder).glob("*/README.md")) - _linked(REPOSITORY / index) == set()


def _linked(page: Path) -> set[Path]:
    return {(page.parent / target.partition("#")[0]).resolve() for target in links(page)}


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b_c`, [d](e.md): f?\n\n```\n# no heading\n```\n\n## Twice\n\n## Twice\n")
    assert anchors(page) == {"a-b_c-d-f", "twice", "twice-1"}
