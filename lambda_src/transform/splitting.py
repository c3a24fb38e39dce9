"""Finding the samples of a batch: where each element begins and ends, as the bytes that it is.

A batch is an object whose only key is ``samples``, with an array, or a bare array. What its elements are worth
is for the lane to say; for the batch to be one, each must be JSON, whatever it holds.

There are two roads. ``objects`` and ``cut`` are quick and prove nothing: they take each ``},{`` for the end of one
object and the beginning of the next, which it is not inside a string or a nested array. The lane reads every piece on
its own, and if each is JSON as a whole, the text is an array of just these elements, since JSON can be read in one way
only. Otherwise ``elements`` finds them by the grammar, iteratively, so that no depth exhausts the stack.
"""

from __future__ import annotations

import json
import re

from .events import BATCH_HEAD
from .reader import BEHIND, EMPTY, ITEM, REST, STRING, WS

#: The key of a batch that is an object.
SAMPLES = "samples"

#: What stands before the elements; the group is the inside of the key, which an escape may spell.
_HEAD = re.compile(rf'{WS}(?:\{{{WS}"({STRING})"{WS}:{WS})?\[')
#: The same in front of an object, the key spelled plainly.
_PLAIN_HEAD = re.compile(rf'{WS}(\{{{WS}"{SAMPLES}"{WS}:{WS})?\[{WS}(?=\{{)')
_NO_MORE = re.compile(rf"{WS}\]")
_BRACE = re.compile(rf"{WS}\}}")


def objects(text: str) -> str | None:
    """Return what is between the brackets of a batch; None if that does not look like objects."""
    if text.startswith(BATCH_HEAD) and text.endswith("}]}"):  # as gateways send it
        return text[len(BATCH_HEAD) - 1 : -2]
    head = _PLAIN_HEAD.match(text)
    if head is None:
        return None
    end = "]" if head.group(1) is None else "]}"
    return text[head.end() : -len(end)] if text.endswith("}" + end) else None


def cut(text: str) -> list[str]:
    """Cut objects with commas between them, white space behind each comma or none, where they seem to end."""
    pieces = text[1:-1].split("},{")
    if len(pieces) == 1:
        pieces = text[1:-1].split("}, {")
    return [f"{{{piece}}}" for piece in pieces]


def remaining(text: str, *, last: bool) -> list[str]:
    """Cut what remains of objects between some that are converted; empty if it does not end where one would."""
    end = text.rfind("}") + 1
    ends = ("",) if last else (",", ", ")
    return cut(text[:end]) if text[end:] in ends else []


def elements(text: str) -> list[str] | None:
    """Find the elements of a batch by the grammar; None if the text is no batch, or is not JSON."""
    head = _HEAD.match(text)
    if head is None:
        return None
    key = head.group(1)
    if key is not None and json.loads(f'"{key}"') != SAMPLES:
        return None
    found: list[str] = []
    end = _array(text, head.end(), found)
    if end is not None and key is not None:
        brace = _BRACE.match(text, end)
        end = None if brace is None else brace.end()
    return None if end is None or not REST.match(text, end) else found


def _array(text: str, position: int, found: list[str]) -> int | None:
    """Note the elements of an array, from behind its bracket; return the place behind its end, None without one."""
    empty = _NO_MORE.match(text, position)
    if empty is not None:
        return empty.end()
    separator = ","
    while separator == ",":
        item = ITEM.match(text, position)
        if item is None or item.group(2) is not None:
            return None
        if item.group(3) is None:
            start = item.end()
            end = _container(text, start)
            item = None if end is None else BEHIND.match(text, end)
            if item is None:
                return None
            separator = item.group(1)
            found.append(text[start:end])
        else:
            separator = item.group(6)
            found.append(item.group(3))
        position = item.end()
    return position if separator == "]" else None


def _container(text: str, position: int) -> int | None:
    """Return the place behind the object or array that opens at a position; None if it is not JSON."""
    closers: list[str] = []
    while True:
        # Here a bracket opens.
        closers.append("}" if text[position] == "{" else "]")
        empty = EMPTY.match(text, position)
        position, separator = (position + 1, ",") if empty is None else (empty.end(), closers[-1])
        while True:
            while separator != ",":
                if closers.pop() != separator:
                    return None
                if not closers:
                    return position
                behind = BEHIND.match(text, position)
                if behind is None:
                    return None
                position, separator = behind.end(), behind.group(1)
            item = ITEM.match(text, position)
            if item is None or (item.group(2) is None) == (closers[-1] == "}"):
                return None
            position, separator = item.end(), item.group(6)
            if item.group(3) is None:
                break
