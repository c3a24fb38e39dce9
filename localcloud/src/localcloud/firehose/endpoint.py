"""The engine's own HTTP calls on a loopback port: ``POST /flush`` and ``GET /status``."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localcloud.firehose.clients import CALL_ERRORS
from localcloud.firehose.engine import Engine
from localcloud.settings import HOST

DEFAULT_SECONDS = 60.0


def serve(engine: Engine) -> ThreadingHTTPServer:
    """A server for the engine's calls on a free port; `serve_forever` is the caller's to run."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/status":
                self._answer(200, engine.status())
            else:
                self._answer(404, {"message": f"no such call: GET {self.path}"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path != "/flush":
                self._answer(404, {"message": f"no such call: POST {self.path}"})
            elif self.headers.get("Content-Type") != "application/json":
                # A web page of another origin cannot send this type to a loopback port unasked.
                self._answer(415, {"message": "the content type must be application/json"})
            else:
                self._answer(*_flush(engine, body))

        def log_message(self, *_: Any) -> None:
            """Requests are not worth a line in the log."""

        def _answer(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    return server


def _flush(engine: Engine, body: bytes) -> tuple[int, dict[str, Any]]:
    try:
        names, timeout = _wish(body)
    except (ValueError, AttributeError, TypeError) as error:
        return 400, {"message": f"the request is not valid: {error}"}
    try:
        delivered, undelivered = engine.flush(names, timeout)
    except CALL_ERRORS as error:
        return 503, {"message": f"the delivery streams cannot be listed: {error}", "undelivered": {}}
    if undelivered:
        message = f"not delivered within {timeout:g} s: {', '.join(sorted(undelivered))}"
        return 504, {"message": message, "delivered": delivered, "undelivered": undelivered}
    return 200, {"delivered": delivered}


def _wish(body: bytes) -> tuple[list[str] | None, float]:
    """Names of delivery streams, None for all, and the seconds to wait."""
    arguments = json.loads(body or b"{}")
    names = arguments.get("names")
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ValueError("names must be a list of names or null")
    return names, float(arguments.get("timeout", DEFAULT_SECONDS))
