r"""Batches: several samples in one publish, each with the bytes that it has alone.

A batch is an object whose only key is `samples`, with an array, or a bare array. The sender writes the first
form. The reading here is of its own and shares nothing with the transform, since a reconciliation stands on it.
It is iterative: a sample that is nested too deep for the lake is still a sample, and the others are good.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

#: Bytes of a batch at most, so that AWS IoT's limit of 128 KB is never near.
MAX_BATCH = 120 * 1024
#: How long a sample waits for others at most, unless the user says otherwise.
WAIT_MS = 1000

_HEAD, _TAIL = b'{"samples":[', b"]}"
_STRING = rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(rb"[ \t\n\r]*+(?:(?P<text>%b)|(?P<scalar>%b|true|false|null)|([\[\]{},:]))" % (_STRING, _NUMBER))
_OPENING = re.compile(rb"[ \t\n\r]*+(?:\[|\{[ \t\n\r]*+(%b)[ \t\n\r]*+:[ \t\n\r]*+\[)" % _STRING)
_BLANKS = re.compile(rb"[ \t\n\r]*+")
_END = re.compile(rb"[ \t\n\r]*+\]([ \t\n\r]*+\})?[ \t\n\r]*+\Z")


@dataclass(frozen=True)
class Batching:
    """When a batch goes out: when one of these is reached, or `MAX_BATCH`."""

    samples: int
    wait_ms: float = WAIT_MS  # since its first sample was there


@dataclass(frozen=True)
class Batch:
    """What one publish carries."""

    payload: bytes
    messages: int


def batched(
    messages: Iterable[bytes | None], batching: Batching, clock: Callable[[], float] = time.monotonic
) -> Iterator[Batch | None]:
    """Join messages, in their order.

    What is not one JSON object would spoil its batch, so it goes alone; so do a batch, which is one already, and
    a single sample, which needs no array around it.

    Args:
        messages: What is to be sent; None says that there is nothing more yet.
        batching: When a batch is full or has waited long enough.
        clock: Seconds that only go forward.

    Yields:
        What is due; None where the next is not due yet.
    """
    waiting: list[bytes] = []
    size, since = 0, 0.0
    for message in messages:
        if message is None:
            if not waiting or clock() - since < batching.wait_ms / 1000:
                yield None
                continue
            yield _joined(waiting)
            waiting = []
        elif not _is_sample(message):
            if waiting:
                yield _joined(waiting)
                waiting = []
            yield Batch(message, 1)
        else:
            if waiting and size + 1 + len(message) > MAX_BATCH:
                yield _joined(waiting)
                waiting = []
            if not waiting:
                size, since = len(_HEAD) + len(_TAIL) - 1, clock()
            waiting.append(message)
            size += 1 + len(message)
            if len(waiting) >= batching.samples or clock() - since >= batching.wait_ms / 1000:
                yield _joined(waiting)
                waiting = []
    if waiting:
        yield _joined(waiting)


def samples_of(payload: bytes) -> list[bytes]:
    """What the lake judges one by one: the samples of a batch, or the message itself.

    A batch within a batch fares as if it had come alone. The one sample of a batch of one is never opened.
    """
    found: list[bytes] = []
    left = [payload]
    while left:
        elements = split(one := left.pop())
        if not elements:
            found.append(one)
        elif len(elements) == 1:
            found += elements
        else:
            left += reversed(elements)
    return found


def join(samples: Sequence[bytes]) -> bytes:
    """A batch of samples, each with its bytes."""
    return _HEAD + b",".join(samples) + _TAIL


def split(payload: bytes) -> list[bytes] | None:
    """The elements of a batch, byte for byte; None when the payload is no batch, or not JSON as a whole."""
    opening = _OPENING.match(payload)
    if opening is None:
        return None
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if opening[1] is not None and json.loads(opening[1]) != "samples":
        return None
    elements: list[bytes] = []
    at: int | None = opening.end()
    while at is not None:
        end = _END.match(payload, at)
        if end:
            return elements if (end[1] is None) == (opening[1] is None) else None
        if elements:
            comma = _TOKEN.match(payload, at)
            if comma is None or comma[3] != b",":
                return None
            at = comma.end()
        begin = _skip(payload, at)
        at = _end_of_value(payload, begin)
        elements.append(payload[begin:at])
    return None


def _joined(samples: list[bytes]) -> Batch:
    return Batch(samples[0] if len(samples) == 1 else join(samples), len(samples))


def _is_sample(message: bytes) -> bool:
    """Whether a message can go into a batch: one JSON object that is no batch itself."""
    begin = _skip(message, 0)
    if message[begin : begin + 1] != b"{" or split(message) is not None:
        return False
    try:
        message.decode("utf-8")
    except UnicodeDecodeError:
        return False
    end = _end_of_value(message, begin)
    return end is not None and _skip(message, end) == len(message)


def _skip(text: bytes, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return at if blanks is None else blanks.end()


def _end_of_value(text: bytes, at: int) -> int | None:
    """Where the JSON value that begins there ends; None when there is none."""
    closing = bytearray()  # the brackets that are still to come, the next one last
    wanted = "value"
    while (token := _TOKEN.match(text, at)) is not None:
        at = token.end()
        bracket = token[3]
        if bracket == b":" and wanted == "colon":
            wanted = "value"
            continue
        if bracket == b"," and wanted == "end":
            wanted = "value" if closing[-1:] == b"]" else "key"
            continue
        if token["text"] is not None and wanted in ("key", "key or end"):
            wanted = "colon"
            continue
        if bracket in (b"[", b"{") and wanted in ("value", "value or end"):
            closing += b"]" if bracket == b"[" else b"}"
            wanted = "value or end" if bracket == b"[" else "key or end"
            continue
        if bracket is not None and wanted in ("end", "value or end", "key or end") and bracket == closing[-1:]:
            del closing[-1:]
        elif bracket is not None or wanted not in ("value", "value or end"):
            return None
        # A value has ended.
        if not closing:
            return at
        wanted = "end"
    return None
