"""When the broker received a message, and from which gateway.

The topic rule puts both into the Kinesis partition key, ``<epoch ms>/<gateway>/<anything>``, because a rule
that adds them to the message itself would fail for a payload that is not JSON, and lose it. Firehose hands
the key to the transform as ``kinesisRecordMetadata.partitionKey``. Something else put a record with another
kind of key there: its arrival is the instant at which the stream took it, and its gateway is unknown. Where samples of
such a record are put back, they keep that arrival by a key whose gateway is empty, ``<epoch ms>//<anything>``.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import Dict, Optional

from .events import FirehoseRecord

#: Keys that the transform adds to every line, and that no message may bring along.
RECEIVED_AT = "_received_at"
GATEWAY = "_gateway"
RESERVED_KEYS = frozenset((RECEIVED_AT, GATEWAY))
#: What is between the last member of a message and the digits of its arrival.
TIME_PREFIX = f',"{RECEIVED_AT}":'

_MAX_KEY_CHARACTERS = 256


def open_envelope(record: FirehoseRecord) -> tuple[int, str | None]:
    """Return when and from which gateway a record came.

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
        if stamped and rest and (gateway.isascii() or encodable(gateway)):
            return int(stamp), gateway or None
    arrival = record["approximateArrivalTimestamp"]
    if type(arrival) is not int:
        raise TypeError(f"approximateArrivalTimestamp is of type {type(arrival).__name__}")
    return arrival, None


def make_key(received_at: int, gateway: str | None, rest: str) -> str:
    """Make a partition key that ``open_envelope`` reads as this arrival and gateway, if its digits allow.

    Kinesis takes 256 characters. A key with this gateway has come within them, with one character at least behind
    the gateway, so what is cut off is of ``rest``, which need not be whole.
    """
    return f"{received_at}/{gateway or ''}/{rest}"[:_MAX_KEY_CHARACTERS]


class SuffixCache(Dict[Optional[str], str]):
    r"""The end of a line, by the gateway: its key, the object's brace and the line feed.

    A quote in a gateway's name is spelled ``\u0022``, so that the table of whole lines can find the end of
    the name by the next quote.
    """

    _MAX_GATEWAYS = 1_000  # a factory has a few gateways; beyond this, start over rather than grow

    def __missing__(self, gateway: str | None) -> str:
        """Make the suffix for a gateway, or for an unknown one."""
        if len(self) >= self._MAX_GATEWAYS:
            self.clear()
        suffix = "}\n"
        if gateway is not None:
            name = encode_basestring(gateway)[1:-1].replace('\\"', "\\u0022")
            suffix = f',"{GATEWAY}":"{name}"{suffix}'
        self[gateway] = suffix
        return suffix


def encodable(text: str) -> bool:
    """Tell whether UTF-8 can write a text: whether it holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
