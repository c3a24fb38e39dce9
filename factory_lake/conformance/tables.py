"""Tables and views of the forms that `modules/glue_catalog` makes, for the probes of Athena."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context

#: As in modules/glue_catalog/tables.tf: input format, output format, SerDe and its parameters.
FORMATS: Final[Mapping[str, tuple[str, str, str, Mapping[str, str]]]] = {
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        {"serialization.format": "1"},
    ),
    "line": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.apache.hadoop.hive.serde2.RegexSerDe",
        {"input.regex": '(?s)^(.*?(?:"_received_at":([0-9]+)(?:,"_gateway":"([^"]*)")?\\})?)$'},
    ),
    "json": (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.openx.data.jsonserde.JsonSerDe",
        {"serialization.format": "1"},
    ),
}
#: The partitions of every table, as Athena computes them.
PARTITIONS: Final = {"factory": "string", "year": "int", "month": "int", "day": "int"}
_PROJECTION: Final = {
    "projection.factory.type": "enum",
    "projection.factory.values": "krakow,lyon",
    "projection.year.type": "integer",
    "projection.year.range": "2024,2030",
    "projection.year.digits": "4",
    "projection.month.type": "integer",
    "projection.month.range": "1,12",
    "projection.month.digits": "2",
    "projection.day.type": "integer",
    "projection.day.range": "1,31",
    "projection.day.digits": "2",
}
_TRINO: Final = {
    "string": "varchar",
    "int": "integer",
    "timestamp": "timestamp(3)",
    "double": "double",
    "date": "date",
}


def make_table(context: Context, name: str, form: str, columns: Mapping[str, str], files: Mapping[str, bytes]) -> None:
    """A table of the probes' database with partitions by factory and day, and its files.

    Args:
        context: The run.
        name: The table's, and the folder of its files in the probes' bucket.
        form: One of `FORMATS`.
        columns: Names and types.
        files: Contents by key below the folder: `factory=krakow/year=2026/month=03/day=04/a.parquet`.
    """
    bucket = context.shared(setups.bucket)
    for key, content in files.items():
        context.client("s3").put_object(Bucket=bucket, Key=f"{name}/{key}", Body=content)
    reads, writes, serde, parameters = FORMATS[form]
    template = "".join(f"{key}=${{{key}}}/" for key in PARTITIONS)
    context.client("glue").create_table(
        DatabaseName=context.shared(setups.database),
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {
                "EXTERNAL": "TRUE",
                "projection.enabled": "true",
                "storage.location.template": f"s3://{bucket}/{name}/{template}",
                **_PROJECTION,
            },
            "PartitionKeys": _columns(PARTITIONS),
            "StorageDescriptor": {
                "Location": f"s3://{bucket}/{name}/factory=/",
                "InputFormat": reads,
                "OutputFormat": writes,
                "SerdeInfo": {"Name": form, "SerializationLibrary": serde, "Parameters": dict(parameters)},
                "Columns": _columns(columns),
            },
        },
    )


def make_view(context: Context, name: str, sql: str, columns: Mapping[str, str]) -> None:
    """A view of the probes' database in the form of `modules/glue_catalog/views.tf`; types are Glue's."""
    database = context.shared(setups.database)
    document = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column, "type": _TRINO[kind]} for column, kind in columns.items()],
    }
    encoded = base64.b64encode(json.dumps(document).encode()).decode()
    context.client("glue").create_table(
        DatabaseName=database,
        TableInput={
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "ViewExpandedText": "/* Presto View */",
            "ViewOriginalText": f"/* Presto View: {encoded} */",
            "StorageDescriptor": {
                "SerdeInfo": {"Name": "-", "SerializationLibrary": "-"},
                "Columns": _columns(columns),
            },
        },
    )


def _columns(columns: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": name, "Type": kind} for name, kind in columns.items()]
