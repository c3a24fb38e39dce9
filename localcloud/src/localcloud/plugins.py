"""Modules of others in the cloud's processes, for tests that break the cloud in one point.

``LOCALCLOUD_PLUGINS`` names modules, separated by commas. Each is imported in the core process, once the extensions
and patches are in place, and in the delivery engine's process before it begins; its function ``install`` is called
without arguments. The folder of the cloud's state is in ``LOCALCLOUD_WORKDIR``.
"""

from __future__ import annotations

import importlib
import os

from localcloud.settings import PLUGINS


def install() -> None:
    """Install the modules that the environment names."""
    for name in filter(None, os.environ.get(PLUGINS, "").split(",")):
        importlib.import_module(name).install()
