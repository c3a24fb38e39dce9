"""The archiver finds its newest clip by listing from a key onwards, and all keys of the lake hold `=`."""

from __future__ import annotations

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_FOLDER = "s3_list_after_equals/factory=krakow/camera=press-1/"
_KEYS = [f"{_FOLDER}year=2026/month=03/day={day:02}/20260{day:02}T000000.000Z-1.mp4" for day in (1, 2, 3)]


def _run(context: Context) -> None:
    s3, bucket = context.client("s3"), context.shared(setups.bucket)
    for key in _KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    places = {"a key that is there": _KEYS[0], "one that is not there": f"{_FOLDER}year=2026/month=03/day=01/3"}
    for what, after in places.items():
        answer = s3.list_objects_v2(Bucket=bucket, Prefix=f"{_FOLDER}year=", StartAfter=after)
        found = [item["Key"] for item in answer.get("Contents", [])]
        if found != _KEYS[1:]:
            raise Differs(f"behind {what} are {len(found)} of the 2 keys: {found}")


PROBE = Probe(
    name="s3_list_after_equals",
    belief="A listing with StartAfter begins right behind that key, whether it exists or not, also where keys hold =.",
    relied_on=("lambda_src/clip_fetch/archive.py",),
    source="Amazon S3 API reference, ListObjectsV2",
    usd=0.0001,
    run=_run,
)
