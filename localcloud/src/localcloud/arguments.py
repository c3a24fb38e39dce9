"""Options of the local cloud's commands."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Ends with one line after a mistake; argparse prints the usage too."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with code 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def port_number(text: str) -> int:
    """Parse a port; 0 stands for a free one."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to 65535, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Parse a time to wait."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0 on, got {text!r}")
    return number


def folder(text: str) -> Path:
    """Parse the path of a folder, which need not exist."""
    path = Path(text)
    existing = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise argparse.ArgumentTypeError(f"must be a folder or the path of a new one, got {text!r}")
    return path
