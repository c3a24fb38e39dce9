"""Folders of months and days have two digits, their columns are integers, and nobody registers partitions."""

from __future__ import annotations

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_projected_days"
_DAYS = [(2024, 1, 31), (2026, 3, 4), (2026, 12, 9), (2030, 12, 31)]


def _run(context: Context) -> None:
    files = {
        f"factory=krakow/year={year:04}/month={month:02}/day={day:02}/a.json": b'{"key": "there"}\n'
        for year, month, day in _DAYS
    }
    # Spelled as no partition is: never found, and no error.
    files["factory=krakow/year=2026/month=3/day=5/a.json"] = b'{"key": "not there"}\n'
    tables.make_table(context, _TABLE, "json", {"key": "string"}, files)
    found = setups.rows(context, f"SELECT year, month, day, key FROM {_TABLE} ORDER BY year, month, day")  # noqa: S608
    wanted = [[str(year), str(month), str(day), "there"] for year, month, day in _DAYS]
    if found != wanted:
        raise Differs(f"of the days {wanted} these rows are found: {found}")
    found = setups.rows(context, f"SELECT day FROM {_TABLE} WHERE year = 2026 AND month = 3")  # noqa: S608
    if found != [["4"]]:
        raise Differs(f"a condition on integer partitions gives {found}, not the 4th")


PROBE = Probe(
    name="athena_projected_days",
    belief="Projected integer partitions with digits find zero-padded folders by integers, and no folder spelled "
    "otherwise.",
    relied_on=("modules/glue_catalog/tables.tf", "lambda_src/clip_fetch/rows.py"),
    source="Amazon Athena user guide, Supported types for partition projection",
    usd=0.0005,
    run=_run,
)
