"""The archiver asks for clips of at most 95 MB, since no error tells of what is beyond 100."""

from __future__ import annotations

from clip_fetch.planning import MAX_BYTES
from factory_lake.camera.footage import Fragment
from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_SIZE = 35_000_000
_COUNT = 3


def _run(context: Context) -> None:
    stream = video.VideoStream(context, "large", 24)
    start_ms = video.now_ms() - 2000 * _COUNT

    def fragment(index: int) -> Fragment:
        return video.FILMING.fragment(start_ms + 2000 * index, 10, grey=50 + index, padding=_SIZE)

    # One by one: three at once do not go to the memory of small machines.
    numbers = [stream.send([fragment(index)])[0] for index in range(_COUNT)]
    shots = list(stream.wait_listed(numbers).values())
    if sum(shot.size for shot in shots[:2]) > MAX_BYTES:
        raise Differs(f"two fragments of {_SIZE} bytes are listed with {[shot.size for shot in shots]} bytes")
    greys = video.greys_of(stream.clip(shots[0].start_ms, shots[-1].start_ms))
    if greys != [50, 51]:
        raise Differs(f"of three fragments of 35 MB the clip holds {len(greys)}: {[grey - 50 for grey in greys]}")


PROBE = Probe(
    name="kvs_clip_byte_limit",
    belief="Of a range with more than 100 MB GetClip gives the first fragments that fit, without an error.",
    relied_on=("lambda_src/clip_fetch/planning.py",),
    source="Kinesis Video Streams API reference, GetClip, Payload",
    usd=0.01,
    run=_run,
)
