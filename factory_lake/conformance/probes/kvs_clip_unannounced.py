"""A clip's download is checked and begun again, since its answer does not say how long it is."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    answer = film.stream.get_clip(film.row[0].start_ms, film.row[2].start_ms)
    length = answer["ResponseMetadata"]["HTTPHeaders"].get("content-length")
    got = len(answer["Payload"].read())
    if length is not None:
        raise Differs(
            f"the answer of {got} bytes has Content-Length: {length}; a download that is cut off is an error"
        )
    if answer["ContentType"] != "video/mp4":
        raise Differs(f"the answer is of the type {answer['ContentType']}")


PROBE = Probe(
    name="kvs_clip_unannounced",
    belief="GetClip's answer is video/mp4 without Content-Length, so that a download may end early without an error.",
    relied_on=("lambda_src/clip_fetch/download.py",),
    source="none; the API reference shows no header but Content-Type",
    usd=0.001,
    run=_run,
)
