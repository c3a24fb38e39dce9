"""The archiver asks for no more fragments than a clip takes, since no error tells of the rest."""

from __future__ import annotations

from clip_fetch.planning import MAX_FRAGMENTS
from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    crowd = context.shared(video.crowd)
    greys = video.greys_of(crowd.stream.clip(crowd.start_ms, crowd.end_ms))
    expected = [fragment.grey for fragment in crowd.sent[:MAX_FRAGMENTS]]
    if greys != expected:
        is_beginning = greys == [fragment.grey for fragment in crowd.sent[: len(greys)]]
        place = "the first" if is_beginning else "others than the first"
        raise Differs(f"of {video.CROWD} fragments the clip holds {len(greys)}, {place}")


PROBE = Probe(
    name="kvs_clip_fragment_limit",
    belief="Of a range with more than 200 fragments GetClip gives the first 200, without an error.",
    relied_on=("lambda_src/clip_fetch/planning.py",),
    source="Kinesis Video Streams API reference, GetClip, Payload",
    usd=0.002,
    run=_run,
)
