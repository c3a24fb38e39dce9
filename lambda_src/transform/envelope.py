"""When the broker received a message, and from which gateway.

The topic rule puts both into the Kinesis partition key, ``<epoch ms>/<gateway>/<anything>``, because a rule
that adds them to the message itself would fail for a payload that is not JSON, and lose it. Firehose hands
the key to the transform as ``kinesisRecordMetadata.partitionKey``. A record with another kind of key was put
there by something
else: then the instant at which the stream took it stands in, and the gateway is unknown.
"""

from __future__ import annotations

from json.encoder import encode_basestring

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional

    _Closings = Dict[Optional[str], str]
else:
    _Closings = dict

# Keys that the transform adds to every line, and that no message may bring along.
RECEIVED_AT = "_received_at"
GATEWAY = "_gateway"
RESERVED_KEYS = frozenset((RECEIVED_AT, GATEWAY))
# What stands between the last member of a message and the digits of its arrival.
TIME_LEAD = f',"{RECEIVED_AT}":'


def open_envelope(record: Mapping[str, Any]) -> tuple[int, str | None]:
    """Tell when and from which gateway a record came.

    Args:
        record: One of the ``records`` of a Firehose transformation event.

    Returns:
        Epoch milliseconds of the arrival, and the gateway's ID or None.

    Raises:
        KeyError: The record has neither such a partition key nor ``approximateArrivalTimestamp``.
        TypeError: Its ``approximateArrivalTimestamp`` is not an integer.
    """
    try:
        stamp, gateway, rest = record["kinesisRecordMetadata"]["partitionKey"].split("/", 2)
    except (KeyError, ValueError):
        pass  # not from a Kinesis stream, or not put there by the topic rule
    else:
        stamped = 12 <= len(stamp) <= 14 and stamp.isdigit() and stamp.isascii()
        if stamped and gateway and rest and (gateway.isascii() or _encodable(gateway)):
            return int(stamp), gateway
    arrival = record["approximateArrivalTimestamp"]
    if type(arrival) is not int:
        raise TypeError(f"approximateArrivalTimestamp is of type {type(arrival).__name__}")
    return arrival, None


class Closings(_Closings):
    r"""The last part of a line, by the gateway: its key, the object's brace and the line feed.

    A quote in a gateway's name is spelled ``\u0022``, so that the table of whole lines can find the end of
    the name by the next quote.
    """

    _MOST = 1_000  # a factory has a few gateways; beyond this, start over rather than grow

    def __missing__(self, gateway: str | None) -> str:
        """Make the last part for a gateway, or for an unknown one."""
        if len(self) >= self._MOST:
            self.clear()
        closing = "}\n"
        if gateway is not None:
            name = encode_basestring(gateway)[1:-1].replace('\\"', "\\u0022")
            closing = f',"{GATEWAY}":"{name}"{closing}'
        self[gateway] = closing
        return closing


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
