"""Schema files as they are in a folder, or as they were at a git ref."""

import json
import subprocess
from pathlib import Path
from typing import Any

from factory_lake.schema.comparison import SchemaFileError


def in_folder(folder: Path) -> dict[str, Any]:
    """The schema files of a folder, as parsed JSON by the name of their table.

    Raises:
        SchemaFileError: When there are none, or one is no JSON.
    """
    files = sorted(folder.glob("*.json"))
    return _documents({file.name: file.read_bytes() for file in files}, str(folder))


def at_ref(ref: str, folder: Path) -> dict[str, Any]:
    """The schema files that a folder had at a git ref, as `in_folder` gives them.

    Raises:
        SchemaFileError: When git has no such ref, or no schema files there.
    """
    place = f"--against {ref}"
    # What begins with a hyphen would be an option to git.
    commit = _git(folder, place, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
    names = _git(folder, place, "ls-tree", "--name-only", "-z", commit, "./").split("\0")
    schemas = [name for name in names if name.endswith(".json")]
    return _documents({name: _git(folder, place, "show", f"{commit}:./{name}") for name in schemas}, place)


def _git(folder: Path, place: str, *arguments: str) -> str:
    try:
        ran = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise SchemaFileError(place, "must be a folder where git is not installed") from error
    if ran.returncode:
        raise SchemaFileError(place, "must be a folder of schema files, or a git ref of --schema-dir's repository")
    return ran.stdout


def _documents(texts: dict[str, Any], place: str) -> dict[str, Any]:
    if not texts:
        raise SchemaFileError(place, "must have a <table>.json, got none")
    found = {}
    for name, text in texts.items():
        try:
            found[name.removesuffix(".json")] = json.loads(text)
        except ValueError as error:
            raise SchemaFileError(f"{place}: {name}", f"must be JSON: {error}") from error
    return found
