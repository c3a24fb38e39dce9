"""The rows of clips are JSON that the lake writes itself."""

from __future__ import annotations

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_json_rows"
_COLUMNS = {
    "camera": "string",
    "started_at": "timestamp",
    "duration_ms": "bigint",
    "fragments": "int",
    "cut": "string",
}
_ROWS = (
    b'{"camera": "press-1", "started_at": "2026-03-04 05:06:07.089", "duration_ms": 9007199254740993,'
    b' "fragments": 30}\n'
    b'{"camera": "press-2", "started_at": "2026-03-04 05:06:07.000", "cut": "\\u0142", "fragments": 0, "other": 1}\n'
)


def _run(context: Context) -> None:
    day = "factory=krakow/year=2026/month=03/day=04/a.json"
    tables.make_table(context, _TABLE, "json", _COLUMNS, {day: _ROWS})
    found = setups.rows(context, f"SELECT {', '.join(_COLUMNS)} FROM {_TABLE} ORDER BY camera")  # noqa: S608
    wanted = [
        ["press-1", "2026-03-04 05:06:07.089", "9007199254740993", "30", None],
        ["press-2", "2026-03-04 05:06:07.000", None, "0", "\u0142"],
    ]
    if found != wanted:
        raise Differs(f"rows of JSON are read as {found}")


PROBE = Probe(
    name="athena_json_rows",
    belief="The OpenX SerDe reads times with milliseconds and whole numbers beyond 2^53 exactly, a key that is "
    "not there as NULL, and passes over keys that the table does not have.",
    relied_on=("modules/glue_catalog/tables.tf", "lambda_src/clip_fetch/rows.py"),
    source="Amazon Athena user guide, OpenX JSON SerDe",
    usd=0.0001,
    run=_run,
)
