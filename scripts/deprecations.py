"""`make lint`: no argument or attribute is used that either major version of the AWS provider deprecates.

Of version 5 the schema of the installed provider says what is deprecated, of version 6, which is not
installed, `deprecated_6.toml`. A reference is found where it names its resource
(`aws_s3_bucket.lake["clips"].region`), not behind a local or `each.value`: those warnings Terraform gives.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parent.parent
VERSION_6 = Path(__file__).with_name("deprecated_6.toml")

#: By kind (`resource` or `data`) and type: the paths of what is deprecated, and what to do instead.
Deprecated = Mapping[str, Mapping[str, Mapping[str, str]]]

_LOCK = ROOT / "environments" / "local" / ".terraform.lock.hcl"
_TERRAFORM = ROOT / "scripts" / "terraform.sh"
_PROVIDER = "registry.terraform.io/hashicorp/aws"
_SCHEMAS = {"resource": "resource_schemas", "data": "data_source_schemas"}
_NO_ARGUMENTS = {"lifecycle", "provisioner", "connection"}
# `data.aws_region.current.name`, with or without an index in between.
_REFERENCE = re.compile(r"(?<![\w.])(data\.)?(aws_\w+)\.\w+(?:\[[^\]]*\])?\.(\w+)")


def complaints(files: Iterable[Path], *lists: Deprecated) -> list[str]:
    """What the files use that one of the lists has, a line each."""
    found = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        for kind, type_, path in [*_arguments(hcl2.loads(text)), *_references(text)]:
            found += [
                f"{file}: {'data.' if kind == 'data' else ''}{type_}.{path} is deprecated: {instead[path]}"
                for instead in (each.get(kind, {}).get(type_, {}) for each in lists)
                if path in instead
            ]
    return sorted(set(found))


def _arguments(configuration: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every argument of every resource and data source: kind, type and path."""
    for kind in _SCHEMAS:
        for block in configuration.get(kind, ()):
            for type_, named in block.items():
                for body in named.values():
                    for path in _paths(body):
                        yield kind, type_.strip('"'), path


def _paths(body: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name, value in body.items():
        if name.startswith("__") or name in _NO_ARGUMENTS:
            continue
        blocks = [each for each in value if _is_block(each)] if isinstance(value, list) else []
        if name == "dynamic":
            for label, dynamic in (pair for block in blocks for pair in block.items() if _is_block(pair[1])):
                yield f"{within}{label.strip(chr(34))}"
                for content in dynamic["content"]:
                    yield from _paths(content, f"{within}{label.strip(chr(34))}.")
            continue
        yield f"{within}{name}"
        for block in blocks:
            yield from _paths(block, f"{within}{name}.")


def _is_block(value: object) -> bool:
    return isinstance(value, dict) and ("__is_block__" in value or any(_is_block(each) for each in value.values()))


def _references(text: str) -> Iterator[tuple[str, str, str]]:
    for is_data, type_, attribute in _REFERENCE.findall(text):
        yield "data" if is_data else "resource", type_, attribute


def deprecated_in(schema: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """What a provider's schema, as `terraform providers schema -json` prints it, marks as deprecated."""
    provider = schema["provider_schemas"][_PROVIDER]
    return {
        kind: {
            type_: paths
            for type_, each in provider[schemas].items()
            if (paths := dict.fromkeys(_marked(each["block"]), "see the provider's page"))
        }
        for kind, schemas in _SCHEMAS.items()
    }


def _marked(block: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("deprecated"):
            yield within + name
    for name, nested in block.get("block_types", {}).items():
        if nested["block"].get("deprecated"):
            yield within + name
        yield from _marked(nested["block"], f"{within}{name}.")


def installed(cache: Path = ROOT / "build") -> dict[str, dict[str, dict[str, str]]]:
    """What the provider of the lock file deprecates; asked once for each lock file, which takes some seconds."""
    digest = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:16]
    file = cache / f"deprecated-{digest}.json"
    if not file.exists():
        cache.mkdir(exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(deprecated_in(_schema())), encoding="utf-8")
        draft.replace(file)
    known: dict[str, dict[str, dict[str, str]]] = json.loads(file.read_text(encoding="utf-8"))
    return known


def _schema() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(_LOCK, folder)
        shutil.copy(ROOT / "modules" / "storage" / "versions.tf", folder)
        # A download into the shared plugin cache must not run twice at a time.
        with (ROOT / ".tools" / "terraform-init.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            _terraform(folder, "init", "-backend=false", "-input=false", "-lockfile=readonly")
        schema: dict[str, Any] = json.loads(_terraform(folder, "providers", "schema", "-json"))
        return schema


def _terraform(folder: str, *arguments: str) -> str:
    command = [str(_TERRAFORM), f"-chdir={folder}", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def version_6(file: Path = VERSION_6) -> dict[str, dict[str, dict[str, str]]]:
    """What provider 6 deprecates beyond that."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def main() -> int:
    """Print what is deprecated and used, and return the exit code."""
    files = sorted(file for part in ("modules", "environments", "examples") for file in (ROOT / part).rglob("*.tf"))
    files = [file for file in files if ".terraform" not in file.parts]
    found = complaints(files, installed(), version_6())
    for complaint in found:
        print(complaint.removeprefix(f"{ROOT}/"))
    if not found:
        print(f"{len(files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
