"""Which interpreter runs a function, and the packages that Lambda's own runtimes bring."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[3]
_OLDEST: Final = _ROOT / ".venv-oldest" / "bin" / "python"
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
    found = min(_interpreters(), key=lambda each: abs(each.version[1] - wanted[1]))
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
def _interpreters() -> tuple[Interpreter, ...]:
    pythons = [Path(sys.executable), *([_OLDEST] if _OLDEST.exists() else [])]
    found = []
    for python in pythons:
        answer = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=True)
        major, minor, site = answer.stdout.split(maxsplit=2)
        found.append(Interpreter(python, (int(major), int(minor)), Path(site.strip())))
    return tuple(found)


@cache
def _warn_once(runtime: str, instead: str) -> None:
    _log.warning("no interpreter for the runtime %s here, its functions run on %s", runtime, instead)
