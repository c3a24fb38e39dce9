"""What the benchmarks share: targets, and packages unpacked for processes of their own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Target(NamedTuple):
    """What a function has promised.

    Attributes:
        key: Its name in the result.
        bound: The least or the most that keeps the promise.
        at_least: Whether more is better.
        what: What it says, in words.
    """

    key: str
    bound: float
    at_least: bool
    what: str

    def met(self, value: float) -> bool:
        """Tell whether a measured value keeps the promise."""
        return value >= self.bound if self.at_least else value <= self.bound


def print_targets(targets: Sequence[Target], result: Mapping[str, Any]) -> int:
    """Print each target beside what was measured; return the exit status, 1 where one is missed."""
    for target in targets:
        value = result[target.key]
        bound = f"{'at least' if target.at_least else 'at most'} {target.bound:g}"
        print(f"{'met   ' if target.met(value) else 'MISSED'} {target.key} = {value:.2f} ({bound}: {target.what})")
    return int(not all(target.met(result[target.key]) for target in targets))


@contextmanager
def unpacked(package: Path) -> Iterator[str]:
    """The folder with a package's content, while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(package).extractall(folder)
        yield folder


def output(script: str, folder: str, **variables: str) -> str:
    """What a script prints in a fresh interpreter that has a folder on its path."""
    environment = {"PATH": os.defpath, "PYTHONPATH": folder, **variables}
    return subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over the rounds of the ratio within each."""
    return statistics.median(above / below for above, below in zip(numerators, denominators, strict=True))
