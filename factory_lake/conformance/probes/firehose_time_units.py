"""Which unit format conversion takes a time in."""

from datetime import UTC, datetime, timedelta

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "times"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - timestamps of a table have no zone
_SENT = {
    "1700000000123": timedelta(milliseconds=1_700_000_000_123),
    "1000000000000": timedelta(milliseconds=10**12),
    "-1000000000000": timedelta(milliseconds=-(10**12)),
    "999999999": timedelta(seconds=999_999_999),
    "0": timedelta(0),
    '"2026-01-02T03:04:05.678Z"': datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC) - datetime(1970, 1, 1, tzinfo=UTC),
}


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    documents = [f'{{"name":"{number}","timestamp":{text}}}\n' for number, text in enumerate(_SENT)]
    fate = made.fate(_NAME, "".join(documents).encode())
    if fate.errors:
        raise Differs("the record was not converted")
    got = {row["name"]: row["ts"] for row in fate.rows}
    for number, (text, since) in enumerate(_SENT.items()):
        if got.get(str(number)) != _EPOCH + since:
            raise Differs(f"{text} became {got.get(str(number))} instead of {_EPOCH + since}")


PROBE = Probe(
    name="firehose_time_units",
    belief=(
        "Format conversion reads an integer time as milliseconds from 10^12 on and as seconds below, and "
        "takes ISO texts with a Z."
    ),
    relied_on=("lambda_src/transform/samples.py", "glue_schemas/measurements.json"),
    source="Amazon Data Firehose API reference, OpenXJsonSerDe; the border is known from users alone",
    usd=0.003,
    run=_run,
)
