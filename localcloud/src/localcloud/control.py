"""The local cloud's own HTTP calls, beside AWS's: everything under ``/_localcloud/``.

An ASGI layer in front of MiniStack. Calls take and give JSON; only a JSON content type is accepted, which a
web page of another origin cannot send to this loopback port without being asked first.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from localcloud.calls import CALL_SECONDS, control
from localcloud.engine_process import EngineProcess
from localcloud.processes import StartError

PREFIX = "/_localcloud/"

Answer: TypeAlias = tuple[int, dict[str, Any]]
Handler: TypeAlias = Callable[[dict[str, Any]], Awaitable[Answer]]
AsgiApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

_routes: dict[tuple[str, str], Handler] = {}
_background: list[Callable[[], Coroutine[Any, Any, None]]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler: it gets the call's JSON body and gives the status and the body of the answer."""
    if not path.startswith(PREFIX):
        raise ValueError(f"control path must begin {PREFIX}, got {path}")

    def register(handler: Handler) -> Handler:
        _routes[method, path] = handler
        return handler

    return register


def in_background(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Register work that goes on for as long as the core process serves."""
    _background.append(work)


def start_background() -> list[asyncio.Task[None]]:
    """Start what was registered, on the running event loop."""
    return [asyncio.create_task(work()) for work in _background]


def layer(app: AsgiApp) -> AsgiApp:
    """Put the control calls in front of ``app``."""

    async def with_control(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await app(scope, receive, send)
            return
        status, answer = await _answer(scope, await read_body(receive))
        await send_json(send, status, answer)

    return with_control


async def read_body(receive: Any) -> bytes:
    """The whole body of a request."""
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def send_json(send: Any, status: int, answer: dict[str, Any]) -> None:
    """Answer a request with a JSON object."""
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer(scope: Any, body: bytes) -> Answer:
    handler = _routes.get((scope["method"], scope["path"]))
    if handler is None:
        return 404, {"message": f"no such call: {scope['method']} {scope['path']}"}
    if body and dict(scope["headers"]).get(b"content-type") != b"application/json":
        return 415, {"message": "the content type must be application/json"}
    try:
        arguments = json.loads(body) if body else {}
    except ValueError as error:
        return 400, {"message": f"the body is not JSON: {error}"}
    if not isinstance(arguments, dict):
        return 400, {"message": "the body must be a JSON object"}
    try:
        return await handler(arguments)
    except (KeyError, TypeError, ValueError) as error:
        return 400, {"message": f"{type(error).__name__}: {error}"}
    except StartError as error:
        return 500, {"message": str(error)}


def wait_until_serving(endpoint: str) -> None:
    """Return when ``endpoint`` answers, which it does once MiniStack's start-up is complete.

    That its socket takes connections says nothing: it listens from the beginning.

    Raises:
        StartError: it did not answer in time.
    """
    try:
        control(endpoint, "GET", "status")
    except OSError as error:
        raise StartError(f"{endpoint} did not answer within {CALL_SECONDS:g} s") from error


def provide_engine(engine: EngineProcess) -> None:
    """Register the calls about the process and its delivery engine."""

    @route("GET", f"{PREFIX}status")
    async def status(_: dict[str, Any]) -> Answer:
        return 200, {"pid": os.getpid(), "engine": engine.describe()}

    @route("POST", f"{PREFIX}engine")
    async def act(arguments: dict[str, Any]) -> Answer:
        actions = {"kill": engine.kill, "start": engine.start}
        action = arguments["action"]
        if action not in actions:
            return 400, {"message": f"action must be one of {sorted(actions)}, got {action!r}"}
        await asyncio.to_thread(actions[action])
        return 200, engine.describe()
