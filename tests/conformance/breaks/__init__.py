"""Points in which the local cloud can be made to behave otherwise than AWS is believed to, each for one probe.

A module here, one a family of probes, defines `BREAKS`. The local cloud's processes install all of them at their start
(`localcloud.plugins`); each lies dormant until the file of its probe's name is there.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

_FOLDER = "breaks"

IsOn = Callable[[], bool]


@dataclass(frozen=True)
class Break:
    """One point that is broken.

    Attributes:
        probe: The probe that must then differ, alone of its family.
        install: Replaces functions of the local cloud by ones that are wrong while its argument answers true, and
            right otherwise. It is called in the core process and in the delivery engine's.
    """

    probe: str
    install: Callable[[IsOn], None]


def all_breaks() -> list[Break]:
    """Those of every family."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return [each for name in names for each in import_module(f"{__name__}.{name}").BREAKS]


def install() -> None:
    """Prepare the process of a local cloud."""
    folder = Path(os.environ["LOCALCLOUD_WORKDIR"]) / _FOLDER
    for each in all_breaks():
        each.install((folder / each.probe).exists)


@contextmanager
def broken(workdir: Path, probe: str) -> Iterator[None]:
    """Break the local cloud of this folder in the point of a probe."""
    mark = workdir / _FOLDER / probe
    mark.parent.mkdir(exist_ok=True)
    mark.touch()
    try:
        yield
    finally:
        mark.unlink()
