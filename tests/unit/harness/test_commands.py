"""A user's mistake ends a command of the harness in one line (place, rule, value) with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.access.__main__ import command as access
from harness.camera.__main__ import main as camera
from harness.commands import empty_folder, run_app
from harness.demo.__main__ import main as demo
from harness.plancheck.__main__ import command as plancheck
from harness.soak.__main__ import main as soak

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "access": lambda arguments: run_app(access, "harness.access", arguments),
    "camera": camera,
    "demo": demo,
    "plancheck": lambda arguments: run_app(plancheck, "harness.plancheck", arguments),
    "soak": soak,
}
WORKDIR = (
    "error: --workdir must be a folder of an earlier run, or none yet, since what is in it is deleted, got "
)


@pytest.mark.parametrize(
    ("command", "arguments", "line"),
    [
        ("soak", "--minutes 0", "error: Invalid value for '--minutes': must be a number above 0, got '0'"),
        (
            "soak",
            "--minutes nan",
            "error: Invalid value for '--minutes': must be a number above 0, got 'nan'",
        ),
        ("soak", "--rate -1", "error: Invalid value for '--rate': must be a number above 0, got '-1'"),
        ("soak", "--seed one", "error: Invalid value for '--seed': must be a whole number, got 'one'"),
        ("soak", "--workdir full", f"{WORKDIR}'full'"),
        ("soak", "--workdir full/file", f"{WORKDIR}'full/file'"),
        ("demo", "--workdir full", f"{WORKDIR}'full'"),
        ("demo", "--messages none.jsonl", "error: none.jsonl: cannot be read: No such file or directory"),
        ("demo", "--messages full/file", "error: full/file: must end in "),
        ("camera", "", "error: Missing option '--factory'."),
        ("camera", "--factory krakow --lake none", "error: none must be an environment's folder, a file of "),
        ("access", "all", "error: Got unexpected extra argument(s) (all)"),
        ("plancheck", "--agian", "error: No such option: --agian"),
    ],
)
def test_a_mistake_is_named_in_one_line(
    command: str,
    arguments: str,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine\n")

    assert COMMANDS[command](arguments.split()) == 2

    said = capsys.readouterr()
    assert said.out == ""
    (found,) = said.err.splitlines()
    assert found.startswith(line)
    assert (tmp_path / "full" / "file").read_text() == "mine\n"


def test_a_folder_of_an_earlier_run_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "soak"
    for _ in range(2):
        assert empty_folder(folder) == folder
        assert list(folder.iterdir()) == []
        (folder / "lake" / "cloud").mkdir(parents=True)
        (folder / "summary.json").write_text("{}")
