"""The last step of both lanes: a line within the limit on its length."""

from __future__ import annotations

from .errors import LINE_TOO_LONG, MessageError

#: Amazon Data Firehose, quotas: "the maximum size of a record ... is 1,000 KiB", the line feed included.
MAX_BYTES = 1_000 * 1_024


def finish(body: str, suffix: str) -> bytes:
    """Encode a line.

    Raises:
        MessageError: The line is too long for Firehose.
    """
    line = (body + suffix).encode()
    if len(line) > MAX_BYTES:
        raise MessageError(LINE_TOO_LONG)
    return line
