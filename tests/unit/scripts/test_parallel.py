"""Checks run side by side, are reported in order, and none of their failures is lost."""

import os
import subprocess
from pathlib import Path

from harness.lake.terraform import REPOSITORY


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A bash script that has sourced the runner, in a folder of its own."""
    source = f"set -uo pipefail; . {REPOSITORY / 'scripts' / 'parallel.sh'}\n"
    return subprocess.run(
        ["bash", "-c", source + script],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_checks_run_side_by_side_and_are_told_in_order(tmp_path: Path) -> None:
    """Each waits for the other to have started: one after the other, they would wait indefinitely."""
    os.mkfifo(tmp_path / "there")
    os.mkfifo(tmp_path / "back")
    finished = _run(
        """
        check first bash -c 'echo go >there; read -r <back'
        check second bash -c 'read -r <there; echo go >back'
        finish lint
        """,
        tmp_path,
    )
    assert finished.stdout.splitlines() == [
        f"lint: {'first':<20} ok",
        f"lint: {'second':<20} ok",
        "lint: all 2 passed",
    ]
    assert finished.returncode == 0


def test_a_failed_check_shows_all_that_it_printed_and_fails_the_whole(tmp_path: Path) -> None:
    finished = _run(
        """
        broken() { echo to out; echo to err >&2; return 3; }
        check good printf 'unseen\\nsummary\\n'
        check bad broken
        check worse false
        finish lint
        """,
        tmp_path,
    )
    assert finished.stdout.splitlines() == [
        f"lint: {'good':<20} ok  summary",
        f"lint: {'bad':<20} FAILED",
        "to out",
        "to err",
        f"lint: {'worse':<20} FAILED",
        "lint: failed: bad, worse",
    ]
    assert finished.returncode == 1


def test_logs_are_gone_afterwards(tmp_path: Path) -> None:
    _run("check good echo unseen; finish lint", tmp_path)
    assert list(tmp_path.iterdir()) == []
