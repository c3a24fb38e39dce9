"""What an example expects to find beside its files: requests of its gateways, and packages that were built."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2

from tests.terraform.terraform_tree import REPOSITORY

_REQUEST = REPOSITORY / "environments/dev/tests/testdata/csr/krakow-line-1-measurements"
_PACKAGES = REPOSITORY / "modules/lake/tests/testdata/packages"
_LANES = ("measurements", "configuration")


def provide_packages(folder: Path) -> None:
    """Put zips in place of the functions' packages."""
    shutil.copytree(_PACKAGES, folder, dirs_exist_ok=True)


def provide_requests(root: Path) -> None:
    """Put a request into `csr` for each client ID of a root module's calls."""
    for factory, gateway in _gateways(root):
        for lane in _LANES:
            shutil.copytree(_REQUEST, root / "csr" / f"{factory}-{gateway}-{lane}", dirs_exist_ok=True)


def _gateways(root: Path) -> Iterator[tuple[str, str]]:
    """Factory and gateway, of calls for one factory and of calls for a map of them."""
    for module in hcl2.loads((root / "main.tf").read_text(encoding="utf-8")).get("module", []):
        for arguments in module.values():
            given = arguments.get("factories")
            # A catalog has the names alone.
            factories: dict[str, Any] = given if isinstance(given, dict) else {}
            if isinstance(arguments.get("gateways"), list):
                factories = {arguments["factory"]: arguments}
            for factory, settings in factories.items():
                for gateway in settings["gateways"]:
                    yield factory.strip('"'), gateway.strip('"')
