"""Tables and views of Glue for tests of the query engine."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from localcloud.athena.engine import Query
from localcloud.testing.memory_storage import MemoryStorage

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
REGEX = "org.apache.hadoop.hive.serde2.RegexSerDe"
OPENX = "org.openx.data.jsonserde.JsonSerDe"
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
PROJECTED = {
    "projection.enabled": "true",
    "projection.station.type": "enum",
    "projection.station.values": "krakow,lyon",
    "projection.year.type": "integer",
    "projection.year.range": "2000,2100",
    "projection.month.type": "integer",
    "projection.month.range": "1,12",
    "projection.month.digits": "2",
    "storage.location.template": "s3://test/station=${station}/year=${year}/month=${month}/",
}
PARTITIONS = {"station": "string", "year": "int", "month": "int"}
_IN_GLUE = {"integer": "int", "varchar": "string"}


def table(
    columns: Mapping[str, str],
    *,
    serde: str = PARQUET,
    settings: Mapping[str, str] | None = None,
    partitions: Mapping[str, str] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A table ``t`` in the shape of Glue's GetTable."""
    return {
        "Name": "t",
        "Parameters": dict(parameters or {}),
        "PartitionKeys": [{"Name": name, "Type": kind} for name, kind in (partitions or {}).items()],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
            "Location": "s3://test/data/",
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": dict(settings or {})},
        },
    }


def parquet(**columns: Any) -> bytes:
    """A Parquet file of these columns."""
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def storage_of(definition: Mapping[str, Any], objects: Mapping[str, bytes]) -> MemoryStorage:
    """A storage with the table ``test.t`` and objects of the bucket ``test``."""
    return MemoryStorage(
        tables={("test", "t"): definition}, objects={("test", key): body for key, body in objects.items()}
    )


def rows(storage: MemoryStorage, sql: str, **settings: Any) -> list[list[str | None]]:
    """The rows that a query gives, as text."""
    return [list(row) for row in Query(sql, database="test", now=NOW, **settings).run(storage, storage).rows]


def view(
    sql: str, columns: Mapping[str, str], *, schema: str = "test", glue: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A view in the shape of Glue's GetTable; its columns in Trino's types, in Glue too unless given."""
    document = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": schema,
        "columns": [{"name": name, "type": kind} for name, kind in columns.items()],
    }
    in_glue = glue or {name: _IN_GLUE.get(kind, kind) for name, kind in columns.items()}
    return {
        "Name": "v",
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": encoded(json.dumps(document)),
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in in_glue.items()],
            "SerdeInfo": {"Name": "-", "SerializationLibrary": "-"},
        },
    }


def encoded(document: str) -> str:
    """A document as Athena writes it into a view's text."""
    return f"/* Presto View: {base64.b64encode(document.encode()).decode()} */"
