"""Athena for the local cloud: queries in Athena's SQL, answered as Athena would answer them, or refused.

Replaces ``ministack.services.athena.handle_request`` for StartQueryExecution, GetQueryResults,
StopQueryExecution and ListQueryExecutions, and adds to UpdateWorkGroup. What was wrong with MiniStack's own:

* StartQueryExecution handed the SQL to DuckDB as it came, in DuckDB's dialect, with DuckDB's meaning where
  the two differ; it read every object below a table's location whatever partitions the query asks for, took columns
  from the files instead of from Glue, knew neither partition projection nor RegexSerDe, gave the caller's query
  everything that the account's root may read and write, and ignored the workgroup's enforced settings and its scan
  limit. The result's file lay in another place than the answer said, without Athena's quoting.
* GetQueryResults wrote doubles, timestamps and booleans in Python's spelling and described types by DuckDB's
  names.
* StopQueryExecution marked a query as cancelled and let it run on.
* ListQueryExecutions gave all, oldest first.
* UpdateWorkGroup never removed a scan limit (``RemoveBytesScannedCutoffPerQuery``).

Source of the behaviour: the Athena API reference and user guide, and Trino's documentation for what SQL
means.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

from ministack.services import athena

QUERY_OPERATIONS = frozenset({"StartQueryExecution", "GetQueryResults", "StopQueryExecution", "ListQueryExecutions"})


def install(_: Any) -> None:
    """Put the query service in front of MiniStack's Athena."""
    inner = athena.handle_request
    service: Any = None
    importing = asyncio.Lock()

    async def handle_request(method: str, path: str, headers: Any, body: bytes, params: Any) -> Any:
        nonlocal service
        action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
        if action in QUERY_OPERATIONS:
            # What runs queries takes a second to import, which a cloud without queries need not wait for.
            async with importing:
                service = service or await asyncio.to_thread(_service)
            return await service.handle(action, headers, body, params)
        response = await inner(method, path, headers, body, params)
        if action == "UpdateWorkGroup" and response[0] < 300:
            _remove_scan_limit(json.loads(body))
        return response

    athena.handle_request = handle_request


def _service() -> Any:
    return importlib.import_module("localcloud.athena.service").QueryService(athena)


def _remove_scan_limit(request: dict[str, Any]) -> None:
    if (request.get("ConfigurationUpdates") or {}).get("RemoveBytesScannedCutoffPerQuery"):
        workgroup = athena._workgroups.get(request.get("WorkGroup")) or {}
        (workgroup.get("Configuration") or {}).pop("BytesScannedCutoffPerQuery", None)
