"""A factory that the table does not name, or a year beyond its range, has no rows; a query says nothing of it."""

from __future__ import annotations

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_projected_factories"
_DAY = "year=2026/month=03/day=04/a.json"


def _run(context: Context) -> None:
    files = {f"factory={name}/{_DAY}": b'{"key": "there"}\n' for name in ("krakow", "lyon", "unnamed")}
    files["factory=krakow/year=2031/month=03/day=04/a.json"] = b'{"key": "beyond"}\n'
    tables.make_table(context, _TABLE, "json", {"key": "string"}, files)
    found = setups.rows(context, f"SELECT factory, year FROM {_TABLE} ORDER BY factory, year")  # noqa: S608
    if found != [["krakow", "2026"], ["lyon", "2026"]]:
        raise Differs(f"of two factories that are named and one that is not these rows are found: {found}")
    found = setups.rows(context, f"SELECT key FROM {_TABLE} WHERE factory = 'unnamed' OR year = 2031")  # noqa: S608
    if found:
        raise Differs(f"outside the projection rows are found: {found}")


PROBE = Probe(
    name="athena_projected_factories",
    belief="Projected partitions outside the enum's values or the range give no rows and no error.",
    relied_on=("modules/glue_catalog/tables.tf", "docs/data.md"),
    source="Amazon Athena user guide, Supported types for partition projection; Considerations and limitations",
    usd=0.0005,
    run=_run,
)
