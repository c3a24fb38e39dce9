"""JSON records to rows of a table, by the rules of Firehose's OpenX JSON SerDe.

Sources: Amazon Data Firehose API reference, OpenXJsonSerDe; Developer Guide, "Convert input data format",
"Choose the JSON deserializer". Where the two are silent the stricter reading is taken: a value that is not
clearly of the column's type is a mismatch, so that what passes here cannot depend on a lenient guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from localcloud.firehose.errors import RecordError

LEAST_MILLISECONDS = 10**12
"""An integer time that is nearer to 0 is read as seconds, any other as milliseconds (probed on AWS)."""

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z")
_SQL = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_INTEGER = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_HALF = 2**63  # of what a count of 64 bits can be, below 0 and from 0 on
_DECODER_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Column:
    """A column of the table, lower-case name and Hive type."""

    name: str
    type: str


class Deserializer:
    """Turns the bytes of a record into rows, one tuple of column values each.

    Args:
        columns: The table's columns, in order.
        key_mappings: Column name to the JSON key that feeds it. JSON keys are lower-cased before they are compared.
    """

    def __init__(self, columns: Sequence[Column], key_mappings: Mapping[str, str]) -> None:
        self.columns = tuple(columns)
        self._decoder = json.JSONDecoder(object_pairs_hook=_lowered, parse_constant=_refuse_constant)
        self._plan = tuple(
            (key_mappings.get(column.name, column.name), column.name, _CONVERTERS[column.type]) for column in columns
        )

    def rows(self, data: bytes) -> list[tuple[Any, ...]]:
        """Rows of a record: one JSON object, or several one after another.

        Raises:
            RecordError: Not JSON (DataFormatConversion.ParseError), or not an object, or a value that does
                not fit its column (DataFormatConversion.MalformedData).
        """
        documents = list(self._documents(data))
        if not documents:
            raise RecordError("DataFormatConversion.MalformedData", "the record is empty")
        return [self._row(document) for document in documents]

    def _documents(self, data: bytes) -> Iterator[dict[str, Any]]:
        try:
            text = data.decode()
            position = _skip_space(text, 0)
            while position < len(text):
                document, end = self._decoder.raw_decode(text, position)
                if not isinstance(document, dict):
                    raise RecordError("DataFormatConversion.MalformedData", "the record is not a JSON object")
                yield document
                position = _skip_space(text, end)
        except (ValueError, RecursionError) as error:
            raise RecordError("DataFormatConversion.ParseError", "the record is not JSON") from error

    def _row(self, document: dict[str, Any]) -> tuple[Any, ...]:
        values: list[Any] = []
        for key, column, convert in self._plan:
            value = document.get(key)
            if value is None:
                values.append(None)
                continue
            try:
                values.append(convert(value))
            except (ValueError, TypeError, OverflowError) as error:
                raise RecordError(
                    "DataFormatConversion.MalformedData", f"data does not match the schema: column {column}"
                ) from error
        return tuple(values)


def _lowered(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key.lower(): value for key, value in pairs}


def _skip_space(text: str, position: int) -> int:
    match = _DECODER_SPACE.match(text, position)
    return position if match is None else match.end()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _string(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError("boolean")


def _double(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("double")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError("double")
    return float(value)


def _integer_converter(bits: int) -> Callable[[Any], int]:
    bound = 1 << (bits - 1)

    def convert(value: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -bound <= value < bound:
            raise ValueError("integer")
        return value

    return convert


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise TypeError("date")
    return date.fromisoformat(value)


def timestamp_nanos(value: Any) -> int:
    """Nanoseconds since the epoch of a JSON value in a timestamp column.

    Takes `yyyy-MM-dd'T'HH:mm:ss[.S]'Z'`, `yyyy-[M]M-[d]d HH:mm:ss[.S]` (UTC), epoch seconds, epoch
    milliseconds and floating point epoch seconds, as numbers or as text. An integer of 64 bits whose
    nanoseconds need more of them wraps without an error, as it does on AWS.

    Raises:
        TypeError, ValueError: None of these; or out of the range of a 64-bit count of nanoseconds, or an
            integer beyond 64 bits.
    """
    if isinstance(value, str):
        match = _ISO.fullmatch(value) or _SQL.fullmatch(value)
        if match:
            parts = [int(part) for part in match.groups()[:6]]
            seconds = int(datetime(*parts[:6], tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]
            return _in_range(seconds * 10**9 + int((match[7] or "0").ljust(9, "0")))
        if _INTEGER.fullmatch(value):
            value = int(value)
        elif _NUMBER.fullmatch(value):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("timestamp")
    if isinstance(value, float):
        return _in_range(int(Decimal(repr(value)) * 1000) * 10**6)
    if not -_HALF <= value < _HALF:
        raise ValueError("timestamp")
    milliseconds = value if abs(value) >= LEAST_MILLISECONDS else value * 1000
    return (milliseconds * 10**6 + _HALF) % (2 * _HALF) - _HALF


def _in_range(nanos: int) -> int:
    if not -_HALF < nanos < _HALF:
        raise ValueError("timestamp")
    return nanos


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "string": _string,
    "boolean": _boolean,
    "tinyint": _integer_converter(8),
    "smallint": _integer_converter(16),
    "int": _integer_converter(32),
    "bigint": _integer_converter(64),
    "float": _double,
    "double": _double,
    "date": _date,
    "timestamp": timestamp_nanos,
}
