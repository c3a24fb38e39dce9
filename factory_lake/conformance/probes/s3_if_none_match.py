"""A clip is committed by a conditional put: of two writers of one key, one alone writes."""

from __future__ import annotations

from botocore.exceptions import ClientError

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    s3, place = context.client("s3"), {"Bucket": context.shared(setups.bucket), "Key": "s3_if_none_match/clip.mp4"}
    s3.put_object(**place, Body=b"first", IfNoneMatch="*")
    try:
        s3.put_object(**place, Body=b"second", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise Differs(f"the second put is refused with {error.response['Error']['Code']}") from error
    else:
        raise Differs("the second put is taken")
    found = s3.get_object(**place)["Body"].read()
    if found != b"first":
        raise Differs(f"the object holds {found!r} after a put that was refused")


PROBE = Probe(
    name="s3_if_none_match",
    belief="A put with If-None-Match: * onto a key that exists is refused (PreconditionFailed) and changes nothing.",
    relied_on=("lambda_src/clip_fetch/archive.py",),
    source="Amazon S3 user guide, How to prevent object overwrites with conditional writes",
    usd=0.0001,
    run=_run,
)
