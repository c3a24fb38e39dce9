"""The Parquet files that format conversion writes."""

import io

import pyarrow.parquet as pq

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "file"
_TYPES = {"ts": "INT96", "value": "DOUBLE", "number": "INT64", "success": "BOOLEAN", "name": "BYTE_ARRAY"}


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    made.send("rows", _NAME, b'{"name":"a","timestamp":1700000000123,"value":1,"number":2,"success":true}\n')
    made.delivered_rows(_NAME)
    for key, body in made.objects("rows", _NAME).items():
        if not key.endswith(".parquet"):
            raise Differs("the object's name does not end in .parquet")
        file = pq.ParquetFile(io.BytesIO(body))
        columns = {column.name: column.physical_type for column in map(file.schema.column, range(len(file.schema)))}
        if not _TYPES.items() <= columns.items():
            raise Differs(f"the columns are {columns}")
        if file.metadata.row_group(0).column(0).compression != "SNAPPY":
            raise Differs(f"the compression is {file.metadata.row_group(0).column(0).compression}")


PROBE = Probe(
    name="firehose_parquet_file",
    belief=(
        "Format conversion writes Parquet with Snappy, the table's columns by name, timestamps as INT96, and "
        "names objects .parquet."
    ),
    relied_on=("modules/factory_pipeline/delivery.tf", "factory_lake/reconcile/stored.py"),
    source="Amazon Data Firehose developer guide, Convert input data format; INT96 is known from users alone",
    usd=0.003,
    run=_run,
)
