"""Firehose as it is not."""

from __future__ import annotations

from typing import Any

from localcloud.firehose import openx
from localcloud.firehose.buffers import Buffer, Item
from localcloud.firehose.delivery import Delivery
from tests.conformance.breaks import Break, IsOn


def _large_integers_are_no_doubles(is_on: IsOn) -> None:
    double = openx._CONVERTERS["double"]

    def convert(value: Any) -> Any:
        if is_on() and isinstance(value, int) and abs(value) >= 2**63:
            raise OverflowError("double")
        return double(value)

    openx._CONVERTERS = {**openx._CONVERTERS, "double": convert}


def _every_record_gets_a_line_feed(is_on: IsOn) -> None:
    queue = Delivery._queue

    def queued(self: Delivery, buffer: Buffer, items: list[Item], body: bytes, extension: str) -> None:
        if is_on() and not extension and buffer.key.error_type is None:
            body = b"".join(item.data.removesuffix(b"\n") + b"\n" for item in items)
        queue(self, buffer, items, body, extension)

    Delivery._queue = queued  # type: ignore[method-assign]


BREAKS = [
    Break("firehose_doubles", _large_integers_are_no_doubles),
    Break("firehose_lines", _every_record_gets_a_line_feed),
]
