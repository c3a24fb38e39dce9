"""The archiver reads and writes its own factory's part of the clips bucket alone."""

from __future__ import annotations

from functools import partial

from factory_lake.conformance import roles, setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_DENIED = "AccessDenied"


def _run(context: Context) -> None:
    bucket = context.shared(setups.bucket)
    _, credentials = context.shared(roles.archiver)
    s3 = context.client_as("s3", credentials)
    calls = {
        "a put below its prefix": (partial(s3.put_object, Key=f"{roles.OWN}a", Body=b""), ""),
        "a listing of its prefix": (partial(s3.list_objects_v2, Prefix=f"{roles.OWN}camera=press-1/"), ""),
        "a put below another's prefix": (partial(s3.put_object, Key=f"{roles.FOREIGN}a", Body=b""), _DENIED),
        "a listing of another's prefix": (partial(s3.list_objects_v2, Prefix=roles.FOREIGN), _DENIED),
        "a listing without a prefix": (s3.list_objects_v2, _DENIED),
        # A HEAD has no body, so that its status is all that there is.
        "a HEAD of what does not exist": (partial(s3.head_object, Key=f"{roles.OWN}missing"), "403"),
    }
    wrong = {
        what: found
        for what, (call, wanted) in calls.items()
        if (found := setups.refusal(partial(call, Bucket=bucket))) != wanted
    }
    if wrong:
        said = ", ".join(f"{what}: {code or 'allowed'}" for what, code in wrong.items())
        raise Differs(f"of the calls of a role that is limited to a prefix these are answered otherwise: {said}")


PROBE = Probe(
    name="iam_archiver",
    belief="A role limited by s3:prefix lists and writes its own part of a bucket alone, and gets 403 for a "
    "HEAD of what does not exist.",
    relied_on=("modules/video_archiver/clip_fetch.tf", "lambda_src/clip_fetch/archive.py"),
    source="Service Authorization Reference, Amazon S3; Amazon S3 API reference, HeadObject",
    usd=0.0001,
    run=_run,
)
