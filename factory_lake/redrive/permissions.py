"""What an operator may do who redrives, and nothing else: an IAM policy made from Terraform's outputs.

Reading a data stream encrypted with a customer managed key, and writing it, needs `kms:Decrypt` and
`kms:GenerateDataKey` on that key too (Kinesis Developer Guide, "Permissions to use user-generated KMS keys"),
and the buckets' key likewise. Who reads a function's environment variables needs `kms:Decrypt` on the key that
encrypts them (Lambda Developer Guide, "Securing Lambda environment variables").
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
    function_keys: Sequence[str] = (),
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

    def allow(sid: str, actions: Sequence[str], resources: Sequence[str], **condition: object) -> None:
        more = {"Condition": condition} if condition else {}
        statements.append({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources, **more})

    for number, (bucket, group) in enumerate(sorted(by_bucket.items())):
        read = [f"factory={one.factory}/" for one in group if tables]
        read += [f"{head}factory={one.factory}/{one.lane}/" for one in group for head in (ERRORS, RECORDS)]
        # IfExists: only who may list is told that a key does not exist, and a GetObject names no prefix.
        prefixes = {"s3:prefix": [f"{prefix}*" for prefix in read]}
        allow(f"Find{number}", ["s3:ListBucket"], [f"{arn}:s3:::{bucket}"], StringLikeIfExists=prefixes)
        allow(f"Read{number}", ["s3:GetObject"], [f"{arn}:s3:::{bucket}/{prefix}*" for prefix in read])
        written = [f"{arn}:s3:::{bucket}/{RECORDS}factory={one.factory}/{one.lane}/*" for one in group]
        allow(f"WriteDown{number}", ["s3:PutObject"], written)
    calls = ("DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards", "PutRecords")
    streams = [f"{arn}:kinesis:{region}:{account}:stream/{one.stream}" for one in names]
    allow("Redrive", [f"kinesis:{call}" for call in calls], streams)
    # IAM's pages name a log group both with and without what follows the last colon.
    groups = [f"{arn}:logs:{region}:{account}:log-group:{one.log_group}{end}" for one in names for end in ("", ":*")]
    allow("ReadReasons", ["logs:FilterLogEvents"], groups)
    functions = [f"{arn}:lambda:{region}:{account}:function:{one.function}" for one in names]
    allow("ReadSettings", ["lambda:GetFunctionConfiguration"], functions)
    both = ["kms:Decrypt", "kms:GenerateDataKey"]
    for sid, service, keys, uses in (
        ("Streams", "kinesis", stream_keys, both),
        ("Buckets", "s3", bucket_keys, both),
        ("Functions", "lambda", function_keys, both[:1]),
    ):
        if keys:
            via = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
            allow(f"KeysOf{sid}", uses, list(keys), StringEquals=via)
    return {"Version": "2012-10-17", "Statement": statements}
