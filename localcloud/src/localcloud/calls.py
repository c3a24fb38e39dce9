"""Calls of the local cloud's own HTTP interfaces: JSON over loopback."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

CALL_SECONDS = 60.0

# A proxy of the user's environment must not be asked.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class CallError(RuntimeError):
    """A call to the local cloud itself was refused.

    Attributes:
        answer: the body, a JSON object.
    """

    def __init__(self, call: str, status: int, answer: dict[str, Any]) -> None:
        super().__init__(f"{call}: {status}: {answer.get('message', answer)}")
        self.status = status
        self.answer = answer


def call(
    method: str, url: str, arguments: Mapping[str, Any] | None = None, timeout: float = CALL_SECONDS
) -> dict[str, Any]:
    """Call, and give the answer.

    Raises:
        CallError: it was refused.
        OSError: nobody answered within ``timeout`` seconds.
    """
    data = None if arguments is None else json.dumps(arguments).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - always http to loopback
    try:
        with _opener.open(request, timeout=timeout) as response:
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise CallError(f"{method} {url}", error.code, json.loads(error.read() or b"{}")) from error


def control(endpoint: str, method: str, name: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One of the own calls of the cloud at ``endpoint``, named without its ``/_localcloud/``; raises as ``call``."""
    return call(method, f"{endpoint}/_localcloud/{name}", arguments)
