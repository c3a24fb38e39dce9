"""What GetClip does not give is kept as it came, by GetMediaForFragmentList."""

from __future__ import annotations

import io

from clip_fetch.errors import InvalidMediaError
from clip_fetch.mkv import Recording
from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_TAG = b"AWS_KINESISVIDEO_FRAGMENT_NUMBER"


def _run(context: Context) -> None:
    film = context.shared(video.film)
    shots = [film.row[3], film.row[1], film.undeclared]
    media = film.stream.raw([shot.listed.number for shot in shots])
    places = [media.find(str(shot.listed.number).encode()) for shot in shots]
    if -1 in places or places != sorted(places):
        raise Differs(f"the numbers of fragments that were asked for stand at {places} of {len(media)} bytes")
    if media.count(_TAG) != len(shots):
        raise Differs(f"{len(shots)} fragments come with {media.count(_TAG)} tags {_TAG.decode()}")
    for shot in shots:
        # All of the key frame's picture: a macroblock's samples, over and over.
        if bytes([shot.sent.grey]) * 256 not in media:
            raise Differs("a frame does not come as it was sent")
    try:
        found = Recording(io.BytesIO(media), len(media))
    except InvalidMediaError as error:
        raise Differs(f"the archiver cannot read the answer: {error}") from error
    expected = sum(shot.sent.length_ms for shot in shots)
    if not expected - 1000 <= found.duration_ms <= expected + 1000 * len(shots) * 60:
        raise Differs(f"fragments of {expected} ms are read as {found.duration_ms} ms")


PROBE = Probe(
    name="kvs_raw_fragments",
    belief=(
        "GetMediaForFragmentList gives fragments in the order in which they are asked for, also those of which GetClip"
        " makes no clip, each with its frames as they came and the tag AWS_KINESISVIDEO_FRAGMENT_NUMBER."
    ),
    relied_on=("lambda_src/clip_fetch/raw.py", "lambda_src/clip_fetch/mkv.py"),
    source="Kinesis Video Streams API reference, GetMediaForFragmentList, Payload",
    usd=0.001,
    run=_run,
)
