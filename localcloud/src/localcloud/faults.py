"""Faults on demand: an ASGI layer that fails or delays chosen AWS calls before they reach their service."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import OperationModel, ServiceModel

from localcloud import news
from localcloud.control import PREFIX, Answer, AsgiApp, read_body, route

# Where a service's model gives its error no status of its own.
_STATUS = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "NotAuthorizedException": 401,
    "RequestTimeout": 400,
    "ResourceNotFoundException": 404,
    "ServiceException": 500,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "SlowDown": 503,
    "TooManyRequestsException": 429,
}

# An entry of these calls may fail while the others pass, with one of these codes (API reference).
_IN_PART = {("kinesis", "PutRecords"): ("Records", ("ProvisionedThroughputExceededException", "InternalFailure"))}


@dataclass
class Fault:
    """One fault to inject, how often it may meet and has met a call, and how to let go those it holds.

    Attributes:
        entries: places of the entries that fail alone, from 0 on; empty where the call fails as a whole.
    """

    service: str
    operation: str
    resource: str | None
    error: str | None
    left: int | None
    delay: float
    entries: frozenset[int] = frozenset()
    hits: int = 0
    held: list[Callable[[], object]] = field(default_factory=list)

    def take(self) -> None:
        """Count a call that this fault met."""
        self.hits += 1
        if self.left is not None:
            self.left -= 1

    async def hold(self) -> None:
        """Wait for the delay, or until the fault is taken away."""
        released = asyncio.Event()
        # Calls from inside the cloud have event loops of their own.
        release = partial(asyncio.get_running_loop().call_soon_threadsafe, released.set)
        self.held.append(release)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(released.wait(), self.delay)
        finally:
            self.held.remove(release)

    def let_go(self) -> None:
        """Let the calls go on that wait at this moment."""
        for release in list(self.held):
            with suppress(RuntimeError):  # its loop has ended meanwhile, and the call with it
                release()


_faults: dict[str, Fault] = {}
_ids = itertools.count(1)
_observers: list[Callable[[Call, Fault], None]] = []
_failing: ContextVar[tuple[str, frozenset[int]]] = ContextVar("failing_entries", default=("", frozenset()))


def failing_entries() -> tuple[str, frozenset[int]]:
    """The code and the places of the entries that a fault fails in the call which is being served."""
    return _failing.get()


def on_failure(observer: Callable[[Call, Fault], None]) -> None:
    """Tell `observer` of every call that a fault fails: the service would have counted it."""
    _observers.append(observer)


@route("POST", f"{PREFIX}faults")
async def add(arguments: dict[str, Any]) -> Answer:
    """Add a fault; refuse a service or an operation that AWS does not have, as it would meet no call."""
    service, operation = arguments["service"], arguments["operation"]
    if operation not in _model(service).operation_names:
        return 400, {"message": f"operation must be one of {service}'s, got {operation!r}"}
    entries = arguments.get("entries")
    if entries is not None and (refusal := _refusal_of_entries(service, operation, arguments.get("error"), entries)):
        return 400, {"message": refusal}
    fault = str(next(_ids))
    _faults[fault] = Fault(
        service,
        operation,
        arguments.get("resource"),
        arguments.get("error"),
        arguments.get("times", 1),
        float(arguments.get("delay", 0.0)),
        frozenset(entries or ()),
    )
    news.tell()
    return 200, {"id": fault}


def _refusal_of_entries(service: str, operation: str, error: str | None, entries: Any) -> str | None:
    """Why a fault cannot fail these entries of a call; None if it can."""
    _, codes = _IN_PART.get((service, operation), ("", ()))
    if not codes:
        return f"entries: {operation} of {service} does not fail in part"
    if error not in codes:
        return f"error must be one of {', '.join(codes)} for entries, got {error!r}"
    if not isinstance(entries, list) or not entries or not all(type(at) is int and at >= 0 for at in entries):
        return f"entries must be places from 0 on, at least one, got {entries!r}"
    return None


@route("GET", f"{PREFIX}faults")
async def hits(_: dict[str, Any]) -> Answer:
    """How many calls each fault has met."""
    return 200, {"hits": {name: fault.hits for name, fault in _faults.items()}}


@route("DELETE", f"{PREFIX}faults")
async def clear(arguments: dict[str, Any]) -> Answer:
    """Take all faults away, or the one named by ``id``; calls that they hold go on at once."""
    chosen = [str(arguments["id"])] if "id" in arguments else list(_faults)
    hits = {}
    for name in chosen:
        fault = _faults.pop(name, None)
        if fault is None:
            return 404, {"message": f"no fault {name}"}
        fault.let_go()
        hits[name] = fault.hits
    news.tell()
    return 200, {"hits": hits}


def layer(app: AsgiApp) -> AsgiApp:
    """Put the faults in front of ``app``."""

    async def with_faults(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not any(fault.left != 0 for fault in list(_faults.values())):
            await app(scope, receive, send)
            return
        call = Call.read(scope, await read_body(receive))
        # A copy: calls from inside the cloud come from threads of their own, and faults come and go.
        fault = next((fault for fault in list(_faults.values()) if _meets(fault, call)), None)
        if fault is None:
            await app(scope, call.replay(receive), send)
            return
        fault.take()
        await fault.hold()
        if fault.error is None:
            await app(scope, call.replay(receive), send)
        elif fault.entries:
            token = _failing.set((fault.error, fault.entries))
            try:
                await app(scope, call.replay(receive), send)
            finally:
                _failing.reset(token)
        else:
            for observer in _observers:
                observer(call, fault)
            await _fail(send, call, fault)

    return with_faults


@dataclass(frozen=True)
class Call:
    """What an HTTP request says about the AWS call that it is."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, scope: Any, body: bytes) -> Call:
        """From an ASGI scope and the whole body."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], unquote(scope["path"]), query, headers, body)

    def replay(self, receive: Any) -> Any:
        """An ASGI ``receive`` that gives the body again, and then whatever the connection gives."""
        given = iter([{"type": "http.request", "body": self.body, "more_body": False}])

        async def again() -> Any:
            for message in given:
                return message
            return await receive()

        return again

    @property
    def signing_name(self) -> str:
        """The service that the request is signed for, from its credential scope."""
        scope = re.search(r"Credential=[^,]*/([^/,]+)/aws4_request", self.headers.get("authorization", ""))
        presigned = self.query.get("X-Amz-Credential", [""])[0].split("/")
        return scope[1] if scope else presigned[-2] if len(presigned) > 1 else ""

    def is_operation(self, service: ServiceModel, operation: str) -> bool:
        """Whether this is a call of ``operation``, by the three ways in which AWS's protocols name one."""
        if self.signing_name != service.signing_name:
            return False
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2] == operation
        form = parse_qs(self.body.decode("latin-1")) if "x-www-form-urlencoded" in self._type else {}
        if action := form.get("Action") or self.query.get("Action"):
            return action[0] == operation
        if smithy := re.fullmatch(r"/service/[^/]+/operation/([^/]+)", self.path):
            return smithy[1] == operation
        fitting = [model for model in _routes(service) if self._fits(model)]
        # CopyObject and UploadPart are PutObject with more that must be there: the most demanding one is meant.
        meant = max(fitting, key=_demands, default=None)
        return meant is not None and meant.name == operation

    def _fits(self, operation: OperationModel) -> bool:
        if operation.http["method"] != self.method:
            return False
        pattern, fixed = _uri(operation)
        if not pattern.fullmatch(self.path):
            return False
        if any(name not in self.query or (value and self.query[name] != [value]) for name, value in fixed):
            return False
        return all(
            name in self.query if place == "querystring" else name.lower() in self.headers
            for place, name in _required(operation)
        )

    def entries(self, member: str) -> int:
        """How many entries a list of the request has, which is in JSON."""
        with suppress(ValueError, AttributeError, TypeError):
            return len(json.loads(self.body)[member])
        return 0

    @property
    def _type(self) -> str:
        return self.headers.get("content-type", "")

    def mentions(self, text: str) -> bool:
        """Whether the path, the query or the body holds ``text``."""
        query = (value for values in self.query.values() for value in values)
        return text in self.path or any(text in value for value in query) or text.encode() in self.body


