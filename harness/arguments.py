"""Options of those commands of the harness that run on the oldest Python too, or in many processes."""

from __future__ import annotations

import argparse
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Ends with one line after a mistake; argparse prints the usage too."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with code 2."""
        self.exit(2, f"error: {message}\n")


def count(text: str) -> int:
    """Parse a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def seed(text: str) -> int:
    """Parse a whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 on, got {text!r}")
    return int(text)


def result_file(text: str) -> Path:
    """Parse the path of a file to write, and make its folder: what takes long is not begun in vain."""
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"must be a file that can be written, got {text} ({error.strerror})"
        ) from error
    return path
