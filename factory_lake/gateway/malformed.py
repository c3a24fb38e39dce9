r"""What real plants send besides clean samples, each kind by name, with what the lake makes of it.

A kind makes one payload from a clean sample (`fields`, LoopEdge's keys) and the last clean payload that was
sent.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

Fields = Mapping[str, Any]
Maker = Callable[[Random, Fields, bytes], bytes]

_DAY_MS = 86_400_000
# Deeper than the 100 levels that the lake takes.
_TOO_DEEP = 101


@dataclass(frozen=True)
class MalformedCase:
    """One way in which real plants' messages differ from clean ones."""

    name: str
    accepted: bool  # whether the lake takes such a message into its table (cleaned); otherwise it is rejected
    make: Maker


def spell(fields: Fields, **changes: object) -> bytes:
    """A message as LoopEdge spells it: JSON without blanks, in UTF-8."""
    return json.dumps({**fields, **changes}, separators=(",", ":"), ensure_ascii=False).encode()


def _changed(**changes: object) -> Maker:
    return lambda _rng, fields, _previous: spell(fields, **changes)


def _raw_value(spelling: str) -> Maker:
    """The value spelled in a way that `json.dumps` would not choose."""
    return lambda _rng, fields, _previous: spell({**fields, "value": 0}).replace(
        b'"value":0', b'"value":' + spelling.encode()
    )


def _shifted(milliseconds: int) -> Maker:
    return lambda _rng, fields, _previous: spell(fields, timestamp=fields["timestamp"] + milliseconds)


def _with_raw_member(member: str) -> Maker:
    """One more member, spelled as given, at the end of the object."""
    return lambda _rng, fields, _previous: spell(fields)[:-1] + b"," + member.encode() + b"}"


def _padded(rng: Random, fields: Fields, _previous: bytes) -> bytes:
    pads = ("  ", "\t", "\u00a0", "\u3000", "\n", "")
    padded = {
        key: rng.choice(pads) + value + rng.choice(pads[:-1]) if isinstance(value, str) and value else value
        for key, value in fields.items()
    }
    return spell(padded)


def _without(rng: Random, fields: Fields, _previous: bytes) -> bytes:
    missing = rng.choice(("deviceID", "deviceName", "registerId", "tagName", "datatype", "timestamp", "success"))
    return spell({key: value for key, value in fields.items() if key != missing})


def _without_value(_rng: Random, fields: Fields, _previous: bytes) -> bytes:
    return spell({key: value for key, value in fields.items() if key != "value"}, success=False)


def _on_lines(_rng: Random, fields: Fields, _previous: bytes) -> bytes:
    return json.dumps(dict(fields), indent=2, ensure_ascii=False).replace("\n", "\r\n").encode()


def _escaped(_rng: Random, fields: Fields, _previous: bytes) -> bytes:
    return json.dumps({**fields, "tagName": "Füllstand 🏭"}, ensure_ascii=True).encode("ascii")


def _cut(rng: Random, fields: Fields, _previous: bytes) -> bytes:
    whole = spell(fields)
    return whole[: rng.randrange(1, len(whole))]


def _not_utf8(_rng: Random, fields: Fields, _previous: bytes) -> bytes:
    return json.dumps({**fields, "unit": "°C"}, ensure_ascii=False).encode("latin-1", errors="replace")


def _binary(rng: Random, _fields: Fields, _previous: bytes) -> bytes:
    return b"\x00\xff\xfe" + rng.randbytes(61)


_UNKNOWN = {"unit": "kPa", "quality": 192, "trace": {"plc": "S7-1500", "path": ["DB10", "DBD4"]}, "limit": None}

