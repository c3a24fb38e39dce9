"""Adds Glue's GetTableVersion and GetTableVersions, which MiniStack lacks and Firehose reads its schema by.

MiniStack keeps the newest version of a table only, so that is the only one there is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.services import glue

from localcloud.patches.requests import members_of, operation_of


def install(_: Any) -> None:
    """Put the two operations in front of ``ministack.services.glue.handle_request``."""
    original: Callable[..., Awaitable[Any]] = glue.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        operation = operation_of(headers)
        if operation not in ("GetTableVersion", "GetTableVersions"):
            return await original(method, path, headers, body, query_params)
        request = members_of(body)
        key = f"{request.get('DatabaseName')}/{request.get('TableName')}"
        table = glue._tables.get(key)
        wanted = request.get("VersionId") if operation == "GetTableVersion" else None
        if table is None or wanted not in (None, table["VersionId"]):
            what = f"Table {key} not found" if table is None else f"Version {wanted} of {key} not found"
            return glue.error_response_json("EntityNotFoundException", what, 400)
        version = {"Table": table, "VersionId": table["VersionId"]}
        answer = {"TableVersion": version} if operation == "GetTableVersion" else {"TableVersions": [version]}
        return glue.json_response(answer)

    glue.handle_request = handle_request
