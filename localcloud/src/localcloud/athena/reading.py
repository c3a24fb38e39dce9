"""Objects of a table as rows: by the table's columns and SerDe, never by what a file says of itself.

Sources: the Athena user guide on the Parquet, Regex and OpenX JSON SerDes, and their classes' behaviour as Trino,
which Athena's engine follows, implements them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from localcloud.athena import openx
from localcloud.athena.catalog import Table
from localcloud.athena.errors import QueryError
from localcloud.athena.java_regex import compile_java
from localcloud.athena.types import Type

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_REGEX = ("org.apache.hadoop.hive.serde2.RegexSerDe", "org.apache.hadoop.hive.contrib.serde2.RegexSerDe")


@dataclass(frozen=True)
class Rows:
    """Rows of one object: the wanted columns, each an array of its Glue type, and what Athena bills for them."""

    columns: Mapping[str, Any]
    count: int
    bytes_scanned: int


Reader = Callable[[str, bytes, Mapping[str, Type]], Rows]
"""Reads an object (its S3 URL, its bytes) into the wanted columns (name to type)."""


def reader_of(table: Table) -> Reader:
    """What reads the table's objects.

    Raises:
        QueryError: its SerDe is none that this engine knows, or is set up wrongly.
    """
    if table.serde == _PARQUET:
        return _read_parquet
    if table.serde in _REGEX:
        return _regex_reader(table)
    if table.serde == openx.SERDE:
        return _json_reader(table)
    raise QueryError(
        "NOT_SUPPORTED_LOCALLY",
        f"table {table.full_name}: SerDe {table.serde!r}: the local engine reads Parquet, RegexSerDe and OpenX JSON",
    )


def arrow_type(kind: Type, place: str) -> Any:
    """The Arrow type that holds a column of type ``kind``."""
    scalars = {
        "boolean": pa.bool_(),
        "tinyint": pa.int8(),
        "smallint": pa.int16(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "real": pa.float32(),
        "double": pa.float64(),
        "varchar": pa.string(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }
    if kind.name == "decimal":
        return pa.decimal128(*kind.args)
    if kind.name not in scalars:
        raise QueryError("NOT_SUPPORTED_LOCALLY", f"{place}: the local engine reads no column of type {kind}")
    return scalars[kind.name]


# Parquet


def _read_parquet(url: str, body: bytes, wanted: Mapping[str, Type]) -> Rows:
    try:
        file = pq.ParquetFile(io.BytesIO(body))
    except pa.ArrowException as error:
        raise QueryError(
            "HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {url}: not a valid Parquet File"
        ) from error
    in_file = {name.lower(): name for name in file.schema_arrow.names}
    present = {name: in_file[name] for name in wanted if name in in_file}
    read = file.read(columns=list(present.values()))
    count = file.metadata.num_rows
    columns = {
        name: _convert(read.column(present[name]).combine_chunks(), kind, f"{url}, column {name}")
        if name in present
        else pa.nulls(count, arrow_type(kind, f"{url}, column {name}"))
        for name, kind in wanted.items()
    }
    return Rows(columns, count, _column_bytes(file.metadata, set(present.values())))


def _column_bytes(metadata: Any, columns: set[str]) -> int:
    return sum(
        chunk.total_compressed_size
        for group in range(metadata.num_row_groups)
        for at in range(metadata.num_columns)
        if (chunk := metadata.row_group(group).column(at)).path_in_schema.split(".")[0] in columns
    )


def _convert(array: Any, kind: Type, place: str) -> Any:
    """A file's column as one of the table's type; only what Athena itself widens is widened."""
    target = arrow_type(kind, place)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    found = array.type
    if kind.name == "timestamp" and pa.types.is_timestamp(found):
        return _in_milliseconds(array)
    widened = {
        "varchar": (pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_binary(found)),
        "double": pa.types.is_float32(found),
        "bigint": found in (pa.int8(), pa.int16(), pa.int32()),
        "integer": found in (pa.int8(), pa.int16()),
        "smallint": found == pa.int8(),
    }
    if found != target and not widened.get(kind.name, False):
        raise QueryError(
            "HIVE_BAD_DATA",
            f"Field's type {str(found).upper()} in parquet file {place} is incompatible with type {kind} "
            "defined in table schema",
        )
    return array.cast(target)


def _in_milliseconds(array: Any) -> Any:
    """Athena's timestamps have 3 digits of a second; what a file has beyond them is rounded."""
    micros = array.cast(pa.timestamp("us", array.type.tz), safe=False).cast(pa.timestamp("us"))
    return pc.round_temporal(micros, unit="millisecond")


# Lines


def _lines(url: str, body: bytes) -> list[str]:
    if url.endswith((".gz", ".bz2", ".snappy", ".zst", ".lz4", ".deflate")):
        raise QueryError("NOT_SUPPORTED_LOCALLY", f"{url}: the local engine reads plain lines")
    text = body.decode("utf-8", errors="replace")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def _regex_reader(table: Table) -> Reader:
    place = f"table {table.full_name}"
    pattern = table.serde_parameters.get("input.regex")
    if not pattern:
        raise QueryError("HIVE_INVALID_METADATA", f"{place}: RegexSerDe needs input.regex")
    if any(kind.name != "varchar" for kind in table.columns.values()):
        raise QueryError("HIVE_INVALID_METADATA", f"{place}: RegexSerDe has columns of type string only")
    if other := table.serde_parameters.keys() - {"input.regex", "serialization.format"}:
        raise QueryError("NOT_SUPPORTED_LOCALLY", f"{place}: RegexSerDe with {', '.join(sorted(other))}")
    try:
        compiled = compile_java(pattern, hive=True)
    except ValueError as error:
        raise QueryError("HIVE_INVALID_METADATA", f"{place}: {error}") from error
    if compiled.groups != len(table.columns):
        raise QueryError(
            "HIVE_INVALID_METADATA",
            f"{place}: input.regex has {compiled.groups} groups for {len(table.columns)} columns",
        )
    order = {name: at for at, name in enumerate(table.columns)}

    def read(url: str, body: bytes, wanted: Mapping[str, Type]) -> Rows:
        matches = [compiled.fullmatch(line) for line in _lines(url, body)]
        columns = {
            name: pa.array([None if found is None else found[order[name] + 1] for found in matches], pa.string())
            for name in wanted
        }
        return Rows(columns, len(matches), len(body))

    return read


def _json_reader(table: Table) -> Reader:
    place = f"table {table.full_name}"
    openx.line_reader(table.serde_parameters, {}, place)  # refuses its parameters before any object is read

    def read(url: str, body: bytes, wanted: Mapping[str, Type]) -> Rows:
        read_line = openx.line_reader(table.serde_parameters, wanted, place)
        rows = [read_line(f"{url}, line {number}", line) for number, line in enumerate(_lines(url, body), start=1)]
        columns = {
            name: pa.array([row.get(name) for row in rows], arrow_type(kind, f"{url}, column {name}"))
            for name, kind in wanted.items()
        }
        rounded = {
            name: _in_milliseconds(array) if wanted[name].name == "timestamp" else array
            for name, array in columns.items()
        }
        return Rows(rounded, len(rows), len(body))

    return read
