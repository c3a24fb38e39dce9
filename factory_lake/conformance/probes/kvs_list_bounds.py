"""The archiver lists from where it stands, by server time."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film = context.shared(video.film)
    start_ms, end_ms = film.row[1].start_ms, film.row[3].start_ms
    for inset_ms, wanted in ((0, film.row[1:4]), (1, film.row[2:3])):
        found = sorted(one.number for one in film.stream.listed(start_ms + inset_ms, end_ms - inset_ms))
        if found != [shot.listed.number for shot in wanted]:
            places = [place for place, shot in enumerate(film.shots) if shot.listed.number in found]
            raise Differs(
                f"a listing from the start of fragment 1 to that of fragment 3, {inset_ms} ms within, has {places}"
            )


PROBE = Probe(
    name="kvs_list_bounds",
    belief="ListFragments gives the fragments whose server timestamp lies in the range, both ends included.",
    relied_on=("lambda_src/clip_fetch/camera.py",),
    source="Kinesis Video Streams API reference, ListFragments, TimestampRange",
    usd=0.001,
    run=_run,
)
