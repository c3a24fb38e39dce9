"""The delivery's role may list its own prefixes; a call that names no prefix is let through, as Firehose may need."""

from __future__ import annotations

from functools import partial

from factory_lake.conformance import roles, setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_OWN, _FOREIGN = "iam_delivery/factory=krakow/", "iam_delivery/factory=lyon/"


def _run(context: Context) -> None:
    bucket = context.shared(setups.bucket)
    condition = {"StringLikeIfExists": {"s3:prefix": [f"{_OWN}*", f"errors/{_OWN}*"]}}
    allowed = {"Action": "s3:ListBucket", "Resource": roles.bucket_arn(context, bucket), "Condition": condition}
    _, credentials = setups.assumed(context, "delivery", allowed)
    s3 = context.client_as("s3", credentials)
    own = partial(s3.list_objects_v2, Bucket=bucket, Prefix=_OWN)
    setups.with_role(context, own, "the new role's permissions to take effect")
    calls = {
        "HeadBucket": (s3.head_bucket, ""),
        "a listing of another's prefix": (partial(s3.list_objects_v2, Prefix=_FOREIGN), "AccessDenied"),
    }
    for what, (call, wanted) in calls.items():
        found = setups.refusal(partial(call, Bucket=bucket))
        if found != wanted:
            raise Differs(f"with StringLikeIfExists on s3:prefix, {what} is {found or 'allowed'}")


PROBE = Probe(
    name="iam_delivery_listing",
    belief="With StringLikeIfExists on s3:prefix a role may call HeadBucket and list its prefixes, and no others.",
    relied_on=("modules/factory_pipeline/delivery.tf",),
    source="IAM user guide, ...IfExists condition operators; Service Authorization Reference, Amazon S3",
    usd=0.0001,
    run=_run,
)
