"""Footage that expires while a run is under way is told from media that cannot be read."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Probe

_HOUR_MS = 3_600_000


def _run(context: Context) -> None:
    stream = context.shared(video.film).stream
    end_ms = video.now_ms() - 48 * _HOUR_MS
    start_ms = end_ms - _HOUR_MS
    code = "InvalidArgumentException"
    video.expect_refusal(lambda: stream.get_clip(start_ms, end_ms), code, "GetClip of a range of two days ago")
    video.expect_refusal(lambda: stream.listed(start_ms, end_ms), code, "a listing of a range of two days ago")


PROBE = Probe(
    name="kvs_range_before_retention",
    belief=(
        "GetClip and ListFragments refuse a range of server time that ends before what the stream retains with"
        " InvalidArgumentException."
    ),
    relied_on=("lambda_src/clip_fetch/errors.py", "lambda_src/clip_fetch/download.py"),
    source="none; seen in public issues",
    usd=0.001,
    run=_run,
)
