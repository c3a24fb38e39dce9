"""Numbers in a column of 64-bit integers."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "integers"
_FITS = (9223372036854775807, -9223372036854775808, 9007199254740993)
_TOO_LARGE = 9223372036854775808


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    fitting = made.fate(_NAME, "".join(f'{{"number":{number}}}\n' for number in _FITS).encode())
    got = {row["number"] for row in fitting.rows}
    if got != set(_FITS):
        raise Differs(f"64-bit integers became {sorted(got, key=str)}")
    beyond = made.fate(f"{_NAME}-beyond", f'{{"number":{_TOO_LARGE}}}\n'.encode())
    others = [row["number"] for row in beyond.rows if row["number"] is not None]
    if others:
        raise Differs(f"{_TOO_LARGE} became {others[0]}")


PROBE = Probe(
    name="firehose_integers",
    belief=(
        "A bigint column has 64-bit integers to the digit, and an integer beyond them does not become another one."
    ),
    relied_on=("glue_schemas/connections.json", "factory_lake/connections.py"),
    source="Amazon Data Firehose developer guide, Convert input data format; not documented",
    usd=0.003,
    run=_run,
)
