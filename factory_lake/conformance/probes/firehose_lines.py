"""What an object is made of without format conversion."""

import re

from factory_lake.conformance.context import Context
from factory_lake.conformance.deliveries import DELIVERY_SECONDS, GRACE_SECONDS, Delivery, delivery
from factory_lake.conformance.delivery_streams import BUFFER_SECONDS
from factory_lake.conformance.probe import Differs, Probe

_NAME = "lines"
#: The last one without a line feed.
_SENT = (b'{"a": 1.10}\n', b'{"b":"\xc3\xbc"}\n', b"last")


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    for line in _SENT:
        made.send("lines", _NAME, line)

    def are_there() -> list[bool]:
        return [True] if all(any(line in body for body in delivered().values()) for line in _SENT) else []

    def delivered() -> dict[str, bytes]:
        return made.objects("lines", _NAME)

    context.until(delivered, DELIVERY_SECONDS, "an object of lines")
    are_whole = context.within(are_there, GRACE_SECONDS + BUFFER_SECONDS)
    objects = delivered()
    # In any order, and any of them twice.
    lines_alone = re.compile(b"(?:" + b"|".join(map(re.escape, _SENT)) + b")+")
    if not are_whole or not all(lines_alone.fullmatch(body) for body in objects.values()):
        sizes = sum(map(len, objects.values())), sum(map(len, _SENT))
        raise Differs(f"the objects hold other bytes than the lines: {sizes[0]}, where {sizes[1]} were sent")
    name = re.compile(r"delivered/lines/kind=lines/[^/.]+-\d+-\d{4}(?:-\d\d){5}-[0-9a-f-]{36}")
    if odd := [key for key in objects if not name.fullmatch(key)]:
        raise Differs(f"an object's key is {odd[0].replace(context.prefix, '<prefix>')!r}")


PROBE = Probe(
    name="firehose_lines",
    belief=(
        "Without format conversion an object is its records as the transform gave them, one behind the other; "
        "its name has no extension."
    ),
    relied_on=("modules/factory_pipeline/delivery.tf", "glue_schemas/configuration.json"),
    source="Amazon Data Firehose developer guide, Understand data delivery in Amazon Data Firehose",
    usd=0.003,
    run=_run,
)
