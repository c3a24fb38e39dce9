"""A role with the permissions that `modules/video_archiver` gives the archiver, for several probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_lake.conformance import setups
from factory_lake.conformance.context import Context

#: The archiver's own part of the bucket, and one that is another's.
OWN: Final = "iam_archiver/factory=krakow/"
FOREIGN: Final = "iam_archiver/factory=lyon/"


def archiver(context: Context) -> tuple[str, Mapping[str, Any]]:
    """The role's ARN, and credentials whose permissions have taken effect."""
    bucket = context.shared(setups.bucket)
    arn = bucket_arn(context, bucket)
    role, credentials = setups.assumed(
        context,
        "archiver",
        {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/{OWN}*"},
        {"Action": "s3:ListBucket", "Resource": arn, "Condition": {"StringLike": {"s3:prefix": f"{OWN}*"}}},
    )
    s3 = context.client_as("s3", credentials)
    setups.with_role(
        context, lambda: s3.list_objects_v2(Bucket=bucket, Prefix=OWN), "the new role's permissions to take effect"
    )
    return role, credentials


def bucket_arn(context: Context, bucket: str) -> str:
    """The ARN of a bucket."""
    return f"arn:{context.partition}:s3:::{bucket}"
