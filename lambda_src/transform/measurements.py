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
from .events import PartitionMetadata
from .lines import DAY_MS, MAX_BYTES, Partitions, finish
from .planning import Outcome, Split, plan
from .reader import Reader
from .schema import ATTRIBUTES, VALUE_TEXT, Column, Schema
from .settings import Settings
from .splitting import cut, elements, objects, remaining

if TYPE_CHECKING:
    from .fast_path import Template, Templates
    from .reader import Member

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
#: What OpenX, Firehose's reader of JSON, takes for milliseconds (probed on AWS): an integer nearer to 0 is
#: seconds to it, and one whose nanoseconds need more than 64 bits wraps, both without an error. In time these
#: are 2001-09-09 and 2262-04-11, and as long before 1970.
_MIN_MS, _MAX_MS = 10**12, 9_223_372_036_854


class Measurements:
    """Turns samples into lines, partitioned by the time at which they were taken."""

    __slots__ = (
        "_checks",
        "_columns",
        "_event_time",
        "_future_ms",
        "_known",
        "_partitions",
        "_past_ms",
        "_reader",
        "_required",
        "_templates",
        "_value",
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
        self._past_ms = settings.past_days * DAY_MS
        self._future_ms = settings.future_days * DAY_MS
        nullable = frozenset(key for key, column in columns.items() if column.blank_is_null)
        self._reader = Reader(settings.blank_strings, nullable)
        self._partitions = Partitions()
        self._columns = columns
        self._known: tuple[list[Template], list[Template]] = ([], [])
        self._templates: Templates | None = None

    def convert(self, payload: bytes, received_at: int, line_suffix: str) -> tuple[bytes, PartitionMetadata] | Split:
        """Turn one message into its line; its plausible time is measured from its arrival in epoch milliseconds.

        Returns:
            The line with its line feed, and the metadata of its answer; or what becomes of the samples of a batch.

        Raises:
            MessageError: The message breaks a rule.
        """
        # Every message comes this way, and each call that it spares shows in the benchmark.
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            text = ""  # which no template matches
        fast = self._match(text, received_at, line_suffix)
        if fast is not None:
            line, day = fast
            return line, self._partitions[day]
        text = reader.decode(payload)
        split = self._split(text, received_at, line_suffix)
        return self.convert_slowly(text, received_at, line_suffix) if split is None else split

    def _match(self, text: str, received_at: int, line_suffix: str) -> tuple[bytes, int] | None:
        """Convert a sample on the fast path to its line and its day; None where only the slow path can."""
        templates = self._known["\\" in text]
        for template in templates:
            fast = template.convert(text, line_suffix)
            if fast is not None:
                if template is not templates[0] and self._templates is not None:
                    self._templates.promote(templates, template)
                line, event_time = fast
                if (
                    -self._past_ms <= event_time - received_at <= self._future_ms
                    and len(line) <= MAX_BYTES
                    and _MIN_MS <= received_at <= _MAX_MS
                ):
                    return line, event_time // DAY_MS
                break
        return None

    def _split(self, text: str, received_at: int, line_suffix: str) -> Split | None:
        """Split a batch; return None where the message is none, or is not JSON."""
        inside = objects(text)
        outcomes = None
        if inside is not None:
            split = self._convert_many(inside, received_at, line_suffix)
            if split is not None:
                return split
            texts = cut(inside)
            outcomes = self._judge(texts, received_at, line_suffix, pieces=True)
        if outcomes is None:
            found = elements(text)
            if found is None:
                return None
            texts = found
            outcomes = self._judge(texts, received_at, line_suffix) or []
        planned = plan(texts, outcomes, self._partitions)
        if planned.put_backs:
            # They are judged by the arrival of the batch when they come again, and its key can only keep a time.
            _check_milliseconds(RECEIVED_AT, received_at)
        return planned

    def _convert_many(self, text: str, received_at: int, line_suffix: str) -> Split | None:
        """Convert the objects of a batch if all are accepted by the fast path and of one day, as nearly always."""
        for template in self._known["\\" in text]:
            found = template.convert_many(text, line_suffix)
            if found is not None:
                break
        else:
            return None
        parts, times = found
        oldest, newest = int(min(times)), int(max(times))
        if oldest - received_at < -self._past_ms or newest - received_at > self._future_ms:
            return None
        days = [oldest // DAY_MS, newest // DAY_MS]
        delivered = len(times)
        if any(parts[::4]):
            more = self._convert_others(parts, received_at, line_suffix)
            if more is None:
                return None
            days += more
            delivered += len(more)
        lines = "".join(parts).encode()
        day = days[0]
        if days.count(day) < len(days) or len(lines) > MAX_BYTES or not _MIN_MS <= received_at <= _MAX_MS:
            return None
        return Split(lines, self._partitions[day], delivered)

    def _convert_others(self, parts: list[str], received_at: int, line_suffix: str) -> list[int] | None:
        """Put lines in the place of the objects that one template has left, each by any template; return their days.

        None where that does not go for all of them.
        """
        days: list[int] = []
        for index in range(0, len(parts), 4):
            if parts[index]:
                pieces = remaining(parts[index], last=index == len(parts) - 1)
                samples = [self._match(piece, received_at, line_suffix) for piece in pieces]
                lines = [sample[0] for sample in samples if sample is not None]
                if not lines or len(lines) < len(samples):
                    return None
                parts[index] = b"".join(lines).decode()
                days += [sample[1] for sample in samples if sample is not None]
        return days

    def _judge(
        self, texts: list[str], received_at: int, line_suffix: str, *, pieces: bool = False
    ) -> list[Outcome] | None:
        """Return what each element is worth alone, whatever goes wrong with it.

        None for pieces that have been cut where no element ends: the slow path, which looks for that before all
        else, finds that one is not JSON.
        """
        outcomes: list[Outcome] = []
        for text in texts:
            fast = self._match(text, received_at, line_suffix)
            if fast is not None:
                outcomes.append(fast)
                continue
            try:
                line, event_time = self._read(text, received_at, line_suffix)
                outcomes.append((line, event_time // DAY_MS))
            except MessageError as error:
                if pieces and error.rule == errors.NOT_JSON:
                    return None
                outcomes.append(error)
            except Exception as error:
                if pieces:  # nobody knows whether it is JSON
                    return None
                outcomes.append(error)
        return outcomes

    def convert_slowly(self, text: str, received_at: int, line_suffix: str) -> tuple[bytes, PartitionMetadata]:
        """Turn one sample into its line on the slow path, whose answers the fast path must give too.

        Args, returns and raises are those of ``convert``, but for the message, which is text already and no batch.
        """
        line, event_time = self._read(text, received_at, line_suffix)
        return line, self._partitions[event_time // DAY_MS]

    def _read(self, text: str, received_at: int, line_suffix: str) -> tuple[bytes, int]:
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
            self._templates = Templates(maker, self._known)
        self._templates.learn(text, members)

    def _plausible(self, key: str, value: str, received_at: int) -> int:
        """Return the time at which a sample was taken, in epoch milliseconds."""
        if value == "null":
            raise MessageError(errors.REQUIRED, key)
        _check_integer(key, value)
        # Nineteen digits are beyond any plausible time; longer ones would only be slow, or refused by Python.
        event_time = int(value[:20])
        _check_milliseconds(RECEIVED_AT, received_at)
        if abs(event_time) < _MIN_MS:
            raise MessageError(errors.NOT_MILLISECONDS, key)
        if event_time < received_at - self._past_ms:
            raise MessageError(errors.TIMESTAMP_TOO_OLD, key)
        if event_time > received_at + self._future_ms:
            raise MessageError(errors.TIMESTAMP_TOO_FAR_AHEAD, key)
        _check_milliseconds(key, event_time)
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
    _check_milliseconds(key, int(value[:21]))


def _check_milliseconds(key: str, time: int) -> None:
    if abs(time) < _MIN_MS:
        raise MessageError(errors.NOT_MILLISECONDS, key)
    if abs(time) > _MAX_MS:
        raise MessageError(errors.OUT_OF_RANGE, key)


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
