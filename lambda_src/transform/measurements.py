"""The measurements lane: one sample a message, or many in a batch, each validated by the table's schema.

A sample's line holds the keys that the schema knows, in the order in which they came; the value under
``value`` or ``value_text``; all other keys as one JSON object under ``attributes``.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Callable

from . import errors, reader
from .envelope import GATEWAY, RECEIVED_AT
from .errors import MessageError, SchemaError
from .events import BATCH_HEAD
from .lines import DAY_MS, MAX_BYTES, MAX_MS, MIN_MS, Delivered, Partitions, check_milliseconds, finish
from .reader import Reader
from .schema import ATTRIBUTES, VALUE_TEXT, Column, Schema
from .settings import Settings

if TYPE_CHECKING:
    from .fast_path import Template, Templates
    from .planning import Split
    from .reader import Member
    from .samples import Batches

#: The key of an object that LoopEdge sends along, nearly always empty. The table has no column for it.
METADATA = "metadata"

#: Columns that the lane itself knows by name: their types, and whether they are required.
_NEEDED = {
    "ts": ("timestamp", True),
    "value": ("double", False),
    VALUE_TEXT: ("string", False),
    ATTRIBUTES: ("string", False),
    "received_at": ("timestamp", False),
    "gateway": ("string", False),
}
#: Columns that the envelope feeds.
_ENVELOPE = {"received_at": RECEIVED_AT, "gateway": GATEWAY}

#: Beyond it, neighbouring integers share a double.
_MAX_EXACT = 2**53
#: The largest finite values of a column; what lies beyond them becomes infinite.
_MAX_DOUBLE = float.fromhex("0x1.fffffffffffffp+1023")
_MAX_FLOAT = float.fromhex("0x1.fffffep+127")


class Measurements:
    """Turns samples into lines, partitioned by the time at which they were taken.

    Attributes:
        past_ms: How long before its arrival a sample may have been taken.
        future_ms: How long after its arrival a sample may claim to have been taken.
        partitions: The metadata of an answer, by the day.
        known: Templates of messages without escapes, and of messages with some.
    """

    __slots__ = (
        "_batches",
        "_checks",
        "_columns",
        "_event_time",
        "_reader",
        "_required",
        "_templates",
        "_value",
        "future_ms",
        "known",
        "partitions",
        "past_ms",
    )

    def __init__(self, settings: Settings, schema: Schema) -> None:
        """Take what the lane depends on; raise ``SchemaError`` where the table is not one of samples."""
        columns = _message_columns(schema)
        self._event_time = _source(columns, "ts")
        self._value = _source(columns, "value")
        self._required = [key for key, column in columns.items() if column.required]
        self._checks = {
            key: _CHECKS[column.type] for key, column in columns.items() if key not in (self._event_time, self._value)
        }
        self.past_ms = settings.past_days * DAY_MS
        self.future_ms = settings.future_days * DAY_MS
        nullable = frozenset(key for key, column in columns.items() if column.blank_is_null)
        self._reader = Reader(settings.blank_strings, nullable)
        self.partitions = Partitions()
        self._columns = columns
        self.known: tuple[list[Template], list[Template]] = ([], [])
        self._templates: Templates | None = None
        self._batches: Batches | None = None

    def convert(self, payload: bytes, received_at: int, line_suffix: str) -> Delivered | Split:
        """Turn one message into its line; its plausible time is measured from its arrival in epoch milliseconds.

        Returns:
            The line with its line feed, the metadata of its answer, and 1; or what becomes of the samples of a batch.

        Raises:
            MessageError: The message breaks a rule.
        """
        # Every message comes this way, and each call that it spares shows in the benchmark.
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            text = ""  # which no template matches
        if not text.startswith(BATCH_HEAD):
            fast = self.match(text, received_at, line_suffix)
            if fast is not None:
                line = fast[0].encode()
                if len(line) <= MAX_BYTES:
                    return line, self.partitions[fast[1]], 1
            text = reader.decode(payload)
            # In a batch nothing but white space and one key comes before the array, and the key has no comma.
            if "[" not in text.partition(",")[0]:
                return self.convert_slowly(text, received_at, line_suffix)
        if self._batches is None:
            from .samples import Batches  # the first batch, no cold start, compiles it

            self._batches = Batches(self)
        converted = self._batches.convert(text, received_at, line_suffix)
        return self.convert_slowly(text, received_at, line_suffix) if converted is None else converted

    def match(self, text: str, received_at: int, line_suffix: str) -> tuple[str, int] | None:
        """Convert a sample on the fast path to its line, perhaps too long, and its day; None where it cannot."""
        templates = self.known["\\" in text]
        for template in templates:
            fast = template.convert(text, line_suffix)
            if fast is not None:
                if template is not templates[0] and self._templates is not None:
                    self._templates.promote(templates, template)
                line, event_time = fast
                if -self.past_ms <= event_time - received_at <= self.future_ms and MIN_MS <= received_at <= MAX_MS:
                    return line, event_time // DAY_MS
                break
        return None

    def convert_slowly(self, text: str, received_at: int, line_suffix: str) -> Delivered:
        """Turn one sample into its line on the slow path, whose answers the fast path must give too.

        Args, returns and raises are those of ``convert``, but for the message, which is text already and no batch.
        """
        line, event_time = self.read(text, received_at, line_suffix)
        return line, self.partitions[event_time // DAY_MS], 1

    def read(self, text: str, received_at: int, line_suffix: str) -> tuple[bytes, int]:
        """Read one sample token by token; return its line, and the time at which it was taken."""
        opening, members = self._reader.read(text)
        event_time = 0  # until its key comes, which is required
        pieces: list[str] = []
        extras: list[str] = []
        present = set()
        for key, prefix, value, suffix in members:
            present.add(key)
            check = self._checks.get(key)
            if check is not None:
                if value == "null":
                    if key in self._required:
                        raise MessageError(errors.REQUIRED, key)
                else:
                    check(key, value)
                pieces.append(prefix + value + suffix)
            elif key == self._value:
                pieces.append(_sample(key, prefix, value) + suffix)
            elif key == self._event_time:
                event_time = self._plausible(key, value, received_at)
                pieces.append(prefix + value + suffix)
            elif key != METADATA or _has_metadata(key, value):
                extras.append(prefix.lstrip() + value)
        for key in self._required:
            if key not in present:
                raise MessageError(errors.REQUIRED, key)
        if extras:
            attributes = encode_basestring("{" + ",".join(extras) + "}")
            pieces.append(f'"{ATTRIBUTES}":{attributes}')
        line = finish(opening + ",".join(pieces), line_suffix)
        self._learn(text, members)
        return line, event_time

    def _learn(self, text: str, members: list[Member]) -> None:
        if self._templates is None:
            from .fast_path import TemplateMaker, Templates  # the first message, no cold start, compiles it

            maker = TemplateMaker(self._columns, self._event_time, self._value, METADATA, self._reader)
            self._templates = Templates(maker, self.known)
        self._templates.learn(text, members)

    def _plausible(self, key: str, value: str, received_at: int) -> int:
        """Return the time at which a sample was taken, in epoch milliseconds."""
        if value == "null":
            raise MessageError(errors.REQUIRED, key)
        _check_integer(key, value)
        # Nineteen digits are beyond any plausible time; longer ones would only be slow, or refused by Python.
        event_time = int(value[:20])
        check_milliseconds(RECEIVED_AT, received_at)
        if abs(event_time) < MIN_MS:
            raise MessageError(errors.NOT_MILLISECONDS, key)
        if event_time < received_at - self.past_ms:
            raise MessageError(errors.TIMESTAMP_TOO_OLD, key)
        if event_time > received_at + self.future_ms:
            raise MessageError(errors.TIMESTAMP_TOO_FAR_AHEAD, key)
        check_milliseconds(key, event_time)
        return event_time


def _message_columns(schema: Schema) -> dict[str, Column]:
    """Return the columns that the message feeds, by their key; refuse a schema that samples do not fit."""
    file = f"{schema.table}.json"
    if schema.format != "parquet":
        raise SchemaError(file, "format", f"must be parquet, got {schema.format!r}")
    columns = {column.name: column for column in schema.columns}
    for name, wanted in _NEEDED.items():
        column = columns.get(name)
        found = None if column is None else (column.type, column.required)
        if found != wanted:
            need = f"{name!r} of type {wanted[0]}, {'' if wanted[1] else 'not '}required"
            raise SchemaError(file, "columns", f"must have {need}: every sample has it")
    for name, source in _ENVELOPE.items():
        column = columns.get(name)
        if column is None or column.source != source:
            raise SchemaError(file, "columns", f"must have {name!r} with source {source!r}: the transform writes it")
    return {
        column.source: column
        for column in schema.columns
        if column.source is not None and column.name not in _ENVELOPE
    }


def _source(columns: dict[str, Column], name: str) -> str:
    return next(key for key, column in columns.items() if column.name == name)


def _has_metadata(key: str, value: str) -> bool:
    """Tell whether a value of LoopEdge's ``metadata`` holds anything worth keeping."""
    if value == "null":
        return False
    if value[0] != "{":
        raise MessageError(errors.NOT_METADATA, key)
    return not reader.is_empty_object(value)


