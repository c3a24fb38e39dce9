r"""The message behind a line that the transform made.

What fails behind the transform (conversion to Parquet, partitioning) may be kept as the transform's line or
as the original record; Firehose's guide does not say which. Only a line ends with the keys of the envelope,
since the transform refuses a message that brings them along. Taking them off gives a configuration message
as it was, but for trimmed strings; a sample's columns must be renamed as well. Put through the transform
again, the message gives the same line. Several lines are what went on of a batch; they become one again.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from factory_lake.gateway.batches import join
from factory_lake.gateway.identities import Lane
from transform import schema
from transform.reader import Reader

SCHEMAS = Path(__file__).resolve().parents[2] / "glue_schemas"

# `,"_received_at":1773039900000,"_gateway":"line-1"}` at the end. In JSON text nothing but two members of the
# outermost object can be spelled so: a quote inside of a string has a backslash before it, not a comma.
_ENVELOPE = re.compile(
    rb'(?:(\{[ \t]*)|,)"_received_at":(\d{12,14})(?:,"_gateway":"((?:[^"\\]|\\.)*)")?\}\s*\Z', re.DOTALL
)
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Restored:
    """A message and its envelope."""

    payload: bytes
    received_ms: int  # when the broker took it, epoch ms
    gateway: str | None


class Restorer:
    """Makes messages of lines, by the schema of the table."""

    def restore(self, lane: Lane, data: bytes) -> Restored | None:
        """Make the message of a line.

        Returns:
            The message, or None when the data is no line of the transform's, so the message itself.

        Raises:
            MessageError: When it ends like a line and is none.
            ValueError: When it does not end like one in each of its lines, or they have several envelopes.
        """
        if _ENVELOPE.search(data) is None:
            return None
        # A line has no line feed but its last one.
        lines = [self._line(lane, line) for line in data.removesuffix(b"\n").split(b"\n")]
        first = lines[0]
        if any((one.received_ms, one.gateway) != (first.received_ms, first.gateway) for one in lines):
            raise ValueError("lines of several records")
        return first if len(lines) == 1 else replace(first, payload=join([one.payload for one in lines]))

    def _line(self, lane: Lane, data: bytes) -> Restored:
        envelope = _ENVELOPE.search(data)
        if envelope is None:
            raise ValueError("a line without an envelope")
        text = (data[: envelope.start()] + (envelope[1] or b"") + b"}").decode()
        if lane == "measurements":
            text = self._sample(text)
        gateway = None if envelope[3] is None else _unescaped(envelope[3].decode())
        return Restored(text.encode(), int(envelope[2]), gateway)

    def _sample(self, line: str) -> str:
        head, members = Reader("keep").read(line)
        value_key = self._value_key
        values = {key for key, _, _, _ in members}
        pieces: list[str] = []
        for key, lead, value, trail in members:
            if key == schema.ATTRIBUTES:
                # The object's members as they came, less the braces around them.
                pieces.append(_unescaped(value[1:-1])[1:-1])
            elif key == schema.VALUE_TEXT and value_key in values:
                # An integer that a double cannot hold, and its digits: the transform will write them again.
                pieces[-1] += trail
            elif key == schema.VALUE_TEXT:
                pieces.append(lead.replace(f'"{key}"', f'"{value_key}"') + value + trail)
            else:
                pieces.append(lead + value + trail)
        return head + ",".join(pieces) + "}"

    @cached_property
    def _value_key(self) -> str:
        table = schema.load("measurements", str(SCHEMAS))
        return next(str(column.source) for column in table.columns if column.name == "value")


def _unescaped(inside: str) -> str:
    """What the inside of a JSON string means; the transform lets no half of a surrogate pair through."""
    if "\\" not in inside:
        return inside
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _SHORT.get(match[2], match[2]), inside)
    return text.encode("utf-16", "surrogatepass").decode("utf-16")
