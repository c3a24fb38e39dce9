"""A camera that does not say how its pictures are made gives no clips; its fragments are kept as they came."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    start_ms = film.undeclared.start_ms
    video.expect_refusal(
        lambda: film.stream.get_clip(start_ms, start_ms + 1),
        "MissingCodecPrivateDataException",
        "a fragment without codec private data",
    )


PROBE = Probe(
    name="kvs_clip_undeclared_codec",
    belief="GetClip refuses a fragment without codec private data with MissingCodecPrivateDataException.",
    relied_on=("lambda_src/clip_fetch/errors.py",),
    source="Kinesis Video Streams API reference, GetClip, Errors",
    usd=0.001,
    run=_run,
)