def _sample(key: str, prefix: str, value: str) -> str:
    """Write the member of a sample's value under the name of its column; the prefix has the key as it is spelled."""
    first = value[0]
    if first == '"':
        return _renamed(prefix) + value
    if first in "tf":
        return prefix + ("1" if first == "t" else "0")
    if first in "{[":
        raise MessageError(errors.NOT_A_SCALAR, key)
    if first != "n":
        _check_double(key, value)
        # Within a double's range an integer has at most 309 digits, which int() takes on every Python.
        if _is_integer(value) and abs(int(value)) > _MAX_EXACT:
            return f'{prefix}{value},"{VALUE_TEXT}":"{value}"'
    return prefix + value


def _renamed(prefix: str) -> str:
    """Put the column's name for texts in the place of the key."""
    before, _, rest = prefix.partition('"')
    _, _, behind = rest.rpartition('"')
    return f'{before}"{VALUE_TEXT}"{behind}'


def _is_integer(value: str) -> bool:
    """Tell whether a scalar is a number without a fraction or an exponent."""
    return value.isdigit() or (value[0] == "-" and value[1:].isdigit())


def _check_string(key: str, value: str) -> None:
    if value[0] != '"':
        raise MessageError(errors.NOT_A_STRING, key)


def _check_boolean(key: str, value: str) -> None:
    if value not in ("true", "false"):
        raise MessageError(errors.NOT_A_BOOLEAN, key)


