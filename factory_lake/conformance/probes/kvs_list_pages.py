"""A listing's pages come in no order, and together are whole."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    crowd = context.shared(video.crowd)
    found = [one.number for one in crowd.stream.listed(crowd.start_ms, crowd.end_ms, page=50)]
    if len(set(found)) != len(found):
        raise Differs(f"{len(found) - len(set(found))} of {video.CROWD} fragments are on two pages")
    if set(found) != set(crowd.numbers):
        raise Differs(f"the pages have {len(found)} of {video.CROWD} fragments")


PROBE = Probe(
    name="kvs_list_pages",
    belief="The pages of a listing have each fragment of the range once, in whatever order.",
    relied_on=("lambda_src/clip_fetch/video.py",),
    source="Kinesis Video Streams API reference, ListFragments, NextToken",
    usd=0.002,
    run=_run,
)
