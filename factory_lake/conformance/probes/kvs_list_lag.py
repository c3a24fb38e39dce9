"""What settled before a listing was asked for is in it: the archiver waits that long, and no longer."""

from __future__ import annotations

import time

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

#: The archiver's `settle_seconds`, unless set otherwise.
_SETTLE_SECONDS = 15.0


def _run(context: Context) -> None:
    stream = video.VideoStream(context, "lag", 24)
    for _ in range(3):
        numbers = stream.send([video.FILMING.fragment(video.now_ms() - 1000, 5)])
        persisted = time.monotonic()
        stream.wait_listed(numbers)
        seconds = time.monotonic() - persisted
        if seconds > _SETTLE_SECONDS:
            raise Differs(f"a fragment is listed {seconds:.1f} s after it was persisted")


PROBE = Probe(
    name="kvs_list_lag",
    belief="A fragment is listed at most 15 s after it was persisted.",
    relied_on=("modules/video_archiver/variables.tf", "lambda_src/clip_fetch/planning.py"),
    source="Kinesis Video Streams API reference, ListFragments: eventually consistent, typically within one second",
    usd=0.001,
    run=_run,
)
