"""A camera whose clock is set back a little makes fragments that overlap; they go into one clip."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    first, second = film.overlapping
    frames = video.frames_of(film.stream.clip(first.start_ms, second.start_ms))
    count = {shot: shot.sent.length_ms // video.FILMING.frame_ms for shot in (first, second)}
    seen = [[grey for grey, _ in frames].count(shot.sent.grey) for shot in count]
    if seen != list(count.values()):
        raise Differs(f"of fragments with {list(count.values())} frames that overlap the clip has {seen}")


PROBE = Probe(
    name="kvs_clip_overlap",
    belief="A clip of fragments that overlap by the camera's clock has all frames of both.",
    relied_on=("lambda_src/clip_fetch/planning.py",),
    source="none; the API reference speaks of footage that was ingested twice only",
    usd=0.001,
    run=_run,
)
