"""Listed lengths lack the last frame, so durations are told by the camera's clock."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    seen = [shot.listed.length_ms for shot in (film.row[0], film.alone)]
    expected = [film.row[0].sent.length_ms - video.FILMING.frame_ms, 0]
    if seen != expected:
        frames = [10, 1]
        raise Differs(f"fragments of {frames} frames of {video.FILMING.frame_ms} ms are listed with {seen} ms")


PROBE = Probe(
    name="kvs_list_lengths",
    belief="A fragment is listed with its length up to the start of its last frame: one of a single frame with 0.",
    relied_on=("lambda_src/clip_fetch/planning.py", "lambda_src/clip_fetch/download.py"),
    source="none; seen in public issues",
    usd=0.001,
    run=_run,
)
