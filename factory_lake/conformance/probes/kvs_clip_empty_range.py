"""Footage that is gone is told from media that cannot be read by the code of GetClip's refusal."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    start_ms, end_ms = film.row[0].start_ms + 1, film.row[1].start_ms - 1
    video.expect_refusal(
        lambda: film.stream.get_clip(start_ms, end_ms), "ResourceNotFoundException", "a range without a fragment"
    )


PROBE = Probe(
    name="kvs_clip_empty_range",
    belief="GetClip refuses a range in which no fragment starts with ResourceNotFoundException.",
    relied_on=("lambda_src/clip_fetch/errors.py",),
    source="Kinesis Video Streams API reference, GetClip, Errors",
    usd=0.001,
    run=_run,
)
