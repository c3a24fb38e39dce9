"""The repository's pages: Markdown files, their headings, links and commands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from factory_lake.module_interface import REPOSITORY

_FOLDERS = ("docs", "environments", "examples", "localcloud", "modules")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")


def pages(repository: Path = REPOSITORY) -> list[Path]:
    found = sorted(repository.glob("*.md"))
    for folder in _FOLDERS:
        found += sorted(
            page
            for page in (repository / folder).rglob("*.md")
            if not any(part.startswith(".") for part in page.relative_to(repository).parts)
        )
    return found


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page)))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub gives a page's headings."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        kept = "".join(c for c in text if c in "-_ " or unicodedata.category(c)[0] in "LN")
        anchor = kept.replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
        if found[anchor]:
            found[f"{anchor}-{found[anchor]}"] = 0
    return frozenset(found)


def commands(page: Path) -> Iterator[str]:
    """A page's commands in blocks of code, each on one line.

    Blocks of code without a language hold commands; what else is to be shown names its language, or `text`.
    """
    for _, language, block in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language in ("", "bash", "sh", "console"):
            for line in re.sub(r"\\\n\s*|(?<=\|)\n\s*", " ", block).splitlines():
                yield re.sub(r"\s+", " ", line).strip().removeprefix("$ ")


def mentions(page: Path) -> list[str]:
    return [re.sub(r"\s+", " ", found) for found in _INLINE.findall(prose(page))]
