"""A frame that cannot be parsed costs its clip; its fragment is kept as it came."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    start_ms = film.broken.start_ms
    video.expect_refusal(
        lambda: film.stream.get_clip(start_ms, start_ms + 1).get("Payload").read(),
        "InvalidMediaFrameException",
        "a fragment with a frame that cannot be parsed",
    )


PROBE = Probe(
    name="kvs_clip_broken_frame",
    belief="GetClip refuses a fragment with a frame that cannot be parsed with InvalidMediaFrameException.",
    relied_on=("lambda_src/clip_fetch/errors.py",),
    source="Kinesis Video Streams API reference, GetClip, Errors",
    usd=0.001,
    run=_run,
)
