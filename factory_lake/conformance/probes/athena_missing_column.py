"""A released table may gain columns at its end; files from before have none of them, and others in another order."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_missing_column"
_DAY = "factory=krakow/year=2026/month=03/day=04"


def _run(context: Context) -> None:
    made: dict[str, bytes] = {}
    for name, content in {
        "a": {"tag": ["old"], "value": [1.5]},
        "b": {"gateway": ["line-1"], "value": [2.5], "tag": ["new"]},
    }.items():
        pq.write_table(pa.table(content), target := io.BytesIO(), compression="snappy")
        made[f"{_DAY}/{name}.parquet"] = target.getvalue()
    columns = {"tag": "string", "value": "double", "gateway": "string"}
    tables.make_table(context, _TABLE, "parquet", columns, made)
    found = setups.rows(context, f"SELECT tag, value, gateway FROM {_TABLE} ORDER BY value")  # noqa: S608
    if found != [["old", "1.5", None], ["new", "2.5", "line-1"]]:
        raise Differs(f"files of an older and of a newer table are read as {found}")


PROBE = Probe(
    name="athena_missing_column",
    belief="Athena reads columns of Parquet by name: one that a file lacks is NULL, and their order does not matter.",
    relied_on=("factory_lake/schema/comparison.py", "docs/upgrading.md"),
    source="Amazon Athena user guide, Handle schema updates, Index access in ORC and Parquet",
    usd=0.0003,
    run=_run,
)
