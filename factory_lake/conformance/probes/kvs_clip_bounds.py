"""The archiver cuts its clips by server time, so that each fragment is in exactly one."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    first, second, third = (shot.start_ms for shot in film.row[1:4])
    for bounds, wanted in (
        ((first, third), film.row[1:4]),
        ((first + 1, third - 1), film.row[2:3]),
        ((first, second - 1), film.row[1:2]),
    ):
        greys, expected = video.greys_of(film.stream.clip(*bounds)), [shot.sent.grey for shot in wanted]
        if greys != expected:
            moved = [at - first for at in bounds]
            raise Differs(f"of the range {moved} ms from a start the clip has the greys {greys}, not {expected}")


PROBE = Probe(
    name="kvs_clip_bounds",
    belief=(
        "GetClip gives the fragments whose server timestamp lies in the range, both ends included to the millisecond;"
        " a fragment that only reaches into it is not among them."
    ),
    relied_on=("lambda_src/clip_fetch/planning.py",),
    source="Kinesis Video Streams API reference, GetClip, ClipFragmentSelector",
    usd=0.001,
    run=_run,
)
