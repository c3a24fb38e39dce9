"""localcloud is a distribution of its own: it needs what it declares, and nothing beside its folder."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2]
PACKAGE = FOLDER / "src" / "localcloud"
FILES = sorted([*PACKAGE.rglob("*.py"), *(FOLDER / "tests").rglob("*.py")])


@cache
def declared(*extras: str) -> frozenset[str]:
    """The distributions that the project names, with those of some extras."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    names = (re.match(r"[\w.-]+", requirement) for each in lists for requirement in each)
    return frozenset(name[0].lower() for name in names if name)


@cache
def providers() -> dict[str, set[str]]:
    """The distributions that bring each top-level module."""
    return {module: {name.lower() for name in names} for module, names in packages_distributions().items()}


def imported(file: Path) -> set[str]:
    """The top-level modules that a file imports, those of the standard library left out."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"localcloud"}


def height(node: ast.AST) -> int:
    """How many folders up an expression ``path.parents[n]`` goes."""
    if not (
        isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents"
    ):
        return 0
    return int(ast.unparse(node.slice)) + 1


def test_every_import_is_declared() -> None:
    # botocore comes with boto3 in one release, and urllib3 with botocore.
    implied = {"botocore", "urllib3"}
    undeclared = set()
    for file in FILES:
        is_test = not file.is_relative_to(PACKAGE)
        extras = ("testing", "dev") if is_test else ("testing",) if "testing" in file.parts else ()
        known = declared(*extras) | implied
        undeclared |= {(file, name) for name in imported(file) if not providers().get(name, set()) & known}
    assert undeclared == set()


def test_no_path_leaves_the_package_or_the_folder_of_the_tests() -> None:
    leaving = set()
    for file in FILES:
        depth = len(file.relative_to(PACKAGE if file.is_relative_to(PACKAGE) else FOLDER).parts)
        if any(height(node) > depth for node in ast.walk(ast.parse(file.read_text()))):
            leaving.add(file)
    assert leaving == set()


def test_the_readme_names_every_control_call() -> None:
    routed = {
        (method, path)
        for file in PACKAGE.rglob("*.py")
        for method, path in re.findall(r'route\("(\w+)", f"\{(?:control\.)?PREFIX\}([\w/-]+)"', file.read_text())
    }
    table = re.findall(r"^\| `((?:GET|POST|DELETE)[^`]*)` \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    named = {(method, row.split()[-1]) for row in table for method in re.findall(r"GET|POST|DELETE", row)}
    assert named == routed
