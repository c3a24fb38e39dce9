"""A provider process serves until whoever started it stops it, or is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.lake import Provider, ProviderError
from tests.terraform.terraform_tree import REPOSITORY

# Stands in for the provider: says so as it does, and which process it is, in the file of its first setting.
_FAKE = """#!/bin/sh
echo "started with $*" >&2
echo $$ > "$PID_FILE"
%s
"""
_SERVES = 'printf "\\tTF_REATTACH_PROVIDERS=\'{\\"aws\\": {}}\'\\n"; exec sleep 600'

_STARTER = """
import os, sys, time
from pathlib import Path
from harness.lake import Provider
Provider.start(Path(sys.argv[1]), Path(sys.argv[2]), {"PID_FILE": sys.argv[3]})
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder as `terraform init` leaves it, its provider one that serves."""
    return _installed(tmp_path / "data", _SERVES)


def _installed(data: Path, does: str) -> Path:
    platform = data / "providers" / "registry.terraform.io" / "hashicorp" / "aws" / "5.100.0" / "linux_amd64"
    platform.mkdir(parents=True)
    program = platform / "terraform-provider-aws_v5.100.0_x5"
    program.write_text(_FAKE % does, encoding="utf-8")
    program.chmod(0o755)
    return data


def _is_gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_it_serves_until_it_is_stopped(data: Path, tmp_path: Path) -> None:
    log, pid_file = tmp_path / "provider.log", tmp_path / "pid"
    with Provider.start(data, log, {"PID_FILE": str(pid_file)}) as provider:
        pid = int(pid_file.read_text())
        assert not _is_gone(pid, 0.1)
        assert provider.environment == {"TF_REATTACH_PROVIDERS": '{"aws": {}}'}
        assert "started with -debug" in log.read_text()
    assert _is_gone(pid)


def test_it_does_not_outlive_a_starter_that_is_killed(data: Path, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTER, data, tmp_path / "provider.log", pid_file],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    try:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"started\n"
    finally:
        starter.send_signal(signal.SIGKILL)
        starter.communicate()
    assert _is_gone(int(pid_file.read_text()))


def test_a_provider_that_ends_is_told_with_its_log(tmp_path: Path) -> None:
    data, log = _installed(tmp_path / "data", "exit 1"), tmp_path / "provider.log"
    with pytest.raises(ProviderError, match=f"ended instead of serving; its log is {log}"):
        Provider.start(data, log, {"PID_FILE": str(tmp_path / "pid")})


def test_what_is_not_installed_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="must hold one AWS provider, found 0: run init first"):
        Provider.start(tmp_path, tmp_path / "provider.log")
