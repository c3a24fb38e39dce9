"""An answer of the transform that is larger than Lambda gives."""

import secrets

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import DELIVERY_SECONDS, Delivery, check_error_key, delivery, raw_data
from factory_lake.conformance.probe import Differs, Probe

_NAME = "large"
_BYTES = 5 * 1024 * 1024  # a third more as Base64, and so above 6 MB


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    # A mark of its own, since the record of an earlier attempt is another one.
    record = made.send("large", _NAME, bytes=_BYTES, mark=secrets.token_hex(8))

    def found() -> object:
        return made.objects("large", _NAME) or made.errors("large", record)

    # It is called again three times.
    context.until(found, DELIVERY_SECONDS, "an error line of the record")
    if made.objects("large", _NAME):
        raise Differs("an answer above 6 MB was delivered")
    for key, line in made.errors("large", record):
        check_error_key(key, "large", "processing-failed")
        if raw_data(line) != record:
            raise Differs("rawData is not the record's bytes")


PROBE = Probe(
    name="firehose_large_answer",
    belief=(
        "A batch whose answer is above 6 MB fails as a whole, and its records are filed below "
        "processing-failed/ with their original bytes."
    ),
    relied_on=("lambda_src/transform/response.py",),
    source="Amazon Data Firehose developer guide, Transform source data; Lambda quotas",
    usd=0.003,
    run=_run,
)
