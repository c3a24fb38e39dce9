"""A redrive takes its checkpoint over from another only as it was read, and reads an object's parts of one version."""

from __future__ import annotations

from botocore.exceptions import ClientError

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe


def _run(context: Context) -> None:
    s3, place = context.client("s3"), {"Bucket": context.shared(setups.bucket), "Key": "s3_if_match/checkpoint.json"}
    first = s3.put_object(**place, Body=b"first")["ETag"]
    second = s3.put_object(**place, Body=b"second", IfMatch=first)["ETag"]
    if first == second:
        raise Differs("objects of different content have the same ETag")
    for operation, arguments in (("put_object", {"Body": b"third"}), ("get_object", {"Range": "bytes=0-2"})):
        try:
            getattr(s3, operation)(**place, **arguments, IfMatch=first)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 412:
                raise Differs(f"{operation} with an old ETag is refused with {error.response['Error']}") from error
        else:
            raise Differs(f"{operation} with If-Match of an old ETag is taken")
    if s3.get_object(**place, Range="bytes=0-2", IfMatch=second)["Body"].read() != b"sec":
        raise Differs("a part of the object is not that of its present content")


PROBE = Probe(
    name="s3_if_match",
    belief="A put and a ranged GET with If-Match of an ETag that is no longer the object's are refused with 412.",
    relied_on=("factory_lake/redrive/checkpoint.py", "factory_lake/redrive/lines.py"),
    source="Amazon S3 user guide, How to prevent object overwrites with conditional writes",
    usd=0.0001,
    run=_run,
)
