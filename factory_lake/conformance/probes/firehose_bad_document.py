"""A record of which one document is not JSON."""

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import Delivery, delivery, raw_data
from factory_lake.conformance.probe import Differs, Probe

_NAME = "bad-document"
_SENT = b'{"name":"good"}\n{"name":bad}\n'


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    fate = made.fate(_NAME, _SENT)
    if not fate.errors:
        raise Differs(f"no error line has its bytes, and there are {len(fate.rows)} rows")
    if not any(raw_data(line) in (_SENT, fate.record) for _, line in fate.errors):
        raise Differs("no error line has the whole record")


PROBE = Probe(
    name="firehose_bad_document",
    belief=(
        "A record of which one document cannot be converted is an error line with all of its bytes, whether "
        "its good documents are delivered or not."
    ),
    relied_on=("factory_lake/redrive/restore.py", "factory_lake/reconcile/matching.py"),
    source="Amazon Data Firehose developer guide, Handle errors for data format conversion; not documented",
    usd=0.003,
    run=_run,
)
