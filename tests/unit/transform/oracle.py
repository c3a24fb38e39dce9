"""A second reading of the transform's contract, for tests to compare with.

It shares no code with the transform: it lets Python's own JSON reader do the work, with hooks that keep pairs
of keys and values apart and numbers as they are spelled, and is as slow as it is plain.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.unit.transform.support import DAY

TEXTS = ("deviceID", "deviceName", "registerId", "tagName", "datatype")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - there is no datetime.UTC in Python 3.8


class InvalidError(Exception):
    """The message is invalid."""


class Number(str):
    """A number as it is spelled."""


class Members(list):  # type: ignore[type-arg]  # subscripting it would fail on Python 3.8
    """An object's members in their order."""

    def get(self, key: str) -> Any:
        """Return the value of a key, or None."""
        return dict(self).get(key)


def parse(text: str) -> Any:
    """Read JSON, keeping all that Python's objects would lose."""

    def constant(name: str) -> Any:
        raise InvalidError(name)

    try:
        return json.loads(
            text, object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=constant
        )
    except (ValueError, RecursionError) as error:
        raise InvalidError("NOT_JSON") from error


def elements(payload: bytes) -> list[str] | None:
    """Find the elements of a batch as they are spelled; None if the message is none, or is not JSON."""
    try:
        text = payload.decode()
        read = parse(text)
    except (UnicodeError, InvalidError):
        return None
    array = read
    if isinstance(read, Members) and [key for key, _ in read] == ["samples"]:
        array = read.get("samples")
    if not isinstance(array, list) or isinstance(array, Members):
        return None
    decoder = json.JSONDecoder(parse_int=Number, parse_float=Number)
    place = text.index("[") + 1
    found = []
    for _ in array:
        start = place + len(text[place:]) - len(text[place:].lstrip(" \t\r\n"))
        _, end = decoder.raw_decode(text, start)
        found.append(text[start:end])
        place = end + text[end:].find(",") + 1
    return found


def trimmed(value: Any, blank: str, levels: int = 1) -> Any:
    """Check what both lanes demand at any depth, and trim."""
    if isinstance(value, (Members, list)) and levels > 100:
        raise InvalidError("too deep")
    if isinstance(value, Members):
        keys = [key for key, _ in value]
        if len(keys) != len(set(keys)):
            raise InvalidError("DUPLICATE_KEY")
        "".join(keys).encode()
        return Members([(key, trimmed(item, blank, levels + 1)) for key, item in value])
    if isinstance(value, list):
        return [trimmed(item, blank, levels + 1) for item in value]
    if isinstance(value, str) and not isinstance(value, Number):
        value.encode()
        value = value.strip()
        if not value:
            if blank == "reject":
                raise InvalidError("BLANK_STRING")
            return None if blank == "null" else value
    return value


def message(payload: bytes, blank: str, description: bool) -> Members:
    """Read a message as both lanes do."""
    try:
        read = parse(payload.decode())
        if not isinstance(read, Members):
            raise InvalidError("NOT_AN_OBJECT")
        if any(key in ("_received_at", "_gateway") for key, _ in read):
            raise InvalidError("RESERVED_KEY")
        if description:
            for index, (key, value) in enumerate(read):
                if key == "description" and isinstance(value, str) and not value.strip():
                    read[index] = (key, None)
        done: Members = trimmed(read, blank)
    except UnicodeError as error:
        raise InvalidError("not UTF-8, or a lone surrogate") from error
    return done


def date(epoch_ms: int) -> dict[str, str]:
    """Return the partition keys of an instant."""
    day = EPOCH + timedelta(milliseconds=epoch_ms)
    return {"year": f"{day.year:04}", "month": f"{day.month:02}", "day": f"{day.day:02}"}


def measurement(
    payload: bytes, received_at: int, blank: str = "reject", past_days: int = 400, future_days: int = 1
) -> tuple[Members, dict[str, str]]:
    """Read a sample; return its line's members, with ``attributes`` parsed, and its partition.

    The members of the envelope are not among them.
    """
    read = message(payload, blank, description=True)
    check_types(read)
    line, attributes = Members(), Members()
    for key, value in read:
        if key == "value":
            line += sample(value)
        elif key in (*TEXTS, "description", "timestamp", "success"):
            line.append((key, value))
        elif key != "metadata":
            attributes.append((key, value))
        elif value is not None and not isinstance(value, Members):
            raise InvalidError("metadata")
        elif value:
            attributes.append((key, value))
    timestamp = read.get("timestamp")
    if not isinstance(timestamp, Number) or not timestamp.lstrip("-").isdigit() or len(timestamp) > 18:
        raise InvalidError("timestamp")
    if not received_at - past_days * DAY <= int(timestamp) <= received_at + future_days * DAY:
        raise InvalidError("timestamp")
    # OpenX reads an integer of up to twelve digits as seconds, and loses one beyond 64 bits of nanoseconds.
    for time in (int(timestamp), received_at):
        if len(str(abs(time))) < 13 or not -(2**63) <= time * 10**6 < 2**63:
            raise InvalidError("NOT_MILLISECONDS")
    if attributes:
        line.append(("attributes", attributes))
    return line, date(int(timestamp))


def check_types(read: Members) -> None:
    """Check texts and ``success``."""
    for key in TEXTS:
        if not isinstance(read.get(key), str) or isinstance(read.get(key), Number):
            raise InvalidError(key)
    description: Any | None = read.get("description")
    if isinstance(description, (Number, bool, list)) or not isinstance(description, (str, type(None))):
        raise InvalidError("description")
    if not isinstance(read.get("success"), bool):
        raise InvalidError("success")


def sample(value: Any) -> Members:
    """Return the members that a sample's value becomes."""
    if isinstance(value, bool):
        return Members([("value", Number(int(value)))])
    if isinstance(value, Number):
        if abs(float(value)) == float("inf"):
            raise InvalidError("value")
        members = Members([("value", value)])
        if value.lstrip("-").isdigit() and abs(int(value)) > 2**53:
            members.append(("value_text", str(value)))
        return members
    if isinstance(value, str):
        return Members([("value_text", value)])
    if value is not None:
        raise InvalidError("value")
    return Members([("value", None)])
