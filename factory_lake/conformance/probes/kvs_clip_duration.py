"""What GetClip gives is believed only when its duration agrees with what was listed."""

from __future__ import annotations

import io

from clip_fetch import mp4
from clip_fetch.download import check_playback
from clip_fetch.planning import LENGTH, Clip
from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    shots = film.row[1:5]
    clip = Clip(tuple((shot.listed,) for shot in shots), LENGTH, film.row[0].start_ms, film.row[5].start_ms)
    media = film.stream.clip(*clip.range_ms)
    playback = mp4.playback(io.BytesIO(media), len(media))
    found = check_playback(clip, playback)
    if not found.is_whole:
        lengths = [shot.listed.length_ms for shot in shots]
        raise Differs(
            f"the clip of fragments listed with {lengths} ms plays for {playback.duration_ms} ms"
            f" in {playback.frames} frames, which the archiver takes for another clip"
        )
    times = [at for _, at in video.frames_of(media)]
    expected = list(range(0, sum(shot.sent.length_ms for shot in shots), video.FILMING.frame_ms))
    if times != expected:
        raise Differs(f"frames that the camera made every {video.FILMING.frame_ms} ms are shown at {times} ms")


PROBE = Probe(
    name="kvs_clip_duration",
    belief="A clip shows each frame when the camera made it, and its duration is the one that the archiver expects.",
    relied_on=("lambda_src/clip_fetch/download.py", "lambda_src/clip_fetch/mp4.py"),
    source="none; the API reference says only that the clip is an MP4 file",
    usd=0.001,
    run=_run,
)
