"""What an object is made of without format conversion."""

import re

from factory_lake.conformance.context import Context
from factory_lake.conformance.delivery_streams import DELIVERY_SECONDS, Delivery, delivery
from factory_lake.conformance.probe import Differs, Probe

_NAME = "lines"
#: The last one without a line feed.
_SENT = (b'{"a": 1.10}\n', b'{"b":"\xc3\xbc"}\n', b"last")


def _run(context: Context) -> None:
    made: Delivery = context.shared(delivery)
    for line in _SENT:
        made.send("lines", _NAME, line)
    total = sum(map(len, _SENT))
    context.until(lambda: sum(map(len, made.objects("lines", _NAME).values())) >= total, DELIVERY_SECONDS, "all lines")
    objects = made.objects("lines", _NAME)
    if sum(map(len, objects.values())) != total or not all(
        any(line in body for body in objects.values()) for line in _SENT
    ):
        raise Differs(f"the objects hold {sum(map(len, objects.values()))} bytes instead of {total}, or other ones")
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
