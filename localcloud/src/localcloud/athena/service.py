"""Athena's API for running queries, in front of MiniStack's own Athena.

MiniStack keeps what is only kept: workgroups, named queries, catalogs, tags. Running a query, and what goes
with it, is here. See the package's docstring for what was wrong.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ministack.core import responses, router

from localcloud.athena.catalog import split_url
from localcloud.athena.dependencies import Caller, GlueCatalog, S3Store, bucket_exists
from localcloud.athena.engine import Answer, Query, QueryCancelledError, ScanLimitError
from localcloud.athena.errors import AccessDeniedError, QueryError, UnsupportedError
from localcloud.athena.results import page, to_csv
from localcloud.athena.surface import parse

_AT_ONCE = 4
_log = logging.getLogger("athena")

Response = tuple[int, dict[str, str], bytes]


class RefusedError(Exception):
    """A request that Athena refuses with InvalidRequestException, and an ``AthenaErrorCode`` where there is one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class _Run:
    """A query execution on its way: what the API does not show of it."""

    query: Query
    answer: Answer | None = None


class QueryService:
    """Runs queries on threads, described in the stores of MiniStack's module ``services.athena``."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="athena")
        self._runs: dict[str, _Run] = {}
        self._tokens: dict[str, tuple[str, str]] = {}

    async def handle(self, action: str, headers: Any, body: bytes, params: Any) -> Response:
        """Answer a request for one of the operations that this class has; names of headers are in lower case."""
        operations: Mapping[str, Callable[[dict[str, Any], Caller], Awaitable[Any]]] = {
            "StartQueryExecution": self._start,
            "GetQueryResults": self._get_results,
            "StopQueryExecution": self._stop,
            "ListQueryExecutions": self._list,
        }
        self._module._ensure_default_workgroup()
        try:
            answer = await operations[action](json.loads(body or b"{}"), _caller(headers, params))
        except json.JSONDecodeError:
            return self._error("SerializationException", "the request is not JSON")
        except RefusedError as error:
            return self._error("InvalidRequestException", str(error), error.code)
        except AccessDeniedError as error:
            return self._error("AccessDeniedException", error.detail)
        response: Response = self._module.json_response(answer)
        return response

    def _error(self, name: str, message: str, code: str | None = None) -> Response:
        extra = {"AthenaErrorCode": code} if code else None
        response: Response = self._module.error_response_json(name, message, 400, extra=extra)
        return response

    # Operations

    async def _start(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        sql = str(request.get("QueryString") or "")
        try:
            await asyncio.to_thread(parse, sql)
        except UnsupportedError:
            pass  # Athena might take it, so it is the execution that fails
        except QueryError as error:
            raise RefusedError(str(error), "MALFORMED_QUERY") from error
        # From here on nothing waits, so that no other request with the token comes in between.
        token = request.get("ClientRequestToken")
        if token in self._tokens:
            known_sql, known_id = self._tokens[token]
            if known_sql != sql:
                raise RefusedError("Idempotent parameters do not match")
            return {"QueryExecutionId": known_id}
        name = str(request.get("WorkGroup") or "primary")
        workgroup = self._module._workgroups.get(name)
        if workgroup is None:
            raise RefusedError(f"WorkGroup {name} is not found.")
        if workgroup.get("State") == "DISABLED":
            raise RefusedError(f"WorkGroup {name} is disabled.")
        settings = workgroup.get("Configuration") or {}
        results = _result_configuration(request, settings)
        try:
            bucket, prefix = split_url(results["OutputLocation"], "output location")
        except QueryError as error:
            raise RefusedError(error.detail, "INVALID_INPUT") from error
        if not bucket_exists(bucket):
            raise RefusedError(f"Unable to verify/create output bucket {bucket}", "INVALID_INPUT")
        query_id = str(uuid.uuid4())
        folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        key = f"{folder}{query_id}.csv"
        context = request.get("QueryExecutionContext") or {}
        query = Query(
            sql,
            database=str(context.get("Database") or "default").lower(),
            parameters=tuple(request.get("ExecutionParameters") or ()),
            scan_limit=settings.get("BytesScannedCutoffPerQuery"),
        )
        execution = _execution(query_id, request, name, {**results, "OutputLocation": f"s3://{bucket}/{key}"})
        self._module._executions[query_id] = execution
        self._runs[query_id] = _Run(query)
        if token:
            self._tokens[token] = (sql, query_id)
        work = contextvars.copy_context()
        store = S3Store(caller, asyncio.get_running_loop())
        self._threads.submit(work.run, self._execute, execution, self._runs[query_id], store, bucket, key)
        return {"QueryExecutionId": query_id}

    async def _get_results(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        execution = self._execution(request)
        state = execution["Status"]["State"]
        if state in ("QUEUED", "RUNNING"):
            raise RefusedError(f"Query has not yet finished. Current state: {state}", "QUERY_NOT_FINISHED")
        answer = self._runs[execution["QueryExecutionId"]].answer
        if state != "SUCCEEDED" or answer is None:
            raise RefusedError(f"Query did not finish successfully. Final query state: {state}")
        location = execution["ResultConfiguration"]["OutputLocation"]
        caller.check("s3:GetObject", location.replace("s3://", "arn:aws:s3:::", 1))
        try:
            return page(answer, request.get("NextToken"), request.get("MaxResults"))
        except ValueError as error:
            raise RefusedError(str(error)) from error

    async def _stop(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        execution = self._execution(request)
        if execution["Status"]["State"] in ("QUEUED", "RUNNING"):
            self._runs[execution["QueryExecutionId"]].query.cancel()
        return {}

    async def _list(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        """Newest first, in pages; MiniStack's own gives all, oldest first."""
        name = request.get("WorkGroup") or "primary"
        found = [key for key, item in self._module._executions.items() if item["WorkGroup"] == name][::-1]
        start, most = int(request.get("NextToken") or 0), int(request.get("MaxResults") or 50)
        more = {"NextToken": str(start + most)} if start + most < len(found) else {}
        return {"QueryExecutionIds": found[start : start + most], **more}

    def _execution(self, request: dict[str, Any]) -> dict[str, Any]:
        query_id = str(request.get("QueryExecutionId") or "")
        execution: dict[str, Any] | None = self._module._executions.get(query_id)
        if execution is None or query_id not in self._runs:
            raise RefusedError(f"QueryExecution {query_id} was not found", "INVALID_INPUT")
        return execution

    # On a thread

    def _execute(self, execution: dict[str, Any], run: _Run, store: S3Store, bucket: str, key: str) -> None:
        status, statistics = execution["Status"], execution["Statistics"]
        began = time.time()
        statistics["QueryQueueTimeInMillis"] = _milliseconds(began - status["SubmissionDateTime"])
        status["State"] = "RUNNING"
        scanned = 0
        try:
            answer = run.query.run(GlueCatalog(store.caller), store)
            scanned = answer.bytes_scanned
            statistics["EngineExecutionTimeInMillis"] = _milliseconds(time.time() - began)
            store.put(bucket, key, to_csv(answer))
            run.answer = answer
            outcome, reason = "SUCCEEDED", None
        except ScanLimitError as error:
            scanned = error.scanned
            outcome, reason = "CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded"
        except QueryCancelledError:
            outcome, reason = "CANCELLED", "Query cancelled by user"
        except QueryError as error:
            outcome, reason = "FAILED", str(error)
            status["AthenaError"] = {"ErrorCategory": 2, "Retryable": False, "ErrorMessage": reason}
        except Exception as error:
            # Whatever else happens, the query ends, and the log says how.
            _log.exception("query %s", execution["QueryExecutionId"])
            outcome, reason = "FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
            status["AthenaError"] = {"ErrorCategory": 1, "Retryable": False, "ErrorMessage": reason}
        ended = time.time()
        statistics["DataScannedInBytes"] = scanned
        statistics["TotalExecutionTimeInMillis"] = _milliseconds(ended - status["SubmissionDateTime"])
        statistics.setdefault("EngineExecutionTimeInMillis", _milliseconds(ended - began))
        statistics["ServiceProcessingTimeInMillis"] = _milliseconds(
            ended - began - statistics["EngineExecutionTimeInMillis"] / 1000
        )
        status["CompletionDateTime"] = ended
        if reason is not None:
            status["StateChangeReason"] = reason
        # Last: a caller that sees the state finds all the rest in place.
        status["State"] = outcome


