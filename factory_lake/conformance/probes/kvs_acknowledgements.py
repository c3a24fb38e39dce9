"""A fragment that PutMedia says is persisted is there: cameras may then forget it."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_ORDER = ["BUFFERING", "RECEIVED", "PERSISTED"]


def _run(context: Context) -> None:
    stream = video.VideoStream(context, "acknowledged", 24)
    sent = list(video.FILMING.film(video.now_ms() - 6000, 6000))
    with stream.sending:
        said = stream.producer.put(video.FILMING, sent)
    numbers = []
    for fragment in sent:
        of = [one for one in said if one.timecode_ms == fragment.start_ms]
        if [one.event for one in of] != _ORDER:
            raise Differs(f"a fragment is acknowledged with {[one.event for one in of]}")
        if len({one.number for one in of}) != 1:
            raise Differs("a fragment is acknowledged with several numbers")
        numbers.append(int(str(of[0].number)))
    persisted = [int(str(one.number)) for one in said if one.event == "PERSISTED"]
    if persisted != numbers or numbers != sorted(numbers):
        raise Differs("fragments are persisted in another order than they were sent in")
    stream.wait_listed(numbers)


PROBE = Probe(
    name="kvs_acknowledgements",
    belief=(
        "PutMedia acknowledges each fragment as BUFFERING, RECEIVED and PERSISTED, in the order in which they were"
        " sent, under one number, by which it is listed."
    ),
    relied_on=("factory_lake/camera/putmedia.py",),
    source="Kinesis Video Streams API reference, PutMedia, Response elements",
    usd=0.001,
    run=_run,
)
