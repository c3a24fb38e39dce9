"""What the broker tells of a client's connection: GetConnection of the data plane.

Replaced in ``ministack.services``:

* ``iot_data.handle_request``: knew no ``GET /connections/<client ID>``.
* ``iot._mtls_handle_conn``: every device had the source address 127.0.0.1.

Source: AWS IoT data plane API reference, "GetConnection".
"""

from __future__ import annotations

import asyncio
import struct
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import iot, iot_data

_PATH: Final = "/connections/"
_CLEAN: Final = 0x02
_KEPT_MS: Final = 30 * 60 * 1000
"""How long AWS tells of a connection that has ended."""


@dataclass(frozen=True)
class _Settings:
    """What a client asked for when it connected."""

    keep_alive: int
    clean: bool
    source_ip: str
    source_port: int


_port: ContextVar[int] = ContextVar("port", default=0)
_settings: dict[tuple[str, str, str], _Settings] = {}


def install() -> None:
    """Put GetConnection into the data plane."""
    _note_addresses()
    _note_settings()
    handle = iot_data.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if method == "GET" and path.startswith(_PATH):
            wants_socket = (query.get("includeSocketInformation") or ["false"])[0] == "true"
            return _get_connection(unquote(path.removeprefix(_PATH)), wants_socket=wants_socket)
        return await handle(method, path, headers, body, query)

    iot_data.handle_request = handle_request


def _get_connection(client_id: str, *, wants_socket: bool) -> Any:
    key = (get_account_id(), get_region(), client_id)
    record, settings = iot._connectivity.get(key), _settings.get(key)
    connected = key in iot._connected_clients
    ended_ms = None if record is None else int(record["timestamp"])
    if ended_ms is None or settings is None or (not connected and ended_ms < time.time() * 1000 - _KEPT_MS):
        return error_response_json("ResourceNotFoundException", f"no connection of {client_id} is known", 404)
    found: dict[str, Any] = {
        "connected": connected,
        "clientId": client_id,
        "cleanSession": settings.clean,
        "keepAliveDuration": settings.keep_alive,
        "connectedSince" if connected else "disconnectedSince": ended_ms,
    }
    if not connected and record.get("disconnectReason"):
        found["disconnectReason"] = record["disconnectReason"]
    if wants_socket:
        found |= {"sourceIp": settings.source_ip, "sourcePort": settings.source_port}
    return json_response(found)


def _note_addresses() -> None:
    handle = iot._mtls_handle_conn

    async def handle_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The connection has a task of its own, and with it a context.
        iot._publish_source_ip.set(str(writer.get_extra_info("peername")[0]))
        _port.set(int(writer.get_extra_info("peername")[1]))
        await handle(reader, writer)

    iot._mtls_handle_conn = handle_connection


def _note_settings() -> None:
    handle = iot._WSSession.handle_packet

    async def handle_packet(session: Any, kind: int, flags: int, body: bytes) -> bool:
        goes_on = bool(await handle(session, kind, flags, body))
        if kind == iot.PKT_CONNECT and goes_on:
            _, offset = iot._read_string(body, 0)
            _, connect_flags, keep_alive = struct.unpack_from("!BBH", body, offset)
            address = iot._publish_source_ip.get(), _port.get()
            key = (session.account_id, session.region, session._client_id)
            _settings[key] = _Settings(keep_alive, bool(connect_flags & _CLEAN), *address)
        return goes_on

    iot._WSSession.handle_packet = handle_packet
