"""Fragments that say the same time cannot share a clip: the archiver keeps them as they came."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    greys = video.greys_of(film.stream.clip(film.alone.start_ms, film.repeating.start_ms))
    if greys != [film.alone.sent.grey]:
        both = [film.alone.sent.grey, film.repeating.sent.grey]
        raise Differs(f"of fragments with the greys {both} and one producer timestamp the clip has {greys}")


PROBE = Probe(
    name="kvs_clip_repeated_time",
    belief=(
        "GetClip leaves out a fragment that repeats the producer timestamp of an older one, in ranges of server time"
        " as well."
    ),
    relied_on=("lambda_src/clip_fetch/planning.py",),
    source="Kinesis Video Streams API reference, ClipFragmentSelector, which does not say for which times",
    usd=0.001,
    run=_run,
)
