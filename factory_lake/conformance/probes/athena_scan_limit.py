"""One query of the lake's workgroup scans a limited number of bytes."""

from __future__ import annotations

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_scan_limit"
#: The least that AWS takes.
_LIMIT = 10_000_000
_FILES = 4


def _run(context: Context) -> None:
    half = b'{"key": "' + b"x" * 990 + b'"}\n'
    content = half * (_LIMIT // 2 // len(half))
    files = {f"factory=krakow/year=2026/month=03/day={day:02}/a.json": content for day in range(1, _FILES + 1)}
    tables.make_table(context, _TABLE, "json", {"key": "string"}, files)
    workgroup = context.shared(setups.make_workgroup, "limited", _LIMIT)
    every = f"SELECT max(length(key)) FROM {_TABLE}"  # noqa: S608
    status = setups.query(context, every, workgroup)["Status"]
    if status["State"] == "SUCCEEDED":
        raise Differs(f"a query scans {_FILES * len(content)} bytes where the workgroup allows {_LIMIT}")
    if "Bytes scanned limit was exceeded" not in status.get("StateChangeReason", ""):
        raise Differs(f"a query beyond the limit ends {status['State']}: {status.get('StateChangeReason')}")
    status = setups.query(context, f"{every} WHERE day = 1", workgroup)["Status"]
    if status["State"] != "SUCCEEDED":
        raise Differs(f"a query within the limit ends {status['State']}: {status.get('StateChangeReason')}")


PROBE = Probe(
    name="athena_scan_limit",
    belief="A workgroup's limit ends a query that scans more, saying so, and none that scans less.",
    relied_on=("modules/glue_catalog/athena.tf", "docs/cost.md"),
    source="Amazon Athena user guide, Set data usage control limits",
    usd=0.0004,
    run=_run,
)
