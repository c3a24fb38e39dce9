"""MQTT over WebSocket: the account's root user is served as other signers are.

Replaced in ``ministack.services.iot``:

* ``_ws_handshake_check``: gave the root user's session no identity, so that it might do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_evaluator
from ministack.core.router import extract_access_key_id
from ministack.services import iot

from localcloud.settings import ACCOUNT


@dataclass(frozen=True)
class _Root:
    """The root user as a signer; its signature is not checked, as everywhere here."""

    access_key_id: str
    account_id: str


def install() -> None:
    """Give the root user's sessions an identity."""
    check = iot._ws_handshake_check

    def handshake_check(scope: dict[str, Any]) -> Any:
        found = check(scope)
        if found is not None:
            return found
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        key = extract_access_key_id(headers, query)
        return _Root(key, ACCOUNT) if key and iam_evaluator._is_root_key(key) else None

    iot._ws_handshake_check = handshake_check
