"""Rows to Parquet, as Firehose's Parquet SerDe writes it: optional columns, Snappy, timestamps as INT96.

Firehose serialises with Hive's Parquet SerDe, whose timestamps are INT96 (nanoseconds of a Julian day, UTC).
Athena, Spark and DuckDB read them; a reader that only knows INT64 timestamps does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from localcloud.firehose.openx import Column

ARROW_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int32(),  # Hive writes tinyint and smallint as Parquet INT32
    "smallint": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ns"),  # written as INT96, as Hive's Parquet SerDe does
}
"""The Hive types that are converted, as the Glue Data Catalog spells them; any other is refused, not guessed."""


def write(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> bytes:
    """A Parquet file of these rows, as `openx.Deserializer` gives them."""
    transposed = list(zip(*rows, strict=True)) or [() for _ in columns]
    arrays = [
        pa.array(values, type=ARROW_TYPES[column.type]) for column, values in zip(columns, transposed, strict=True)
    ]
    table = pa.Table.from_arrays(arrays, names=[column.name for column in columns])
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, compression="snappy", use_deprecated_int96_timestamps=True, version="1.0", store_schema=False
    )
    return bytes(sink.getvalue().to_pybytes())
