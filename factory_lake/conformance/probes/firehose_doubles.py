"""Numbers in a column of doubles."""

import math

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import DELIVERY_SECONDS, Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "doubles"
_SENT = (
    *("0.1", "-0.0", "3", "1E+2", "1.10", "0.1234567890123456789", "5e-324", "1.7976931348623157e308"),
    # Beyond what a double holds exactly, and beyond 64 bits.
    *("9007199254740993", "18446744073709551615", "123456789012345678901234567890"),
)


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    records = [made.send("rows", _NAME, f'{{"name":"{text}","value":{text}}}\n'.encode()) for text in _SENT]
    lines = [f'"value":{text}}}'.encode() for text in _SENT]

    def settled() -> bool:
        return len(made.rows(_NAME)) + len(made.errors("rows", *records, *lines)) >= len(_SENT)

    context.until(settled, DELIVERY_SECONDS, "rows or error lines of all numbers")
    got = {row["name"]: row["value"] for row in made.rows(_NAME)}
    wrong = {text: got.get(text) for text in _SENT if not _is_nearest(text, got.get(text))}
    if wrong:
        raise Differs("numbers became others, or None where they were not converted: " + _listed(wrong))


def _is_nearest(text: str, got: float | None) -> bool:
    wanted = float(text)
    return got is not None and (got, math.copysign(1, got)) == (wanted, math.copysign(1, wanted))


def _listed(wrong: dict[str, float | None]) -> str:
    return ", ".join(f"{text}: {value!r}" for text, value in wrong.items())


PROBE = Probe(
    name="firehose_doubles",
    belief=(
        "A number of any spelling and size becomes the nearest double in a column of doubles, integers beyond "
        "64 bits included."
    ),
    relied_on=("lambda_src/transform/measurements.py", "docs/exactness.md"),
    source="Amazon Data Firehose developer guide, Convert input data format; not documented",
    usd=0.004,
    run=_run,
)
