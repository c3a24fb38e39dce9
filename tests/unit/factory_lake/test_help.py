"""What `factory-lake --help` shows: every command by its name, on a terminal of any width."""

import re
import subprocess
import sys

import pytest

from factory_lake.cli import app, main


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_help_names_every_command(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    named = re.findall(r"^│ ([a-z]+) ", shown, re.MULTILINE)
    assert {
        "gateway",
        "camera",
        "query",
        "moment",
        "config",
        "canary",
        "reconcile",
        "coverage",
        "report",
        "redrive",
        "drained",
        "sizing",
        "policy",
        "schema",
        "doctor",
        "conformance",
        "local",
    } == set(named)


def test_a_paragraph_of_the_help_is_one_line_of_the_app() -> None:
    """The terminal's width alone breaks it."""
    assert all("\n" not in paragraph for paragraph in str(app.info.help).split("\n\n"))


def test_no_command_imports_what_only_some_need() -> None:
    """Each takes a good part of a second: it is imported where it is used."""
    heavy = ("av", "boto3", "hcl2", "PIL", "pyarrow", "rich.progress")
    program = (
        "import sys\n"
        "from importlib import import_module\n"
        "from factory_lake.cli import _OWN\n"
        "for module in _OWN.values():\n"
        "    import_module(module)\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
