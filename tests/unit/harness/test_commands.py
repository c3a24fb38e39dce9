"""A user's mistake ends a command of the harness in one line (place, rule, value) with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.bench.clip_fetch import main as bench_clip_fetch
from harness.bench.transform import main as bench_transform
from harness.commands import empty_folder, run_app
from harness.demo.__main__ import main as demo
from harness.docs import command as docs
from harness.docs import generated, keep
from harness.fuzz.__main__ import main as fuzz
from harness.nodered.__main__ import main as nodered
from harness.plancheck.__main__ import command as plancheck
from harness.simulation.__main__ import main as simulation
from harness.soak.__main__ import main as soak

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "docs": lambda arguments: run_app(docs, "harness.docs", arguments),
    "demo": demo,
    "plancheck": lambda arguments: run_app(plancheck, "harness.plancheck", arguments),
    "nodered": nodered,
    "soak": soak,
    "simulation": simulation,
    "fuzz": fuzz,
    "bench transform": bench_transform,
    "bench clip_fetch": bench_clip_fetch,
}
WORKDIR = "error: --workdir must be a folder of an earlier run, or none yet, since what is in it is deleted, got "


@pytest.mark.parametrize(
    ("command", "arguments", "line"),
    [
        ("soak", "--minutes 0", "error: Invalid value for '--minutes': must be a number above 0, got '0'"),
        ("soak", "--minutes nan", "error: Invalid value for '--minutes': must be a number above 0, got 'nan'"),
        ("soak", "--rate -1", "error: Invalid value for '--rate': must be a number above 0, got '-1'"),
        ("soak", "--seed one", "error: Invalid value for '--seed': must be a whole number, got 'one'"),
        ("soak", "--workdir full", f"{WORKDIR}'full'"),
        ("soak", "--workdir full/file", f"{WORKDIR}'full/file'"),
        ("demo", "--workdir full", f"{WORKDIR}'full'"),
        ("demo", "--messages none.jsonl", "error: none.jsonl: cannot be read: No such file or directory"),
        ("demo", "--messages full/file", "error: full/file: must end in "),
        ("nodered", "--workdir full", f"{WORKDIR}'full'"),
        ("docs", "all", "error: Got unexpected extra argument(s) (all)"),
        ("simulation", "--n 0", "error: argument --n: must be a whole number from 1 on, got '0'"),
        ("simulation", "--first -1", "error: argument --first: must be a whole number from 0 on, got '-1'"),
        ("simulation", "--summary full", "error: argument --summary: must be a file that can be written, got full"),
        ("fuzz", "--n many", "error: argument --n: must be a whole number from 1 on, got 'many'"),
        ("fuzz", "--seed one", "error: argument --seed: must be a whole number from 0 on, got 'one'"),
        ("bench transform", "--rounds 0", "error: argument --rounds: must be a whole number from 1 on, got '0'"),
        ("bench clip_fetch", "--result full/file/x", "error: argument --result: must be a file that can be written"),
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

    assert exit_code(command, arguments) == 2

    said = capsys.readouterr()
    assert said.out == ""
    (found,) = said.err.splitlines()
    assert found.startswith(line)
    assert (tmp_path / "full" / "file").read_text() == "mine\n"


def exit_code(command: str, arguments: str) -> int | str | None:
    """Run a command; argparse exits by itself."""
    try:
        return COMMANDS[command](arguments.split())
    except SystemExit as ended:
        return ended.code


def test_a_folder_of_an_earlier_run_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "soak"
    for _ in range(2):
        assert empty_folder(folder) == folder
        assert list(folder.iterdir()) == []
        (folder / "lake" / "cloud").mkdir(parents=True)
        (folder / "summary.json").write_text("{}")


def test_every_page_has_its_generated_parts() -> None:
    assert keep(generated(), check=True) == 0


def test_pages_that_are_behind_fail_until_they_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("old")
    pages = [(page, "new")]
    assert keep(pages, check=True) == 1
    assert capsys.readouterr().out == f"{page} is behind its sources: make docs\n"
    assert page.read_text() == "old"
    assert keep(pages, check=False) == 0
    assert page.read_text() == "new"
    assert keep(pages, check=True) == 0
