"""Athena for the local cloud: queries in Athena's SQL, answered as Athena would answer them, or refused.

Replaces ``ministack.services.athena.handle_request`` for StartQueryExecution, GetQueryResults,
StopQueryExecution and ListQueryExecutions, and adds to UpdateWorkGroup. What was wrong with MiniStack's own:

* StartQueryExecution handed the SQL to DuckDB as it came, in DuckDB's dialect, with DuckDB's meaning where
  the two differ; it read every object below a table's location whatever partitions the query asks for, took
  columns from the files instead of from Glue, knew neither partition projection nor RegexSerDe, gave the
  caller's query everything that the account's root may read and write, and ignored the workgroup's enforced
  settings and its scan limit. The result's file lay in another place than the answer said, without Athena's
  quoting.
* GetQueryResults wrote doubles, timestamps and booleans in Python's spelling and described types by DuckDB's
  names.
* StopQueryExecution marked a query as cancelled and let it run on.
* ListQueryExecutions gave all, oldest first.
* UpdateWorkGroup never removed a scan limit (``RemoveBytesScannedCutoffPerQuery``).

Source of the behaviour: the Athena API reference and user guide, and Trino's documentation for what SQL
means.
"""

from __future__ import annotations

from typing import Any


def install(_: Any) -> None:
    """Puts the query service in front of MiniStack's Athena."""
    from ministack.services import athena

    from tools.localcloud.athena.service import QueryService

    athena.handle_request = QueryService(athena).handle_request
