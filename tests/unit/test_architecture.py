"""Imports go one way: which top folder may import which, and no module reaches itself through others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from factory_lake.module_interface import REPOSITORY

#: Folders that hold packages, by the name of the group that the rules speak of.
ROOTS = {
    "lambda_src": ("lambda_src", ""),
    "factory_lake": (".", "factory_lake"),
    "localcloud": ("localcloud/src", "localcloud"),
    "localcloud/tests": (".", "localcloud/tests"),
    "harness": (".", "harness"),
    "scripts": (".", "scripts"),
    "tests": (".", "tests"),
}
#: What each group may import besides itself, the standard library and installed packages.
ALLOWED: Mapping[str, frozenset[str]] = {
    "lambda_src": frozenset(),
    "localcloud": frozenset(),
    "localcloud/tests": frozenset({"localcloud"}),
    # Redrive predicts with the transform's own code; sizing reads the functions' own limits.
    "factory_lake": frozenset({"lambda_src"}),
    "scripts": frozenset({"factory_lake", "lambda_src"}),
    "harness": frozenset({"factory_lake", "lambda_src", "localcloud", "scripts"}),
    "tests": frozenset({"factory_lake", "harness", "lambda_src", "localcloud", "scripts"}),
}
#: Imports within functions that a cold start of a function does without: Lambda mounts packages read-only, so
#: each cold start compiles every module that it imports.
LAZY = frozenset(
    {
        ("clip_fetch.fetching", "clip_fetch.recovery"),
        ("transform.batch", "transform.configuration"),
        ("transform.batch", "transform.measurements"),
        ("transform.batch", "transform.put_back"),
        ("transform.handler", "transform.put_back"),
        ("transform.measurements", "transform.fast_path"),
        ("transform.measurements", "transform.samples"),
    }
)


def modules(repository: Path = REPOSITORY) -> dict[str, tuple[str, Path]]:
    """Every module of the repository: its group and its file, by its dotted name."""
    found: dict[str, tuple[str, Path]] = {}
    for group, (root, folder) in ROOTS.items():
        base = repository / root
        for file in sorted((base / folder).rglob("*.py")):
            parts = list(file.relative_to(base).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            found[".".join(parts)] = (group, file)
    return found


def parsed(file: Path) -> ast.Module:
    """A file's syntax tree."""
    return _parsed_text(file.read_text(encoding="utf-8"))


@cache
def _parsed_text(text: str) -> ast.Module:
    return ast.parse(text)


def is_for_types_only(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imported(name: str, file: Path, known: Mapping[str, object]) -> Iterator[tuple[str, bool]]:
    """The repository's modules that a module imports, and whether within a function."""

    def visit(node: ast.AST, inside: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if is_for_types_only(child):
                continue
            if isinstance(child, ast.Import):
                yield from ((alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                package = name if file.name == "__init__.py" else name.rpartition(".")[0]
                above = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
                base = ".".join([*above, *([child.module] if child.module else [])])
                yield from (
                    (full if (full := f"{base}.{alias.name}") in known else base, inside) for alias in child.names
                )
            else:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from visit(child, inside or is_function)

    yield from ((target, inside) for target, inside in visit(parsed(file), inside=False) if target in known)


def offences(repository: Path = REPOSITORY) -> list[str]:
    """What breaks a rule, in words."""
    known = modules(repository)
    graph: dict[str, set[str]] = {}
    found = []
    for name, (group, file) in known.items():
        for target, in_function in imported(name, file, known):
            other = known[target][0]
            if other != group and other not in ALLOWED[group]:
                found.append(f"{name} imports {target}: {group} may import {sorted(ALLOWED[group])}")
            if in_function and (name, target) not in LAZY:
                found.append(f"{name} imports {target} within a function")
            # A package's own modules are imported through it: that is no way back.
            if not name.startswith(f"{target}."):
                graph.setdefault(name, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append(f"a cycle: {' -> '.join(error.args[1])}")
    return found


def test_imports_go_the_allowed_ways_only() -> None:
    assert offences() == []


@pytest.mark.parametrize(
    ("file", "line", "offence"),
    [
        ("factory_lake/a.py", "import localcloud.b", "factory_lake.a imports localcloud.b: factory_lake may"),
        ("factory_lake/a.py", "from harness import c", "factory_lake.a imports harness.c: factory_lake may"),
        (
            "lambda_src/transform/a.py",
            "import factory_lake.d",
            "transform.a imports factory_lake.d: lambda_src",
        ),
        (
            "localcloud/src/localcloud/a.py",
            "from factory_lake import d",
            "localcloud.a imports factory_lake.d",
        ),
        (
            "localcloud/tests/a.py",
            "from harness.c import x",
            "localcloud.tests.a imports harness.c: localcloud/",
        ),
        ("scripts/a.py", "import harness.c", "scripts.a imports harness.c: scripts may"),
        (
            "harness/a.py",
            "def f():\n    from factory_lake import d",
            "imports factory_lake.d within a function",
        ),
        ("harness/c.py", "from harness import e\n", "a cycle: "),
        ("harness/c.py", "from . import e\n", "a cycle: "),
    ],
)
def test_each_rule_is_kept(tmp_path: Path, file: str, line: str, offence: str) -> None:
    """A tree with this one line in it is refused; the same tree without it is not."""
    for name in ("factory_lake/d.py", "harness/c.py", "localcloud/src/localcloud/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "harness" / "e.py").write_text("import harness.c\nimport factory_lake.d, localcloud.b\n")
    assert offences(tmp_path) == []
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(line)
    (said,) = offences(tmp_path)
    assert offence in said


def test_no_search_path_is_patched() -> None:
    """Both distributions are installed; only what runs a function as Lambda does sets its path."""
    patched = [
        str(file.relative_to(REPOSITORY))
        for _, file in modules().values()
        if any(
            isinstance(node, ast.Attribute) and node.attr == "path" and ast.unparse(node) == "sys.path"
            for node in ast.walk(parsed(file))
        )
    ]
    assert patched == ["localcloud/src/localcloud/lambdas/bootstrap.py"]
