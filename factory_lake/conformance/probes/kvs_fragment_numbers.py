"""The archive goes by fragment numbers: they say what comes after what."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    film, crowd = context.shared(video.film), context.shared(video.crowd)
    for numbers in ([shot.listed.number for shot in film.shots], list(crowd.numbers)):
        if numbers != sorted(set(numbers)):
            raise Differs(f"the numbers of {len(numbers)} fragments do not grow in the order in which they were sent")
    starts = [shot.start_ms for shot in film.shots]
    if starts != sorted(starts):
        raise Differs(f"server timestamps do not grow with the numbers: {[at - starts[0] for at in starts]} ms")


PROBE = Probe(
    name="kvs_fragment_numbers",
    belief="Fragment numbers, and server timestamps with them, grow in the order of ingestion, also over connections.",
    relied_on=("lambda_src/clip_fetch/planning.py", "lambda_src/clip_fetch/keys.py"),
    source="Kinesis Video Streams API reference, Fragment, FragmentNumber",
    usd=0.001,
    run=_run,
)
