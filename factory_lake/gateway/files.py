r"""A user's own messages: JSON and CSV files, checked as a whole before anything is sent.

JSON lines (`.jsonl`, `.ndjson`): each line is one message and is published byte for byte as it stands, so the
lake judges it and not this program. Only an object with the key `message` or `message_base64` and without
`deviceID` is an envelope, which says more about the message in it:

    {"factory":"krakow","gateway":"line-2","lane":"configuration","message":{"recipe":"A-100"}}
    {"lane":"measurements","message_base64":"bm90IEpTT04="}

`message` is published as it is spelled in the line, `message_base64` as the bytes that it encodes. Empty
lines are skipped. A file whose documents span several lines is read document by document.

JSON (`.json`): documents, one after the other, each of them a message or an envelope, or an array of such.
Here everything has to be JSON.

CSV (`.csv`): a heading with at least `timestamp`, `tag` and `value`, in any order; see `read_csv`.

All of them may be UTF-8, UTF-16 or UTF-32; messages are UTF-8, without the file's byte order mark.
"""

import base64
import binascii
import codecs
import csv
import io
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from factory_lake.gateway.documents import DECODER, Piece, PieceError, by_documents, by_lines, line_of, skip_blanks
from factory_lake.gateway.errors import ConfigurationError, FileError
from factory_lake.gateway.identities import Lane, Source, parse_lane
from factory_lake.gateway.mqtt import MAX_PAYLOAD

_ENVELOPE_KEYS = ("factory", "gateway", "lane", "message", "message_base64")
_CSV_REQUIRED = ("timestamp", "tag", "value")
_CSV_OPTIONAL = ("device", "description", "datatype", "success", "factory", "gateway")
_NAMESPACE = uuid.UUID("0f6f4f0c-3f0b-5a53-8f5d-0d9a2d3d1b66")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
# What people write for a number and JSON does not: 44,18 and 1.234,5 and 1,000, +5, .5 and 5. are some.
_FOREIGN_NUMBER = re.compile(
    r"(?=[+-]?[.,]?[0-9])[+-]?(?:[1-9][0-9]{0,2}(?:[., '][0-9]{3})+|0|[1-9][0-9]*)?(?:[.,][0-9]*)?"
    r"(?:[eE][+-]?[0-9]+)?",
    re.ASCII,
)
# For centuries to come, epoch seconds have ten digits, milliseconds 13, micro- and nanoseconds 16 and 19.
_EPOCH = re.compile(r"[1-9](?:[0-9]{9}|[0-9]{12}|[0-9]{15}|[0-9]{18})", re.ASCII)
_EPOCH_SECONDS = re.compile(r"([1-9][0-9]{9})\.([0-9]{1,9})", re.ASCII)
# How files begin that hold no text.
_NO_TEXT = {
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a ZIP archive or a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook",
    b"PAR1": "Parquet",
}


@dataclass(frozen=True)
class Outgoing:
    """A message of a file and whose it is."""

    source: Source
    payload: bytes
    line: int


@dataclass(frozen=True)
class Defaults:
    """Whose messages those are that do not say so."""

    sources: Sequence[Source]
    factory: str | None = None
    gateway: str | None = None
    lane: Lane = "measurements"

    def source(self, factory: str | None, gateway: str | None, lane: Lane | None) -> Source:
        """The source that a message means: what it leaves out is the default, else the first in the alphabet.

        Raises:
            ConfigurationError: When the lake has no such source, or several factories have such a gateway.
        """
        # A factory named without its gateway means one of its own gateways, not the default one of another
        # factory.
        gateway = gateway or (self.gateway if factory in (None, self.factory) else None)
        factory = factory or (self.factory if gateway in (None, self.gateway) else None)
        lane = lane or self.lane
        fitting = sorted(
            source
            for source in self.sources
            if source.lane == lane and factory in (None, source.factory) and gateway in (None, source.gateway)
        )
        if not fitting:
            known = ", ".join(sorted({f"{source.factory}/{source.gateway}" for source in self.sources}))
            raise ConfigurationError("the lake", f"has no gateway {factory or '*'}/{gateway or '*'}; it has {known}")
        if gateway and len(fitting) > 1:
            factories = ", ".join(source.factory for source in fitting)
            raise ConfigurationError(
                f"gateway {gateway}", f"is in several factories ({factories}); name the factory too"
            )
        return fitting[0]


