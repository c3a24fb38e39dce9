"""Root modules that call `modules/lake`, in a folder of their own beside copies of the sources."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import hcl2

from harness.lake.terraform import REPOSITORY

_SOURCES = ("modules", "glue_schemas")
_NOT_SOURCES = shutil.ignore_patterns(".terraform*", "tests")
_SETTINGS = ("provider.tf", "versions.tf", ".terraform.lock.hcl")


def make_root(folder: Path, calls: Mapping[str, Mapping[str, object]]) -> Path:
    """Make a root module with the provider's settings of environment `local`.

    Args:
        folder: Gets the copies of the sources and the root module; must hold neither.
        calls: By the module's name, the inputs of `modules/lake` that it is called with.
    """
    for source in _SOURCES:
        shutil.copytree(REPOSITORY / source, folder / source, ignore=_NOT_SOURCES)
    root = folder / "environments" / "root"
    root.mkdir(parents=True)
    for name in _SETTINGS:
        shutil.copy(REPOSITORY / "environments" / "local" / name, root)
    write_calls(root, calls)
    return root


def write_calls(root: Path, calls: Mapping[str, Mapping[str, object]]) -> None:
    """Replace a root module's calls of `modules/lake`."""
    modules = {name: {"source": "../../modules/lake", **inputs} for name, inputs in calls.items()}
    (root / "main.tf.json").write_text(json.dumps({"module": modules}, indent=1), encoding="utf-8")


def alarm_names(module: str) -> list[str]:
    """The alarms that a module has."""
    content = hcl2.loads((REPOSITORY / "modules" / module / "alarms.tf").read_text(encoding="utf-8"))
    return [name for local in content["locals"] for name in local.get("alarm_descriptions", ())]
