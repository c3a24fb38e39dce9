"""A put whose answer is lost is repeated by boto3, which then hears of the object that it has written itself."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import CouldNotTell, Differs, Probe


def _run(context: Context) -> None:
    s3, place = context.fresh_client("s3"), {"Bucket": context.shared(setups.bucket), "Key": "s3_lost_answer/clip.mp4"}
    lost: list[int] = []

    def lose_first(response: Any, **_: Any) -> int | None:
        """Have botocore repeat a call that was answered, as it does where the answer does not arrive."""
        if lost or response is None:
            return None
        lost.append(response[0].status_code)
        return 0

    s3.meta.events.register_first("needs-retry.s3.PutObject", lose_first)
    try:
        s3.put_object(**place, Body=b"clip", IfNoneMatch="*", Metadata={"run": context.run})
    except ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code != "PreconditionFailed" or status != 412:
            raise Differs(f"the repeated put is answered {status} {code}") from error
    else:
        raise Differs(f"the repeated put is taken, after {lost[0] if lost else 'none'}")
    if lost != [200]:
        raise CouldNotTell(f"the put that was to get lost was answered {lost}")
    found = s3.head_object(**place)["Metadata"].get("run")
    if found != context.run:
        raise Differs(f"right after the 412 the object's metadata `run` is {found!r}, not that of the put")


PROBE = Probe(
    name="s3_lost_answer",
    belief="After a conditional put whose answer is lost, boto3's repetition gets 412, and HEAD shows the put's own "
    "metadata at once.",
    relied_on=("lambda_src/clip_fetch/archive.py",),
    source="Amazon S3 user guide, How to prevent object overwrites with conditional writes; Amazon S3 data "
    "consistency model",
    usd=0.0001,
    run=_run,
)