MALFORMED_MEASUREMENTS: tuple[MalformedCase, ...] = (
    MalformedCase("padded", True, _padded),
    MalformedCase("empty description", True, _changed(description="   ")),
    MalformedCase("no description", True, _changed(description=None)),
    MalformedCase("stale", True, _changed(success=False)),
    MalformedCase("stale without value", True, _changed(success=False, value=None)),
    MalformedCase("value left out", True, _without_value),
    MalformedCase("from yesterday", True, _shifted(-_DAY_MS)),
    MalformedCase("from last month", True, _shifted(-30 * _DAY_MS)),
    MalformedCase("unknown keys", True, lambda _r, fields, _p: spell({**fields, **_UNKNOWN})),
    MalformedCase(
        "unknown number spelled oddly", True, _with_raw_member('"setpoint":1.50,"serial":18446744073709551617')
    ),
    MalformedCase("keys by case", True, _changed(Value=1, DEVICEID="x", Timestamp="never")),
    MalformedCase(
        "keys named like columns", True, _changed(year=1999, value_text="t", attributes={"a": [1]}, gateway="g")
    ),
    MalformedCase("metadata", True, _changed(metadata={"line": "7", "asset": {"id": 12, "tags": ["a", "b"]}})),
    MalformedCase("big counter", True, _raw_value("9007199254740993")),
    MalformedCase("biggest counter", True, _raw_value("18446744073709551615")),
    MalformedCase("more digits than a double", True, _raw_value("0.12345678901234567890")),
    MalformedCase("exponent", True, _raw_value("-1.50E-7")),
    MalformedCase("number as text", True, _changed(value=" 0042 ")),
    MalformedCase("unicode", True, _changed(value="Größe µ → 10 °C 🏭", tagName="Prędkość")),
    MalformedCase("zero width space", True, _changed(value="\u200bok\ufeff")),
    MalformedCase("escaped", True, _escaped),
    MalformedCase("on several lines", True, _on_lines),
    MalformedCase("repeated", True, lambda _r, _f, previous: previous),
    MalformedCase("blank value", False, _changed(value="  ")),
    MalformedCase("blank device name", False, _changed(deviceName="")),
    MalformedCase("blank in unknown key", False, _changed(note={"by": "\u2003"})),
    MalformedCase("key missing", False, _without),
    MalformedCase("success as text", False, _changed(success="true")),
    MalformedCase("value as object", False, _changed(value={"raw": 7})),
    MalformedCase("metadata as text", False, _changed(metadata="none")),
    MalformedCase("clock at zero", False, _changed(timestamp=86_461_000)),
    MalformedCase("clock ahead", False, _shifted(30 * _DAY_MS)),
    MalformedCase("time as text", False, _changed(timestamp="2026-03-04T05:06:07Z")),
    MalformedCase("time as decimal", False, lambda _r, fields, _p: spell(fields, timestamp=fields["timestamp"] + 0.5)),
    MalformedCase("cut off", False, _cut),
    MalformedCase("not UTF-8", False, _not_utf8),
    MalformedCase("binary", False, _binary),
    MalformedCase("not a number", False, _raw_value("NaN")),
    MalformedCase("beyond a double", False, _raw_value("1e999")),
    MalformedCase("key twice", False, _with_raw_member('"value":1')),
    MalformedCase("key twice in depth", False, _with_raw_member('"note":{"a":1,"\\u0061":2}')),
    MalformedCase("reserved key", False, _changed(_gateway="line-9")),
    MalformedCase("lone surrogate", False, _raw_value('"\\ud83c"')),
    MalformedCase("too deep", False, _with_raw_member(f'"nested":{"[" * _TOO_DEEP}{"]" * _TOO_DEEP}')),
    MalformedCase("empty batch", False, lambda _r, _f, _p: b"[]"),
    MalformedCase("byte order mark", False, lambda _r, fields, _p: b"\xef\xbb\xbf" + spell(fields)),
)

MALFORMED_CONFIGURATION: tuple[MalformedCase, ...] = (
    MalformedCase("padded", True, _padded),
    MalformedCase("keys by case", True, _changed(Device="other", DEVICE=None)),
    MalformedCase("empty object", True, lambda _r, _f, _p: b"{}"),
    MalformedCase(
        "numbers spelled oddly", True, _with_raw_member('"x":1.50,"y":1E400,"z":123456789012345678901234567890')
    ),
    MalformedCase("blank key", True, _with_raw_member('"":{" ":[]}')),
    MalformedCase("unicode", True, _changed(operator="Zażółć 操作员 🏭")),
    MalformedCase(
        "escaped", True, lambda _r, fields, _p: json.dumps({**fields, "operator": "Zażółć"}).encode("ascii")
    ),
    MalformedCase("on several lines", True, _on_lines),
    MalformedCase("reserved key in depth", True, _changed(changed={"_gateway": "line-9", "_received_at": 1})),
    MalformedCase("repeated", True, lambda _r, _f, previous: previous),
    MalformedCase("blank string", False, _changed(changed={"recipe": {"operator": " \t", "steps": []}})),
    MalformedCase("key twice", False, _with_raw_member('"device":"x"')),
    MalformedCase("reserved key", False, _changed(_received_at=1)),
    MalformedCase("not a number", False, _with_raw_member('"x":-Infinity')),
    MalformedCase("lone surrogate", False, _with_raw_member('"x":"\\udfff"')),
    MalformedCase("cut off", False, _cut),
    MalformedCase("not UTF-8", False, _not_utf8),
    MalformedCase("array", False, lambda _r, fields, _p: b"[" + spell(fields) + b"]"),
)
