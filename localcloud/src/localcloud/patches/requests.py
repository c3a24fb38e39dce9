"""What a request in AWS JSON says: its operation and its members."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def operation_of(headers: Mapping[str, str]) -> str:
    """The operation that ``X-Amz-Target`` names; empty without."""
    return headers.get("x-amz-target", "").rpartition(".")[2]


def members_of(body: bytes) -> dict[str, Any]:
    """The members of a request; none where the body is no JSON object."""
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
