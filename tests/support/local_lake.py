"""A local cloud as `--lake` finds it: a folder with a `lake.json` that a test writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from factory_lake.lake import LocalAccess
from localcloud import LocalCloud
from localcloud.settings import ACCESS_KEY, SECRET_KEY


def describe(cloud: LocalCloud, folder: Path, outputs: Mapping[str, Any], key_dir: Path | None = None) -> Path:
    """Make a running cloud a lake with these outputs, in a folder of its own, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "cloud").exists():
        (folder / "cloud").symlink_to(cloud.workdir)
    LocalAccess(
        endpoint=cloud.endpoint,
        region=cloud.region,
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        ca_file=cloud.ca_file,
        mqtt_host=cloud.mqtt_host,
        mqtt_port=cloud.mqtt_port,
        key_dir=key_dir or folder / "keys",
        journal_dir=folder / "journals",
    ).write(folder, outputs)
    return folder
