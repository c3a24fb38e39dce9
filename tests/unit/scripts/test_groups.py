"""Tests of one group run on one worker: they share a lake that must be applied once only."""

import subprocess
import sys
from pathlib import Path

_TESTS = """
import os
import pytest

@pytest.mark.xdist_group("lake")
@pytest.mark.parametrize("number", range(8))
def test_says_where_it_runs(number):
    with open("workers", "a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_tests_of_a_group_run_on_one_worker(tmp_path: Path) -> None:
    """As pytest and pytest-xdist are pinned together: some pairs of versions ignore groups silently."""
    (tmp_path / "test_group.py").write_text(_TESTS)
    options = ["-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_group.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    workers = (tmp_path / "workers").read_text().split()
    assert len(workers) == 8
    assert len(set(workers)) == 1
