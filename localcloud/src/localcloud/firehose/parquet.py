"""Rows to Parquet, as Firehose's Parquet SerDe writes it: optional columns, Snappy, timestamps as INT96.

Firehose serialises with Hive's Parquet SerDe, whose timestamps are INT96 (nanoseconds of a Julian day, UTC).
Athena, Spark and DuckDB read them; a reader that only knows INT64 timestamps does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from localcloud.firehose.openx import Column

COMPRESSIONS: dict[str, Literal["snappy", "gzip", "none"]] = {
    "SNAPPY": "snappy",
    "GZIP": "gzip",
    "UNCOMPRESSED": "none",
}


def write(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], compression: str) -> bytes:
    """A Parquet file of these rows.

    Args:
        columns: The table's columns, in order.
        rows: One tuple of column values each, as `openx.Deserializer` gives them.
        compression: A key of COMPRESSIONS.
    """
    transposed = list(zip(*rows, strict=True)) or [() for _ in columns]
    arrays = [pa.array(values, type=column.type.arrow()) for column, values in zip(columns, transposed, strict=True)]
    table = pa.Table.from_arrays(arrays, names=[column.name for column in columns])
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression=COMPRESSIONS[compression],
        use_deprecated_int96_timestamps=True,
        version="1.0",
        store_schema=False,
    )
    return bytes(sink.getvalue().to_pybytes())