def _caller(headers: Any, params: Any) -> Caller:
    return Caller(router.extract_access_key_id(headers, params), responses.get_account_id(), responses.get_region())


def _result_configuration(request: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Where and how the result is stored: as the workgroup enforces, else as requested."""
    own = settings.get("ResultConfiguration") or {}
    asked = request.get("ResultConfiguration") or {}
    chosen = dict(own if settings.get("EnforceWorkGroupConfiguration") else {**own, **asked})
    if not chosen.get("OutputLocation"):
        raise RefusedError(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    return chosen


def _execution(
    query_id: str, request: Mapping[str, Any], workgroup: str, results: Mapping[str, Any]
) -> dict[str, Any]:
    """A new query execution in the shape of GetQueryExecution."""
    context = request.get("QueryExecutionContext") or {}
    execution: dict[str, Any] = {
        "QueryExecutionId": query_id,
        "Query": request["QueryString"],
        "StatementType": "DML",
        "SubstatementType": "SELECT",
        "ResultConfiguration": dict(results),
        "QueryExecutionContext": {"Catalog": context.get("Catalog", "awsdatacatalog"), **context},
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {"DataScannedInBytes": 0, "QueryPlanningTimeInMillis": 0},
        "WorkGroup": workgroup,
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"},
    }
    if request.get("ExecutionParameters"):
        execution["ExecutionParameters"] = list(request["ExecutionParameters"])
    return execution


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 0)
