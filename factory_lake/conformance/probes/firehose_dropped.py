"""A record that the transform drops."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "dropped"


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    fate = made.fate(_NAME, b'{"name":"dropped"}\n', result="Dropped")
    if fate.rows:
        raise Differs("a record whose result is Dropped was delivered")
    if fate.errors:
        raise Differs(f"a record whose result is Dropped is an error: {fate.errors[0][1].get('errorCode')}")


PROBE = Probe(
    name="firehose_dropped",
    belief=(
        "A record whose result is Dropped is handled: it is neither delivered nor an error, and those after it go on."
    ),
    relied_on=("lambda_src/transform/batch.py",),
    source="Amazon Data Firehose developer guide, Transform source data",
    usd=0.003,
    run=_run,
)
