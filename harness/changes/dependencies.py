"""The folders and lists that changes refer to: requests, packages, schemas, factories out of service."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2

from factory_lake.gateway.csr import csr_path, make_csr
from harness.changes.cases import FACTORY
from harness.lake import LocalLake
from harness.lake.local import CERTIFICATE, ENVIRONMENT
from harness.lake.terraform import REPOSITORY

RETIRED = "lyon"
# The factories of the lake that is planned.
FACTORIES: dict[str, Any] = {
    FACTORY: {
        "gateways": ["crane"],
        "cameras": {"gate": {}},
        # A change of it is planned as well.
        "lanes": {"measurements": {"stream": {"on_demand": True}}},
        "video": {"clip_seconds": 30, "settle_seconds": 3, "quiet_seconds": 15, "schedule": "rate(1 minute)"},
    },
    RETIRED: {"gateways": ["press-shop"]},
}
_LANES = ("measurements", "configuration")


def base_variables(lake: LocalLake, folder: Path, factory: str = FACTORY) -> dict[str, Any]:
    """Variables with which a copy of an applied lake that has one of its factories changes nothing.

    The other factories, whose data the tables know as well, count as retired. The copy has no dashboards,
    since one of them shows all factories.
    """
    applied = lake.variables
    others = set(applied["factories"]) | set(applied.get("retired_factories", []))
    requests = folder / "requests"
    for source in lake.csr_dir.glob(f"{factory}-*"):
        shutil.copytree(source, requests / source.name)
    return {
        **_settings(applied),
        "factories": {factory: applied["factories"][factory]},
        "retired_factories": sorted(others - {factory}),
        "csr_dir": str(requests),
        "packages_dir": applied["packages_dir"],
        "dashboards": False,
    }


def _settings(applied: Mapping[str, Any]) -> dict[str, Any]:
    """What environment `local` calls the lake with: its constants, and its variables as they are applied."""
    (call,) = hcl2.loads((ENVIRONMENT / "main.tf").read_text(encoding="utf-8"))["module"]
    settings: dict[str, Any] = {}
    for name, value in call['"lake"'].items():
        variable = re.fullmatch(r"\$\{var\.(\w+)\}", str(value))
        if variable is not None and variable[1] in applied:
            settings[name] = applied[variable[1]]
        elif not name.startswith("__") and not str(value).startswith("${"):
            settings[name] = value.strip('"') if isinstance(value, str) else value
    # The copy is kept, and called from another place.
    return {name: value for name, value in settings.items() if name not in ("source", "force_destroy")}


def named_values(variables: dict[str, Any], folder: Path) -> dict[str, object]:
    """What the names in cases.toml stand for; the folders among them are made."""
    retired: list[str] = variables["retired_factories"]
    requests = Path(variables["csr_dir"])
    packages = _packages(Path(variables["packages_dir"]), folder / "packages")
    return {
        "@key": "arn:aws:kms:eu-central-1:000000000000:key/0d990263-018e-4e65-a703-eff731de951e",
        "@one more": [*retired, "nantes"],
        "@without lyon": [name for name in retired if name != RETIRED],
        "@gateway added": _requests_with(
            requests, folder / "gateway", [(_client_id(lane, "forge"), CERTIFICATE) for lane in _LANES]
        ),
        "@request added": _requests_with(requests, folder / "second", [(_client_id("measurements"), "second")]),
        "@request respelled": _requests_respelled(requests, folder / "respelled"),
        "@request swapped": _requests_swapped(requests, folder / "swapped", _client_id("measurements")),
        "@request removed": _requests_without(requests, folder / "none", _client_id("measurements")),
        "@packages": packages,
        "@transform": {"file": f"{packages}/transform.zip"},
        "@clip_fetch": {"file": f"{packages}/clip_fetch.zip"},
        "@schemas": _schemas(folder / "schemas"),
    }


def _client_id(lane: str, gateway: str = "crane") -> str:
    return f"{FACTORY}-{gateway}-{lane}"


def _requests_with(requests: Path, folder: Path, added: list[tuple[str, str]]) -> str:
    shutil.copytree(requests, folder)
    for client_id, name in added:
        make_csr(client_id, name, folder, folder.with_suffix(".keys"))
    return str(folder)


def _requests_respelled(requests: Path, folder: Path) -> str:
    shutil.copytree(requests, folder)
    for file in folder.glob("*/*.pem"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    return str(folder)


def _requests_swapped(requests: Path, folder: Path, client_id: str) -> str:
    shutil.copytree(requests, folder)
    csr_path(folder, client_id, CERTIFICATE).unlink()
    make_csr(client_id, CERTIFICATE, folder, folder.with_suffix(".keys"))
    return str(folder)


def _requests_without(requests: Path, folder: Path, client_id: str) -> str:
    shutil.copytree(requests, folder, ignore=shutil.ignore_patterns(client_id))
    return str(folder)


def _packages(packages: Path, folder: Path) -> str:
    """Zips of other content: a plan looks at their hashes only."""
    shutil.copytree(packages, folder)
    for package in folder.glob("*.zip"):
        package.write_bytes(package.read_bytes() + b"another version")
    return str(folder)


def _schemas(folder: Path) -> str:
    shutil.copytree(REPOSITORY / "glue_schemas", folder)
    file = folder / "measurements.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    schema["columns"].append({"name": "line_speed", "type": "double", "comment": "A column more."})
    file.write_text(json.dumps(schema), encoding="utf-8")
    return str(folder)
