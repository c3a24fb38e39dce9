"""The checks of `make lint` run by name, each has a hook of pre-commit, and editors write what they accept."""

from __future__ import annotations

import configparser
import re
import subprocess
import tomllib

import pytest

from harness.lake.terraform import REPOSITORY

_LINT = "scripts/lint.sh"


def checks() -> list[str]:
    """Every check's name, in order."""
    return re.findall(r'^lint "([^"]+)"', (REPOSITORY / _LINT).read_text(encoding="utf-8"), re.MULTILINE)


def lint(*names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([_LINT, *names], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_the_named_checks_run_alone() -> None:
    done = lint("zizmor", "yamllint", "yamllint")
    assert [line.split("  ")[0] for line in done.stdout.splitlines()] == [
        "lint: yamllint",
        "lint: zizmor",
        "lint: all 2 passed",
    ]
    assert done.returncode == 0


@pytest.mark.parametrize("names", [("nonsense",), ("yamllint", ""), ("yaml",)])
def test_a_name_that_is_none_is_refused(names: tuple[str, ...]) -> None:
    done = lint(*names)
    expected = f'lint: each name must be one of {", ".join(checks())}; got "{names[-1]}"\n'
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


def test_every_check_has_a_hook_and_every_hook_a_check() -> None:
    hooks = (REPOSITORY / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    called = re.findall(r"entry: scripts/lint\.sh (?:'([^']+)'|(\w+))", hooks)
    assert len(called) == hooks.count("entry:")
    assert sorted(quoted or plain for quoted, plain in called) == sorted(checks())


def test_editors_are_told_the_widths_and_indents_that_the_formatters_use() -> None:
    editor = configparser.ConfigParser()
    editor.read_string("[root]\n" + (REPOSITORY / ".editorconfig").read_text(encoding="utf-8"))
    ruff = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert editor["*"]["max_line_length"] == str(ruff["line-length"])
    assert editor["*.py"]["indent_size"] == "4"
    assert editor["Makefile"]["indent_style"] == "tab"
    assert (editor["*"]["indent_style"], editor["*"]["indent_size"]) == ("space", "2"), "as terraform fmt does"
    assert f"eol={editor['*']['end_of_line']}" in (REPOSITORY / ".gitattributes").read_text(encoding="utf-8")
