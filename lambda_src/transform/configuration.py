"""The configuration lane: any JSON object, kept whole."""

from __future__ import annotations

from . import reader
from .errors import SchemaError
from .lines import DAY_MS, Delivered, Partitions, finish
from .reader import Reader
from .schema import Schema
from .settings import Settings


class Configuration:
    """Turns configuration messages into lines, partitioned by their arrival."""

    __slots__ = ("_partitions", "_reader")

    def __init__(self, settings: Settings, schema: Schema) -> None:
        """Take what the lane depends on; raise ``SchemaError`` where the table is not one of whole lines."""
        if schema.format != "line":
            raise SchemaError(f"{schema.table}.json", "format", f"must be line, got {schema.format!r}")
        self._reader = Reader(settings.blank_strings)
        self._partitions = Partitions()

    def convert(self, payload: bytes, received_at: int, line_suffix: str) -> Delivered:
        """Turn one message into its line; arguments, result and errors are those of ``Measurements.convert``."""
        opening, members = self._reader.read(reader.decode(payload))
        body = ",".join([prefix + value + suffix for _, prefix, value, suffix in members])
        line = finish(opening + body, line_suffix if members else line_suffix[1:])
        return line, self._partitions[received_at // DAY_MS], 1
