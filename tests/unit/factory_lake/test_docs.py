"""Every command that the documentation names is one that `factory-lake` understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from factory_lake.module_interface import REPOSITORY
from tests.support.commands import leaves, parse

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^ *```.*?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[Path, str]]:
    """The lines of the pages' blocks that run the command, each with its page."""
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.fullmatch(r" *(?:\.venv/bin/)?factory-lake (.*?)(?: > .*)?", line)
                if found and "--help" not in line:
                    yield page, found[1]


COMMANDS = list(commands())


@pytest.mark.parametrize("arguments", [arguments for _, arguments in COMMANDS])
def test_each_is_understood(arguments: str) -> None:
    filled = re.sub(r"\$\{?[A-Z]+\}?", "measurements", arguments)
    parse(shlex.split(filled.replace("$lane", "measurements")))


def test_what_is_not_understood_is_noticed() -> None:
    with pytest.raises(typer.TyperException):
        parse(["query", "--outputs", "outputs.json"])
    with pytest.raises(AssertionError):
        parse(["nothing"])


def test_the_page_of_the_command_lists_every_one() -> None:
    lines = (REPOSITORY / "docs" / "factory-lake.md").read_text(encoding="utf-8").splitlines()
    missing = [
        words
        for words, _ in leaves()
        if not any(f"| `factory-lake {words[0]}" in line and re.search(rf"[ `]{words[-1]}`", line) for line in lines)
    ]
    assert missing == []


def test_no_page_names_a_command_of_before() -> None:
    found = [
        page.name
        for page in PAGES
        if re.search(r"python -m (factory_lake|localcloud flush|harness\.demo up)", page.read_text())
    ]
    assert found == []
