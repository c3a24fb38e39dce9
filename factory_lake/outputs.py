"""A lake's outputs, however they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def lake_outputs(document: Mapping[str, Any]) -> dict[str, Any]:
    """The lake's outputs, name to value.

    Args:
        document: What `terraform output -json` prints, of a root module with the one output `lake` or with an
            output for each; or what `terraform output -json lake` prints.
    """
    values = {
        name: entry["value"] if isinstance(entry, dict) and {"value", "sensitive"} <= entry.keys() else entry
        for name, entry in document.items()
    }
    inside = values.get("lake")
    return dict(inside) if values.keys() == {"lake"} and isinstance(inside, dict) else values
