"""After a change of retention a listing that begins before it may hide footage: the archiver looks for more."""

from __future__ import annotations

from factory_lake.conformance import video
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe


def _run(context: Context) -> None:
    stream = video.VideoStream(context, "retention", 2)
    stream.wait_listed(stream.send([video.FILMING.fragment(video.now_ms() - 1000, 5)]))
    described = stream.describe()
    context.client("kinesisvideo").update_data_retention(
        StreamName=stream.name,
        CurrentVersion=described["Version"],
        Operation="INCREASE_DATA_RETENTION",
        DataRetentionChangeInHours=1,
    )
    stream.wait_active()
    changed_ms = video.now_ms()
    # A fragment's server timestamp may be its length before it is whole.
    context.until(lambda: video.now_ms() > changed_ms + 2000, 10, "two seconds to pass")
    (number,) = stream.send([video.FILMING.fragment(video.now_ms() - 200, 1)])
    later = context.until(
        lambda: [one.number for one in stream.listed(changed_ms, video.now_ms())], 30, "the fragment to be listed"
    )
    if later != [number]:
        raise CouldNotTell(f"a listing that begins after the change has {len(later)} fragments, of which one is new")
    earlier = stream.listed(stream.created_ms, video.now_ms())
    if earlier:
        raise Differs(
            f"a listing that begins with the stream, before its retention was changed, lists {len(earlier)} of 2"
        )


PROBE = Probe(
    name="kvs_list_before_retention_change",
    belief=(
        "A listing that begins before the last change of the stream's retention is empty, though footage is there;"
        " one that begins after it has what came after it."
    ),
    relied_on=("lambda_src/clip_fetch/camera.py",),
    source="none; a maintainer's word in a public issue of 2018. Where it is not so, the archiver needs less care",
    usd=0.001,
    run=_run,
)
