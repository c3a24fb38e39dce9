"""AWS calls from inside the core process to its own services: signed and authorized, without a socket.

The call goes through the same layers as one from outside: injected faults, MiniStack's signature check, IAM.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from localcloud.control import AsgiApp
from localcloud.credentials import Credentials
from localcloud.settings import HOST, REGION


class ServiceError(RuntimeError):
    """A call that the service answered with an error."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Loopback:
    """Calls the services behind an ASGI application."""

    app: AsgiApp

    async def json_call(
        self, service: str, target: str, arguments: Mapping[str, Any], credentials: Credentials
    ) -> dict[str, Any]:
        """A call of a service that speaks AWS JSON 1.1, ``target`` as in ``X-Amz-Target``.

        Raises:
            ServiceError: the service refused it.
        """
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        body = json.dumps(arguments).encode()
        signer = SigV4Auth(_botocore(credentials), service, REGION)
        answer: dict[str, Any] = json.loads(await self._call(signer, "POST", "/", headers, body) or b"{}")
        return answer

    async def put_object(self, bucket: str, key: str, body: bytes, credentials: Credentials) -> None:
        """S3's PutObject.

        Raises:
            ServiceError: S3 refused it.
        """
        signer = S3SigV4Auth(_botocore(credentials), "s3", REGION)
        await self._call(signer, "PUT", f"/{bucket}/{quote(key, safe='/~')}", {}, body)

    async def _call(self, signer: SigV4Auth, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        request = AWSRequest(
            method, f"http://{HOST}{path}", headers={**headers, "Content-Length": str(len(body))}, data=body
        )
        signer.add_auth(request)
        # A task of its own: the services keep the caller's account and identity in context variables.
        status, answer = await asyncio.create_task(self._dispatch(request, method, path, body))
        if status >= 300:
            raise ServiceError(*_error(answer), status)
        return answer

    async def _dispatch(self, request: AWSRequest, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        headers = [(name.lower().encode(), str(value).encode()) for name, value in request.headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [*headers, (b"host", HOST.encode())],
            "client": (HOST, 0),
            "server": (HOST, 0),
        }
        status, chunks = 0, []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            else:
                chunks.append(message.get("body", b""))

        await self.app(scope, receive, send)
        return status, b"".join(chunks)


def _botocore(credentials: Credentials) -> ReadOnlyCredentials:
    return ReadOnlyCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)


def _error(answer: bytes) -> tuple[str, str]:
    """Code and message of an error in AWS JSON or in S3's XML."""
    text = answer.decode(errors="replace")
    if text.startswith("{"):
        fields = json.loads(text)
        code = str(fields.get("__type", "Unknown")).rpartition("#")[2]
        return code, str(fields.get("message") or fields.get("Message") or "")
    code_found = re.search(r"<Code>(.*?)</Code>", text)
    message_found = re.search(r"<Message>(.*?)</Message>", text, re.DOTALL)
    return code_found[1] if code_found else "Unknown", message_found[1] if message_found else text[:200]