def _check_integer(key: str, value: str) -> None:
    if not _is_integer(value):
        raise MessageError(errors.NOT_AN_INTEGER, key)


def _check_bits(bits: int) -> Callable[[str, str], None]:
    """Make the check of integers of so many bits."""
    bound = 1 << bits - 1

    def check(key: str, value: str) -> None:
        _check_integer(key, value)
        if not -bound <= int(value[:21]) < bound:
            raise MessageError(errors.OUT_OF_RANGE, key)

    return check


def _check_timestamp(key: str, value: str) -> None:
    _check_integer(key, value)
    check_milliseconds(key, int(value[:21]))


def _check_double(key: str, value: str, maximum: float = _MAX_DOUBLE) -> None:
    if value[0] not in "-0123456789":
        raise MessageError(errors.NOT_A_NUMBER, key)
    if not -maximum <= float(value) <= maximum:
        raise MessageError(errors.OUT_OF_RANGE, key)


def _check_float(key: str, value: str) -> None:
    _check_double(key, value, _MAX_FLOAT)


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "string": _check_string,
    "boolean": _check_boolean,
    "tinyint": _check_bits(8),
    "smallint": _check_bits(16),
    "int": _check_bits(32),
    "bigint": _check_bits(64),
    "float": _check_float,
    "double": _check_double,
    "timestamp": _check_timestamp,
}
