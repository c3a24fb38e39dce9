"""A camera that changes its picture's size ends a clip: the archiver learns it from GetClip's refusal alone."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    before, after = film.overlapping[-1], film.other
    video.expect_refusal(
        lambda: film.stream.get_clip(before.start_ms, after.start_ms),
        "InvalidCodecPrivateDataException",
        "a range in which the codec private data changes",
    )
    greys = video.greys_of(film.stream.clip(after.start_ms, after.start_ms + 1))
    if greys != [after.sent.grey]:
        raise Differs(f"the fragment behind the change, alone, gives the greys {greys}, not {[after.sent.grey]}")


PROBE = Probe(
    name="kvs_clip_codec_change",
    belief=(
        "GetClip refuses a range in which the codec private data changes with InvalidCodecPrivateDataException, and"
        " gives what lies on either side of the change."
    ),
    relied_on=("lambda_src/clip_fetch/fetching.py", "lambda_src/clip_fetch/errors.py"),
    source="Kinesis Video Streams API reference, GetClip, Errors",
    usd=0.001,
    run=_run,
)
