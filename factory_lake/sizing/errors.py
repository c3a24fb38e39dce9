"""What can be wrong with a user's numbers, and how their files are read."""

import tomllib
from pathlib import Path
from typing import Any

from factory_lake.errors import FactoryLakeError


class SizingError(FactoryLakeError):
    """A plant's or prices' file is not as it must be."""


class PlantError(SizingError):
    """A plant's file is not as it must be."""


class PriceError(SizingError):
    """The prices' file lacks a price, or has one that nothing uses."""


def read_toml(file: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        SizingError: When it cannot be read.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SizingError(file, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SizingError(file, f"must be TOML: {error}") from error
