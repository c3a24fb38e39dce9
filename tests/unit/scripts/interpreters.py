"""The Pythons of this machine that Lambda sources must run on."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


@functools.cache
def find(version: str) -> Path | None:
    """Find an interpreter of a version, such as ``3.8``, that really starts (a name on the path may not)."""
    for candidate in _candidates(version):
        try:
            done = subprocess.run(
                [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                check=True,
                capture_output=True,
                text=True,
                timeout=30,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if done.stdout.strip() == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[Path]:
    root = Path(__file__).resolve().parents[3]
    yield from (root / name / "bin" / "python" for name in (".venv", ".venv-oldest"))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    found = shutil.which(f"python{version}")
    if found:
        yield Path(found)
    yield from (Path(folder) / f"python{version}" for folder in ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"))
