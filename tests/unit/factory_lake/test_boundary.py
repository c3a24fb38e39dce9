"""Where commands end: exit codes, one line for an error, a closed pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from botocore.exceptions import NoRegionError

from factory_lake.boundary import run_command
from factory_lake.errors import FactoryLakeError
from factory_lake.module_interface import REPOSITORY


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1)])
def test_what_a_command_returns_is_its_exit_code(returned: int | None, code: int) -> None:
    assert run_command(lambda: returned) == code


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FactoryLakeError("place", "must be so", "other"), "error: place must be so, got 'other'"),
        (FactoryLakeError("place", "what it says"), "error: place: what it says"),
        (NoRegionError(), "error: AWS_REGION must be set, or a region in the profile"),
        (FileNotFoundError(2, "No such file or directory", "/x/y"), "error: /x/y: No such file or directory"),
        (LookupError("known to the caller"), "error: known to the caller"),
    ],
)
def test_an_error_is_one_line(error: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: raising(error), LookupError) == 2
    assert capsys.readouterr().err.splitlines() == [line]


def test_details_come_before_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: raising(LookupError("terraform failed:\ndetail 1\ndetail 2")), LookupError) == 2
    assert capsys.readouterr().err.splitlines() == ["detail 1", "detail 2", "error: terraform failed:"]


def test_a_fault_of_the_program_keeps_its_traceback_and_is_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda: raising(ZeroDivisionError("a bug"))) == 2
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_and_a_polite_end_unwind(capsys: pytest.CaptureFixture[str]) -> None:
    undone: list[str] = []

    def killed() -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            undone.append("undone")
        return 0

    assert run_command(lambda: raising(KeyboardInterrupt())) == 130
    assert run_command(killed) == 130
    assert undone == ["undone"]
    assert capsys.readouterr().err.splitlines() == ["stopped", "stopped"]


def test_a_pipe_that_is_closed_ends_the_command_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "factory_lake.cli", "sizing", "capacity", "docs/sizing/plant.toml"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
