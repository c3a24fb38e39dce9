"""Configuration is kept as whole lines, whatever they hold; two keys at the end are columns."""

from __future__ import annotations

import json

from factory_lake.conformance import setups, tables
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TABLE = "athena_lines"
_COLUMNS = {"line": "string", "received_at_ms": "string", "gateway": "string"}
#: Each line with what the two columns hold of it.
_LINES: list[tuple[str, str | None, str | None]] = [
    ('{"a":1,"A":2,"b":"x","_received_at":1772600000000,"_gateway":"line-1"}', "1772600000000", "line-1"),
    ('{"next line":"\u0085\u2028\u2029","_received_at":1772600000001,"_gateway":"line-2"}', "1772600000001", "line-2"),
    ('{"no":"gateway","_received_at":1772600000002}', "1772600000002", None),
    (
        '{"_received_at":1,"last":"wins","_received_at":1772600000003,"_gateway":"\u0142\u00f3d\u017a"}',
        "1772600000003",
        "\u0142\u00f3d\u017a",
    ),
    ("no JSON at all", None, None),
]


def _run(context: Context) -> None:
    content = "".join(line + "\n" for line, _, _ in _LINES).encode()
    day = "factory=krakow/year=2026/month=03/day=04/a.jsonl"
    tables.make_table(context, _TABLE, "line", _COLUMNS, {day: content})
    found = setups.rows(context, f"SELECT line, received_at_ms, gateway FROM {_TABLE}")  # noqa: S608
    wanted = [list(each) for each in _LINES]
    if sorted(found, key=json.dumps) != sorted(wanted, key=json.dumps):
        raise Differs(f"lines are read as {[row for row in found if row not in wanted]}")


PROBE = Probe(
    name="athena_lines",
    belief="RegexSerDe with the modules' pattern gives each whole line and the two keys at its end; U+0085, "
    "U+2028 and U+2029 end no line.",
    relied_on=("modules/glue_catalog/tables.tf", "lambda_src/transform/envelope.py"),
    source="Amazon Athena user guide, Regex SerDe; java.util.regex.Pattern, DOTALL",
    usd=0.0001,
    run=_run,
)
