"""A local cloud as `--lake` finds it: a folder with a `lake.json` that a test writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.lake import local
from localcloud import LocalCloud


def describe(cloud: LocalCloud, folder: Path, outputs: Mapping[str, Any], key_dir: Path | None = None) -> Path:
    """Make a running cloud a lake with these outputs, in a folder of its own, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "cloud").exists():
        (folder / "cloud").symlink_to(cloud.workdir)
    return local.describe(cloud, folder, outputs, key_dir)
