"""Keeps the tags that CreateStream is given.

``ministack.services.kinesis._create_stream`` ignored the request's Tags (Kinesis API reference,
CreateStream), so a stream that Terraform had just made lacked its tags, and every plan wanted to add them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import kinesis

Operation = Callable[[dict[str, Any]], Any]


def install(_: Any) -> None:
    """Replace the function; MiniStack looks it up by name at every call."""
    kinesis._create_stream = _create_stream(kinesis._create_stream)


def _create_stream(original: Operation) -> Operation:
    def create_stream(data: dict[str, Any]) -> Any:
        existed = data.get("StreamName") in kinesis._streams
        answer = original(data)
        if not existed and (stream := kinesis._streams.get(data.get("StreamName"))) is not None:
            stream["tags"].update(data.get("Tags") or {})
        return answer

    return create_stream