def read_messages(path: Path, defaults: Defaults) -> list[Outgoing]:
    """Read a file of messages; its ending says which format it has.

    Raises:
        FileError: With the line and the rule, when the file breaks its format.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(path, 0, f"cannot be read: {error.strerror}") from error
    for start, kind in _NO_TEXT.items():
        if content.startswith(start):
            raise FileError(path, 0, f"must be text, is {kind}")
    suffix = path.suffix.lower()
    readers: dict[str, Callable[[Path, bytes, Defaults], Iterator[Outgoing]]] = {
        ".jsonl": read_jsonl,
        ".ndjson": read_jsonl,
        ".json": read_json,
        ".csv": read_csv,
    }
    if suffix not in readers:
        raise FileError(path, 0, f"must end in .jsonl, .ndjson, .json or .csv, ends in {suffix or 'nothing'!r}")
    found = list(readers[suffix](path, _in_utf8(path, content), defaults))
    if not found:
        raise FileError(path, 0, "holds no message")
    for message in found:
        if len(message.payload) > MAX_PAYLOAD:
            raise FileError(
                path,
                message.line,
                f"a message may have at most {MAX_PAYLOAD} bytes (AWS IoT's limit), has {len(message.payload)}",
            )
    return found


def _in_utf8(path: Path, content: bytes) -> bytes:
    """A file's content in UTF-8, without its byte order mark.

    Windows PowerShell and Excel write UTF-16. What is not UTF-16 or UTF-32 stays as it is: a line of JSON
    lines may be any bytes.
    """
    encoding = json.detect_encoding(content)  # by the byte order mark, or by NUL bytes
    if encoding.startswith("utf-8"):
        content = content.removeprefix(codecs.BOM_UTF8)
    else:
        try:
            content = content.decode(encoding).removeprefix("\ufeff").encode("utf-8")
        except UnicodeError as error:
            raise FileError(
                path, 0, f"must be UTF-8, UTF-16 or UTF-32, begins as {encoding.upper()} and goes on otherwise"
            ) from error
    if b"\x00" in content:
        line = line_of(content, content.index(b"\x00"))
        raise FileError(path, line, "must be text of one encoding, holds a NUL byte (message_base64 takes any)")
    return content


def _outgoing(
    split: Callable[[bytes], list[Piece]], path: Path, content: bytes, defaults: Defaults
) -> Iterator[Outgoing]:
    try:
        pieces = split(content)
    except PieceError as error:
        raise FileError(path, error.line, error.rule) from error
    for piece in pieces:
        try:
            members = _envelope(piece.content)
            if members is None:
                yield Outgoing(defaults.source(None, None, None), piece.content, piece.line)
            else:
                yield Outgoing(_envelope_source(members, defaults), _envelope_payload(members), piece.line)
        except (ConfigurationError, ValueError) as error:
            raise FileError(path, piece.line, str(error)) from error


#: The messages of a file of JSON lines, in UTF-8. Wrong are envelopes, and pieces of JSON that cannot be read as a
#: whole; any other line is never wrong here.
read_jsonl = partial(_outgoing, by_lines)
#: The messages of a file of JSON documents, in UTF-8: its objects, and the objects of its arrays.
read_json = partial(_outgoing, by_documents)


def read_csv(path: Path, content: bytes, defaults: Defaults) -> Iterator[Outgoing]:
    """The samples of a CSV file, as LoopEdge would send them.

    Columns: `timestamp` (epoch seconds, milli-, micro- or nanoseconds, or ISO 8601, which is UTC where it
        names no zone), `tag`, `value`, separated by commas, semicolons or tabs. Optional: `device` (default:
        the file's name), `description`, `datatype`, `success` (true or false; default true), `factory`,
        `gateway`. A value that is a JSON number is sent with the digits that it has; `true` and `false` are
        booleans; an empty one is null; anything else is text. `datatype` follows from that (int64, float64,
        bool, string). UUIDs are made from the names of device and tag, so that a tag keeps its register ID.

    Raises:
        FileError: When heading or row do not fit, a timestamp cannot be read, or a value is a number that is
            not spelled as JSON spells it and its `datatype` is not `string`.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(path, line_of(content, error.start), "must be UTF-8") from error
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        heading = [name.strip() for name in next(rows, [])]
        _check_heading(path, heading)
        for row in rows:
            if any(cell.strip() for cell in row):
                yield _sample(path, rows.line_num, heading, row, defaults)
    except csv.Error as error:
        raise FileError(path, rows.line_num, f"must be CSV: {error}") from error


def _delimiter(text: str) -> str:
    """What separates the heading's columns: Excel writes semicolons where a comma is the decimal sign."""
    heading = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    return max(",;\t", key=heading.count)


def _envelope(line: bytes) -> Mapping[str, str] | None:
    """The members of an envelope, each value as it is spelled; None when the line is a message itself."""
    try:
        text = line.decode("utf-8")
        members = _members(text)
    except (ValueError, RecursionError):
        return None
    names = [name for name, _ in members]
    if not {"message", "message_base64"} & set(names) or "deviceID" in names:
        return None
    unknown = [name for name in names if name not in _ENVELOPE_KEYS]
    if unknown:
        raise ValueError(
            f"an envelope has no key {unknown[0][:64]!r}, only {', '.join(_ENVELOPE_KEYS)}; "
            'an object that is itself the message goes into one: {"message": {...}}'
        )
    if len(set(names)) < len(names):
        raise ValueError("an envelope may have each key only once")
    return dict(members)


def _members(text: str) -> list[tuple[str, str]]:
    """Split a JSON object into its members, values as spelled."""
    whole, end = DECODER.raw_decode(text, len(text) - len(text.lstrip()))
    if not isinstance(whole, dict) or text[end:].strip():
        raise ValueError("not one JSON object")
    members = []
    at = text.index("{") + 1
    while (at := skip_blanks(text, at)) < end and text[at] != "}":
        name, at = DECODER.raw_decode(text, at)
        at = skip_blanks(text, text.index(":", at) + 1)
        _, value_end = DECODER.raw_decode(text, at)
        members.append((name, text[at:value_end]))
        at = skip_blanks(text, value_end)
        if text[at] == ",":
            at += 1
    return members


def _envelope_source(members: Mapping[str, str], defaults: Defaults) -> Source:
    named: dict[str, str | None] = {"factory": None, "gateway": None, "lane": None}
    for name in named:
        if name in members:
            value = json.loads(members[name])
            if not isinstance(value, str):
                raise ValueError(f"{name} must be a text")
            named[name] = value
    lane = parse_lane(named["lane"]) if named["lane"] is not None else None
    return defaults.source(named["factory"], named["gateway"], lane)


def _envelope_payload(members: Mapping[str, str]) -> bytes:
    if "message" in members and "message_base64" in members:
        raise ValueError("an envelope holds either message or message_base64, not both")
    if "message" in members:
        return members["message"].encode("utf-8")
    encoded = json.loads(members["message_base64"])
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValueError(f"message_base64 must be base64: {error}") from error


def _check_heading(path: Path, heading: Sequence[str]) -> None:
    missing = [name for name in _CSV_REQUIRED if name not in heading]
    if missing:
        raise FileError(path, 1, f"the heading must name {', '.join(_CSV_REQUIRED)}; {missing[0]} is missing")
    unknown = [name for name in heading if name not in _CSV_REQUIRED + _CSV_OPTIONAL]
    if unknown:
        raise FileError(
            path, 1, f"the heading has {unknown[0]!r}; known are {', '.join(_CSV_REQUIRED + _CSV_OPTIONAL)}"
        )
    if len(set(heading)) < len(heading):
        raise FileError(path, 1, "the heading names a column twice")


def _sample(path: Path, line: int, heading: Sequence[str], row: Sequence[str], defaults: Defaults) -> Outgoing:
    if len(row) != len(heading):
        raise FileError(path, line, f"the heading has {len(heading)} columns, this row {len(row)}")
    cells = {name: cell for name, cell in zip(heading, row, strict=True) if cell.strip()}
    try:
        timestamp = _timestamp(cells.get("timestamp", ""))
        datatype, spelled = _value(cells.get("value"), cells.get("datatype"))
        source = defaults.source(cells.get("factory"), cells.get("gateway"), "measurements")
    except (ConfigurationError, ValueError) as error:
        raise FileError(path, line, str(error)) from error
    if "tag" not in cells:
        raise FileError(path, line, "tag must not be empty")
    success = cells.get("success", "true").strip().lower()
    if success not in ("true", "false"):
        raise FileError(path, line, "success must be true or false")
    device, tag = cells.get("device", path.stem), cells["tag"]
    fields: dict[str, Any] = {
        "datatype": cells.get("datatype", datatype),
        "description": cells.get("description", ""),
        "deviceID": str(uuid.uuid5(_NAMESPACE, f"{source.factory}/{source.gateway}/{device}")),
        "deviceName": device,
        "metadata": {},
        "registerId": str(uuid.uuid5(_NAMESPACE, f"{source.factory}/{source.gateway}/{device}/{tag}")),
        "success": success == "true",
        "tagName": tag,
        "timestamp": timestamp,
    }
    # The value goes in as it is spelled, so no digit of the file is rounded on the way.
    head = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)[:-1]
    return Outgoing(source, f'{head},"value":{spelled}}}'.encode(), line)


