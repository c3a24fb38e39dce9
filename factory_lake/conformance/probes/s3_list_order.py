"""The end of an archive is found by halving, which needs keys in the order of their bytes, page by page."""

from __future__ import annotations

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_FOLDER = "s3_list_order/"
#: By their bytes in UTF-8: upper case before lower, the ASCII letters before all others.
_NAMES = ["-1", "10", "2", "A", "_begin", "a", "a=", "a=b", "ab", "\u00e9", "\u4e2d", "\U0001f3ed"]


def _run(context: Context) -> None:
    s3, bucket = context.client("s3"), context.shared(setups.bucket)
    for name in reversed(_NAMES):
        s3.put_object(Bucket=bucket, Key=_FOLDER + name, Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=_FOLDER, PaginationConfig={"PageSize": 5}
    )
    sizes, found = [], list[str]()
    for page in pages:
        names = [item["Key"].removeprefix(_FOLDER) for item in page.get("Contents", [])]
        sizes.append((len(names), page["IsTruncated"]))
        found += names
    if found != _NAMES:
        raise Differs(f"the keys come as {found}")
    if sizes != [(5, True), (5, True), (2, False)]:
        raise Differs(f"pages of 5 have these sizes, and say whether more follow: {sizes}")


PROBE = Probe(
    name="s3_list_order",
    belief="A listing gives keys in the order of their UTF-8 bytes across pages, and says whether more follow.",
    relied_on=("lambda_src/clip_fetch/archive.py", "lambda_src/clip_fetch/keys.py", "factory_lake/redrive/lines.py"),
    source="Amazon S3 API reference, ListObjectsV2 (general purpose buckets)",
    usd=0.0002,
    run=_run,
)
