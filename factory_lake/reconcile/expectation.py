"""What the lake must make of a payload, from the rules alone.

This is a second reading of the rules, on purpose without a line of the transform function: a reconciliation
that asked the function would agree with each of its mistakes. It is written to be plain, not fast.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from factory_lake.gateway.identities import Lane
from factory_lake.reconcile.lossless_json import NotTakenError, Number, Object, canonical, check_unicode, parse

BlankStrings = Literal["reject", "null", "keep"]

_DAY_MS = 86_400_000
# Integers up to here are doubles without loss.
_EXACT = 2**53
# What OpenX, the delivery stream's reader of JSON, takes for milliseconds: an integer nearer to 0 is seconds
# to it, and one whose nanoseconds need more than 64 bits becomes another time.
_LEAST_MS, _MOST_MS = 10**12, 2**63 // 10**6
_TEXT_KEYS = ("deviceID", "deviceName", "registerId", "tagName", "datatype")
_KNOWN_KEYS = (*_TEXT_KEYS, "description", "timestamp", "success", "value", "metadata")
_RESERVED_KEYS = ("_received_at", "_gateway")


@dataclass(frozen=True)
class Rules:
    """The settings of the transform functions that decide what is taken."""

    past_days: int = 400  # how old a sample may be when it arrives
    future_days: int = 1  # how far ahead a gateway's clock may be
    blank_strings: Mapping[Lane, BlankStrings] = field(
        default_factory=lambda: {"measurements": "reject", "configuration": "reject"}
    )


@dataclass(frozen=True)
class Row:
    """A row of the table measurements, less what the message does not decide (gateway, arrival, partition)."""

    device_id: str | None  # and the next five: trimmed texts
    device_name: str | None
    register_id: str | None
    tag_name: str | None
    datatype: str | None
    description: str | None
    ts: int  # epoch ms
    success: bool
    value: str | None  # the double as `float.hex` spells it, so that every bit counts
    value_text: str | None
    attributes: str | None  # canonical JSON


@dataclass(frozen=True)
class Line:
    """A row of the table configuration: the message's canonical JSON."""

    content: str


Content = Row | Line


def expected(payload: bytes, lane: Lane, arrived_ms: int, rules: Rules) -> Content:
    """What the lane's table must hold of a payload.

    Raises:
        NotTakenError: When the lake must reject it.
    """
    message = _message(payload)
    blanks = rules.blank_strings[lane]
    if lane == "configuration":
        return Line(canonical(_trimmed(message, blanks)))
    return _row(message, blanks, arrived_ms, rules)


def _message(payload: bytes) -> Object:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotTakenError("not UTF-8") from error
    message = parse(text)
    if not isinstance(message, Object):
        raise NotTakenError("not an object")
    if any(key in message for key in _RESERVED_KEYS):
        raise NotTakenError("reserved key")
    return message


def _row(message: Object, blanks: BlankStrings, arrived_ms: int, rules: Rules) -> Row:
    # An empty description is LoopEdge's way to say that there is none, whatever is thought of other blanks.
    described = Object(tuple((key, _description(key, value)) for key, value in message.members))
    clean = _trimmed(described, blanks)
    texts = {key: _text(clean, key) for key in _TEXT_KEYS}
    description = clean.get("description")
    if description is not None and not isinstance(description, str):
        raise NotTakenError("description is no text")
    success = clean.get("success")
    if not isinstance(success, bool):
        raise NotTakenError("success is no boolean")
    value, value_text = _value(clean.get("value"))
    return Row(
        device_id=texts["deviceID"],
        device_name=texts["deviceName"],
        register_id=texts["registerId"],
        tag_name=texts["tagName"],
        datatype=texts["datatype"],
        description=description,
        ts=_timestamp(clean.get("timestamp"), arrived_ms, rules),
        success=success,
        value=value,
        value_text=value_text,
        attributes=_attributes(clean),
    )


def _description(key: str, value: Any) -> Any:
    return None if key == "description" and isinstance(value, str) and not value.strip() else value


def _trimmed(value: Any, blanks: BlankStrings) -> Any:
    if isinstance(value, str):
        check_unicode(value)
        text = value.strip()
        if text or blanks == "keep":
            return text
        if blanks == "null":
            return None
        raise NotTakenError("blank text")
    if isinstance(value, list):
        return [_trimmed(member, blanks) for member in value]
    if isinstance(value, Object):
        for key, _ in value.members:
            check_unicode(key)
        return Object(tuple((key, _trimmed(member, blanks)) for key, member in value.members))
    return value


def _text(message: Object, key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str):
        raise NotTakenError(f"{key} is no text")
    return value


def _value(value: Any) -> tuple[str | None, str | None]:
    """The columns value and value_text."""
    if value is None:
        return None, None
    if isinstance(value, bool):
        return double_content(value), None
    if isinstance(value, str):
        return None, value
    if isinstance(value, Number):
        number = float(value.text)
        if math.isinf(number):
            raise NotTakenError("beyond a double")
        # The length keeps Python from refusing digit strings of thousands of digits; none of those is a
        # double.
        if value.is_integer and (abs(number) > 2 * _EXACT or abs(int(value.text)) > _EXACT):
            return double_content(number), value.text
        return double_content(number), None
    raise NotTakenError("value is an array or an object")


def double_content(number: float) -> str:
    """A double, every bit of it but the sign of a zero: readers of JSON differ on what `-0` is."""
    return (number + 0.0).hex()


def _timestamp(value: Any, arrived_ms: int, rules: Rules) -> int:
    if not isinstance(value, Number) or not value.is_integer:
        raise NotTakenError("timestamp is no integer")
    if len(value.text) > len(str(arrived_ms)) + 1:
        raise NotTakenError("timestamp out of the window")
    moment = int(value.text)
    if not is_plausible(moment, arrived_ms, rules):
        raise NotTakenError("timestamp out of the window")
    return moment


def is_plausible(sampled_ms: int, arrived_ms: int, rules: Rules) -> bool:
    """Whether a sample of this time may arrive at that one, and be kept as what it is."""
    earliest = arrived_ms - rules.past_days * _DAY_MS
    latest = arrived_ms + rules.future_days * _DAY_MS
    return earliest <= sampled_ms <= latest and _LEAST_MS <= abs(sampled_ms) <= _MOST_MS


def _attributes(message: Object) -> str | None:
    kept = [(key, value) for key, value in message.members if key not in _KNOWN_KEYS]
    metadata = message.get("metadata")
    if metadata is not None and not isinstance(metadata, Object):
        raise NotTakenError("metadata is no object")
    if metadata is not None and metadata.members:
        kept.append(("metadata", metadata))
    return attributes_content(Object(tuple(kept))) if kept else None


def attributes_content(attributes: Object) -> str:
    """The attributes' canonical JSON. The order of its own keys means nothing, that of nested ones counts."""
    return canonical(Object(tuple(sorted(attributes.members, key=lambda member: member[0]))))
