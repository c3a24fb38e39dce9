"""Several JSON documents in one record."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "several"
#: One after another, and on lines of their own, as the transform writes the samples of a batch.
_SENT = b'{"name":"one"}{"name":"two"}\n{"name":"three"}\n'


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    fate = made.fate(_NAME, _SENT)
    # A delivery may come twice.
    names = {row["name"] for row in fate.rows}
    if fate.errors or names != {"one", "two", "three"}:
        raise Differs(f"the rows are {sorted(names)}, and {len(fate.errors)} error lines")


PROBE = Probe(
    name="firehose_several_documents",
    belief=("Format conversion makes a row of each JSON document of a record, with a line feed between them or none."),
    relied_on=("lambda_src/transform/samples.py", "modules/factory_pipeline/delivery.tf"),
    source="Amazon Data Firehose developer guide, Convert input data format",
    usd=0.003,
    run=_run,
)
