"""Firehose writes times as INT96, without a zone, and the tables say `timestamp`."""

from __future__ import annotations

import io
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_int96"
_TIMES = ["1969-12-31 23:59:59.999", "2026-03-04 05:06:07.089", "2026-10-25 02:30:00.000"]


def _run(context: Context) -> None:
    stamps = [datetime.fromisoformat(text) for text in _TIMES]  # INT96 has no zone
    target = io.BytesIO()
    pq.write_table(
        pa.table({"ts": pa.array(stamps, pa.timestamp("ns"))}),
        target,
        compression="snappy",
        use_deprecated_int96_timestamps=True,
    )
    day = "factory=krakow/year=2026/month=03/day=04/a.parquet"
    tables.make_table(context, _TABLE, "parquet", {"ts": "timestamp"}, {day: target.getvalue()})
    found = setups.rows(context, f"SELECT ts FROM {_TABLE} ORDER BY ts")  # noqa: S608
    if found != [[text] for text in _TIMES]:
        raise Differs(f"the times {_TIMES} are read as {found}")
    found = setups.rows(context, f"SELECT count(*) FROM {_TABLE} WHERE ts = TIMESTAMP '{_TIMES[1]}'")  # noqa: S608
    if found != [["1"]]:
        raise Differs(f"a condition on the millisecond finds {found[0][0]} rows, not 1")


PROBE = Probe(
    name="athena_int96",
    belief="Athena reads INT96 times of Parquet as timestamp(3), to the millisecond, and shifts them by no zone.",
    relied_on=("modules/glue_catalog/tables.tf", "modules/glue_catalog/views.tf", "docs/data.md"),
    source="none: users report INT96 for Firehose's files; Amazon Athena user guide, Data types",
    usd=0.0005,
    run=_run,
)
