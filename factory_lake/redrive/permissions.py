"""What an operator may do who redrives, and nothing else: an IAM policy made from Terraform's outputs.

Reading a data stream encrypted with a customer managed key, and writing it, needs `kms:Decrypt` and
`kms:GenerateDataKey` on that key too (Kinesis Developer Guide, "Permissions to use user-generated KMS keys"),
and the buckets' key likewise.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from factory_lake.reconcile.redriven import ERRORS, RECORDS
from factory_lake.redrive.lake import LaneNames


def policy(
    wanted: Iterable[LaneNames],
    partition: str,
    region: str,
    account: str,
    stream_keys: Sequence[str] = (),
    bucket_keys: Sequence[str] = (),
    *,
    tables: bool = False,
) -> dict[str, Any]:
    """The policy for some lanes.

    `partition` is `aws`, `aws-cn` or `aws-us-gov`, keys are ARNs of customer managed keys, and `tables` adds what the
    redrive of a range of a data stream reads.
    """
    names = list(wanted)
    arn = f"arn:{partition}"
    by_bucket: dict[str, list[LaneNames]] = {}
    for one in names:
        by_bucket.setdefault(one.bucket, []).append(one)
    statements: list[dict[str, Any]] = []
    for number, (bucket, group) in enumerate(sorted(by_bucket.items())):
        read = [f"factory={one.factory}/" for one in group if tables]
        read += [f"{head}factory={one.factory}/{one.lane}/" for one in group for head in (ERRORS, RECORDS)]
        statements += [
            {
                "Sid": f"Find{number}",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [f"{arn}:s3:::{bucket}"],
                # IfExists: only who may list is told that a key does not exist, and a GetObject names no
                # prefix.
                "Condition": {"StringLikeIfExists": {"s3:prefix": [f"{prefix}*" for prefix in read]}},
            },
            {
                "Sid": f"Read{number}",
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": [f"{arn}:s3:::{bucket}/{prefix}*" for prefix in read],
            },
            {
                "Sid": f"WriteDown{number}",
                "Effect": "Allow",
                "Action": ["s3:PutObject"],
                "Resource": [f"{arn}:s3:::{bucket}/{RECORDS}factory={one.factory}/{one.lane}/*" for one in group],
            },
        ]
    statements += [
        {
            "Sid": "Redrive",
            "Effect": "Allow",
            "Action": [
                "kinesis:DescribeStreamSummary",
                "kinesis:GetRecords",
                "kinesis:GetShardIterator",
                "kinesis:ListShards",
                "kinesis:PutRecords",
            ],
            "Resource": [f"{arn}:kinesis:{region}:{account}:stream/{one.stream}" for one in names],
        },
        {
            "Sid": "ReadReasons",
            "Effect": "Allow",
            "Action": ["logs:FilterLogEvents"],
            # IAM's pages name a log group both with and without what follows the last colon.
            "Resource": [
                f"{arn}:logs:{region}:{account}:log-group:{one.log_group}{end}" for one in names for end in ("", ":*")
            ],
        },
        {
            "Sid": "ReadSettings",
            "Effect": "Allow",
            "Action": ["lambda:GetFunctionConfiguration"],
            "Resource": [f"{arn}:lambda:{region}:{account}:function:{one.function}" for one in names],
        },
    ]
    for sid, service, keys in (("Streams", "kinesis", stream_keys), ("Buckets", "s3", bucket_keys)):
        if keys:
            statements.append(
                {
                    "Sid": f"KeysOf{sid}",
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": list(keys),
                    "Condition": {"StringEquals": {"kms:ViaService": f"{service}.{region}.amazonaws.com"}},
                }
            )
    return {"Version": "2012-10-17", "Statement": statements}
