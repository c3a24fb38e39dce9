"""What changed in the core process, for who would otherwise ask for it again and again.

The delivery engine reads each shard once a second, as Firehose does, while there is something to read. Most streams of
a lake stand still most of the time, and to ask for nothing costs as much as to ask for records. So the engine waits
for news (``POST /_localcloud/news``), and asks a stream of which there are none only once in a while.

News are: records put into a data stream; and whatever else may change the answer to a read, which concerns all of
them: delivery streams, data streams, roles, keys, faults.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from localcloud.control import PREFIX, Answer, AsgiApp, route

_SIGNED_FOR: Final = re.compile(rb"Credential=[^,]*/(firehose|iam|kinesis|kms)/aws4_request")
# Of the data streams and the delivery streams; a put says itself which stream it is into.
_CHANGES_NOTHING: Final = re.compile(rb"\.((Describe|Get|List)\w+|PutRecord(s|Batch)?)$")

_numbers: Final = itertools.count(1)
_lock: Final = threading.Lock()
_newest = 0
_of_all = 0
_of_streams: dict[str, int] = {}
_waiting: Final[set[Callable[[], object]]] = set()


def tell(stream_arn: str | None = None) -> None:
    """Tell of records in a data stream, or of what concerns all of them. From any thread."""
    global _newest, _of_all
    with _lock:
        _newest = next(_numbers)
        if stream_arn is None:
            _of_all = _newest
        else:
            _of_streams[stream_arn] = _newest
        for wake in _waiting:
            with suppress(RuntimeError):  # its loop has ended
                wake()


def since(number: int) -> dict[str, Any]:
    """What was told behind a number: the newest ``number``, whether it is of ``all`` or else of which ``streams``."""
    with _lock:
        streams = [arn for arn, told in _of_streams.items() if told > number]
        return {"number": _newest, "all": _of_all > number, "streams": streams}


@route("POST", f"{PREFIX}news")
async def wait(arguments: dict[str, Any]) -> Answer:
    """The news behind ``number``, once there are some or ``seconds`` are over."""
    number, seconds = int(arguments["number"]), float(arguments["seconds"])
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(told.set)

    with _lock:
        _waiting.add(wake)
        is_late = _newest > number
    try:
        if not is_late:
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), seconds)
    finally:
        with _lock:
            _waiting.discard(wake)
    return 200, since(number)


def layer(app: AsgiApp) -> AsgiApp:
    """Tell of the calls to ``app`` that may change what a read answers."""

    async def with_news(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        if scope["type"] == "http" and _may_change_reads(dict(scope["headers"])):
            tell()

    return with_news


def _may_change_reads(headers: dict[bytes, bytes]) -> bool:
    signed = _SIGNED_FOR.search(headers.get(b"authorization", b""))
    if signed is None:
        return False
    return signed[1] in (b"iam", b"kms") or not _CHANGES_NOTHING.search(headers.get(b"x-amz-target", b""))