def _meets(fault: Fault, call: Call) -> bool:
    if fault.left == 0 or not call.is_operation(_model(fault.service), fault.operation):
        return False
    if fault.entries and not any(
        at < call.entries(_IN_PART[fault.service, fault.operation][0]) for at in fault.entries
    ):
        return False
    return fault.resource is None or call.mentions(fault.resource)


async def _fail(send: Any, call: Call, fault: Fault) -> None:
    status = _status(_model(fault.service), str(fault.error))
    headers, body = _error(call, _model(fault.service), str(fault.error))
    headers = {**headers, "content-length": str(len(body)), "x-amzn-requestid": "injected-fault"}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else body})


def _error(call: Call, service: ServiceModel, code: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of an error as the service's protocol spells it."""
    message = "Injected fault"
    protocol = service.metadata["protocol"]
    if "x-amz-target" in call.headers:
        return {"content-type": "application/x-amz-json-1.1"}, json.dumps(
            {"__type": code, "message": message}
        ).encode()
    if protocol == "rest-json":
        headers = {"content-type": "application/json", "x-amzn-errortype": code}
        return headers, json.dumps({"message": message}).encode()
    if protocol == "rest-xml" and service.service_name == "s3":
        body = f"<Error><Code>{escape(code)}</Code><Message>{message}</Message></Error>"
    else:
        body = f"<Error><Code>{escape(code)}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{body}</ErrorResponse>"
    return {"content-type": "text/xml"}, body.encode()


def _status(service: ServiceModel, code: str) -> int:
    if code.isdigit():  # the answer to a HEAD has no body, so that clients take its status for the code
        return int(code)
    for shape in service.error_shapes:
        if code in {shape.name, shape.metadata.get("error", {}).get("code")}:
            return int(shape.metadata.get("error", {}).get("httpStatusCode", _STATUS.get(code, 400)))
    return _STATUS.get(code, 400)


@cache
def _model(service: str) -> ServiceModel:
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        raise ValueError(f"service must be one of boto3's, got {service!r}")
    return session.get_service_model(service)


@cache
def _routes(service: ServiceModel) -> tuple[OperationModel, ...]:
    return tuple(service.operation_model(name) for name in service.operation_names)


@cache
def _uri(operation: OperationModel) -> tuple[re.Pattern[str], tuple[tuple[str, str], ...]]:
    """An operation's path as a pattern, and the query parameters that its URI fixes."""
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = "".join(
        ".+" if part.endswith("+}") else "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{[^}]+\})", path)
    )
    fixed = tuple((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair))
    return re.compile(pattern + "/?"), fixed


@cache
def _required(operation: OperationModel) -> tuple[tuple[str, str], ...]:
    """The query parameters and headers that a call of the operation must have."""
    shape = operation.input_shape
    if shape is None:
        return ()
    places = ((shape.members[name].serialization, name) for name in shape.required_members)
    return tuple(
        (str(place["location"]), str(place.get("name", name)))
        for place, name in places
        if place.get("location") in {"querystring", "header"}
    )


def _demands(operation: OperationModel) -> tuple[int, int]:
    pattern, fixed = _uri(operation)
    return len(fixed) + len(_required(operation)), len(pattern.pattern.replace("[^/]+", "").replace(".+", ""))
