"""Both functions and what they share are written alike."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.package import SOURCES

MODULES = [file for file in sorted(SOURCES.rglob("*.py")) if file.name != "__init__.py"]


def constants(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and line of each public constant of a module."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else ()
        for target in targets:
            if isinstance(target, ast.Name) and target.id.isupper() and not target.id.startswith("_"):
                yield target.id, node.lineno


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(SOURCES).as_posix())
def test_a_module_keeps_the_house_style(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    lines, tree = text.splitlines(), ast.parse(text)
    package = file.parent.name
    assert "from __future__ import annotations" in lines
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert not str(node.module).startswith(package), f"line {node.lineno}: import it relatively"
            assert node.module != "dataclasses", f"line {node.lineno}: records are named tuples"
        if isinstance(node, ast.ClassDef) and any("Error" in ast.unparse(base) for base in node.bases):
            assert node.name.endswith("Error"), f"line {node.lineno}: {node.name} ends in Error"
    for name, line in constants(tree):
        assert not name.startswith(("MOST", "LEAST")), f"line {line}: limits are MAX_* or MIN_*"
        above = lines[line - 2]
        # a comment may stand over a group of constants, one below the other
        documented = above.startswith("#:") or (above[:1].isalpha() and above.partition(" = ")[0].isupper())
        assert documented, f"line {line}: {name} has no line that begins with '#:'"
