"""A clip is found by the camera's clock, and archived by that of AWS."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

#: By how much this machine's clock may differ from that of AWS.
_CLOCK_MS = 5000


def _run(context: Context) -> None:
    stream = video.VideoStream(context, "times", 24)
    # A time with odd milliseconds, some seconds ago.
    fragment = video.FILMING.fragment(video.now_ms() - 3217, 5)
    began_ms = video.now_ms()
    (number,) = stream.send([fragment])
    ended_ms = video.now_ms()
    listed = stream.wait_listed([number])[number]
    if listed.producer_ms != fragment.start_ms:
        raise Differs(
            f"the producer timestamp is {listed.producer_ms - fragment.start_ms} ms from the one that was sent"
        )
    if not began_ms - fragment.length_ms - _CLOCK_MS <= listed.start_ms <= ended_ms + _CLOCK_MS:
        raise Differs(f"the server timestamp is {listed.start_ms - began_ms} ms from when the fragment was sent")


PROBE = Probe(
    name="kvs_timestamps",
    belief=(
        "A fragment's producer timestamp is the one that was sent, to the millisecond, and its server timestamp says"
        " when it came, whatever the camera's clock says."
    ),
    relied_on=("lambda_src/clip_fetch/keys.py", "factory_lake/moment/footage.py"),
    source="Kinesis Video Streams API reference, PutMedia and Fragment",
    usd=0.001,
    run=_run,
)
