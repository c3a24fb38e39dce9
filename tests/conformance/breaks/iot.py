"""IoT Core as it is not."""

from __future__ import annotations

import re
from typing import Any

from localcloud.iot import broker
from localcloud.iot.sql import Statement
from tests.conformance.breaks import Break, IsOn

_LAST_ZEROS = re.compile(rb"(?<=[0-9]\.)([0-9]*?)0+(?=[,}\]])")


def _numbers_are_written_anew(is_on: IsOn) -> None:
    select = Statement.select

    def respelling(self: Statement, payload: bytes) -> bytes:
        result = select(self, payload)
        return _LAST_ZEROS.sub(rb"\1", result) if is_on() else result

    Statement.select = respelling  # type: ignore[method-assign]


def _a_retained_publish_is_only_refused(is_on: IsOn) -> None:
    may_retain = broker._may_retain

    def may(session: Any, topic: str) -> bool:
        # MiniStack then refuses it in its acknowledgement.
        return is_on() or may_retain(session, topic)

    broker._may_retain = may


BREAKS = [
    Break("iot_json_numbers", _numbers_are_written_anew),
    Break("iot_retain_refused", _a_retained_publish_is_only_refused),
]