def _timestamp(cell: str) -> int:
    """Epoch ms of a cell; digits beyond milliseconds are cut off."""
    text = cell.strip()
    if _EPOCH.fullmatch(text):
        return int(text) * 1000 if len(text) == 10 else int(text[:13])
    if seconds := _EPOCH_SECONDS.fullmatch(text):
        return int(seconds[1]) * 1000 + int(seconds[2].ljust(3, "0")[:3])
    try:
        # Digits alone are no ISO 8601 here: 20260304 may be a date or a count of anything.
        moment = datetime.fromisoformat("" if text.isdecimal() else text)
    except ValueError as error:
        raise ValueError(
            "timestamp must be epoch seconds (10 digits), milliseconds (13), microseconds (16) or "
            "nanoseconds (19), or ISO 8601, for example 2026-03-04T05:06:07Z"
        ) from error
    in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (in_utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _value(cell: str | None, named: str | None) -> tuple[str, str]:
    """LoopEdge's datatype of a cell, and the cell as JSON; `named` is the datatype that its row names."""
    if cell is None:
        return "float64", "null"
    text = cell.strip()
    number = _JSON_NUMBER.fullmatch(text)
    if number:
        return ("float64" if number[2] or number[3] else "int64"), text
    if text.lower() in ("true", "false"):
        return "bool", text.lower()
    if _FOREIGN_NUMBER.fullmatch(text) and (named or "").strip() != "string":
        raise ValueError(
            "value is a number that JSON spells otherwise: as 1044.18, with a point and without separators "
            "(text that looks like a number needs a column datatype with string)"
        )
    return "string", json.dumps(cell, ensure_ascii=False)


def by_source(messages: Sequence[Outgoing]) -> dict[Source, list[bytes]]:
    """The payloads of each source, in the file's order."""
    found: dict[Source, list[bytes]] = {}
    for message in messages:
        found.setdefault(message.source, []).append(message.payload)
    return found
