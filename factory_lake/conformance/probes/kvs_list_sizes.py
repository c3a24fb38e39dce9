"""The sum of listed sizes keeps a clip below what GetClip cuts off."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    for shot in film.row:
        # Headers may count as well; a kilobyte is more than they have.
        extra = shot.listed.size - len(shot.sent.cluster)
        if not -64 <= extra <= 4096:
            raise Differs(f"a fragment of {len(shot.sent.cluster)} bytes is listed with {shot.listed.size}")


PROBE = Probe(
    name="kvs_list_sizes",
    belief="A fragment is listed with the bytes that were sent, to a few kilobytes.",
    relied_on=("lambda_src/clip_fetch/planning.py", "lambda_src/clip_fetch/spool.py"),
    source="Kinesis Video Streams API reference, Fragment, FragmentSizeInBytes",
    usd=0.001,
    run=_run,
)
