"""Views are Glue tables with a document that Terraform writes, and Athena must take them for its own."""

from __future__ import annotations

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_view"
_VIEW = f"{_TABLE}_distinct"
#: As modules/glue_catalog/views.tf has it.
_DATE = "CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)"
_SQL = f"""SELECT
    "key",
    min("received_at") AS "received_at",
    "factory",
    "year",
    "month",
    "day",
    {_DATE} AS "date"
FROM "{_TABLE}"
GROUP BY
    "key",
    "factory",
    "year",
    "month",
    "day\""""  # noqa: S608 - of constants
_COLUMNS = {"key": "string", "received_at": "timestamp", **tables.PARTITIONS, "date": "date"}


def _run(context: Context) -> None:
    line = b'{"key": "a", "received_at": "2026-03-04 05:06:0%b"}\n'
    twice = line % b"8.000" + line % b"7.089"
    days = {f"factory=krakow/year=2026/month=03/day={day:02}/a.json": twice for day in (4, 5)}
    tables.make_table(context, _TABLE, "json", {"key": "string", "received_at": "timestamp"}, days)
    tables.make_view(context, _VIEW, _SQL, _COLUMNS)
    execution = setups.query(context, f"SELECT * FROM {_VIEW} WHERE \"date\" = DATE '2026-03-04'")  # noqa: S608
    status = execution["Status"]
    if status["State"] != "SUCCEEDED":
        raise Differs(f"the view is not taken: {status.get('StateChangeReason')}")
    found = setups.rows_of(context, execution)
    if found != [["a", "2026-03-04 05:06:07.089", "krakow", "2026", "3", "4", "2026-03-04"]]:
        raise Differs(f"the view gives {found}")
    scanned = execution["Statistics"]["DataScannedInBytes"]
    if scanned != len(twice):
        raise Differs(f"a condition on the view's date scans {scanned} bytes, not the {len(twice)} of the day")


PROBE = Probe(
    name="athena_view",
    belief="Athena takes a view that Glue holds in the modules' form; a condition on its date reads that day alone.",
    relied_on=("modules/glue_catalog/views.tf", "modules/glue_catalog/views/distinct.sql"),
    source="none: the form is Trino's, and that of views in public Terraform code",
    usd=0.0003,
    run=_run,
)
