"""Which interpreter runs a function, and the packages that Lambda's own runtimes bring.

The interpreters to choose from are the cloud's own and those that ``LOCALCLOUD_PYTHONS`` names.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from localcloud.processes import StartError
from localcloud.settings import PYTHONS

_PACKAGES: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
_ASK: Final = "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_path('purelib'))"

_log: Final = logging.getLogger("localcloud.lambdas")


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter with the AWS SDK beside it."""

    python: Path
    version: tuple[int, int]
    site: Path


def interpreter_for(runtime: str) -> Interpreter:
    """The interpreter for a runtime as ``python3.13``: of that version, or else the nearest there is.

    Raises:
        ValueError: it is no Python runtime.
    """
    match = re.fullmatch(r"python3\.(\d+)", runtime)
    if match is None:
        raise ValueError(f"runtime must be python3.N here, got {runtime!r}")
    wanted = (3, int(match[1]))
    found = min(interpreters(), key=lambda each: abs(each.version[1] - wanted[1]))
    if found.version != wanted:
        _warn_once(runtime, f"python{found.version[0]}.{found.version[1]}")
    return found


def link_packages(interpreter: Interpreter, folder: Path) -> Path:
    """A folder with the AWS SDK and what it needs, and nothing else that the interpreter has installed."""
    packages = folder / f"packages-{interpreter.version[0]}.{interpreter.version[1]}"
    packages.mkdir(parents=True, exist_ok=True)
    for name in _PACKAGES:
        link = packages / name
        if not link.is_symlink():
            link.symlink_to(interpreter.site / name)
    return packages


@cache
def interpreters() -> tuple[Interpreter, ...]:
    """The interpreters that functions may run on.

    Raises:
        StartError: one of ``LOCALCLOUD_PYTHONS`` does not run, or has no AWS SDK.
    """
    named = [Path(name) for name in os.environ.get(PYTHONS, "").split(os.pathsep) if name]
    try:
        return tuple(ask(python) for python in (Path(sys.executable), *named))
    except ValueError as error:
        raise StartError(f"{PYTHONS}: each {error}") from error


def ask(python: Path) -> Interpreter:
    """What an interpreter says of itself.

    Raises:
        ValueError: it does not run, or has no AWS SDK.
    """
    rule = f"must be a Python interpreter with boto3 beside it, got {python}"
    try:
        answer = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=True)
        major, minor, site = answer.stdout.split(maxsplit=2)
        found = Interpreter(python, (int(major), int(minor)), Path(site.strip()))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise ValueError(rule) from error
    if not (found.site / "boto3").exists():
        raise ValueError(rule)
    return found


@cache
def _warn_once(runtime: str, instead: str) -> None:
    _log.warning("no interpreter for the runtime %s here, its functions run on %s", runtime, instead)
