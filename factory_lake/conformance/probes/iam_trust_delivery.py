"""The roles of delivery streams trust Firehose for one delivery stream alone."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from factory_lake.conformance import roles, setups
from factory_lake.conformance.context import Context
from factory_lake.conformance.probe import Differs, Probe

_FOLDER = "iam_trust_delivery"


def _run(context: Context) -> None:
    trust = {
        "StringEquals": {"aws:SourceAccount": context.account},
        "ArnLike": {"aws:SourceArn": context.arn("firehose", f"deliverystream/{context.name('trust-own')}")},
    }
    made = {"open": _role(context, "open", {}), "own": _role(context, "own", trust)}
    setups.with_role(context, lambda: _create(context, "open", made["open"]), "Firehose to see a new role")
    last: list[ClientError] = []
    ends = context.now().timestamp() + 30

    def attempt() -> bool:
        try:
            _create(context, "own", made["own"])
        except ClientError as error:
            last[:] = [error]
            return context.now().timestamp() > ends
        last.clear()
        return True

    context.until(attempt, 60, "Firehose to take the role")
    if last:
        raise Differs(f"a role for this account's delivery stream is refused: {last[0].response['Error']['Message']}")
    firehose, name = context.client("firehose"), context.name("trust-own")

    def is_active() -> bool:
        described = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
        return bool(described["DeliveryStreamStatus"] == "ACTIVE")

    context.until(is_active, 300, "the delivery stream to be ACTIVE")
    firehose.put_record(DeliveryStreamName=name, Record={"Data": b"trusted\n"})
    bucket, s3 = context.shared(setups.bucket), context.client("s3")
    context.until(
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{_FOLDER}/own/").get("Contents"),
        300,
        "the delivery of a record",
    )


def _role(context: Context, kind: str, condition: dict[str, Any]) -> str:
    bucket = roles.bucket_arn(context, context.shared(setups.bucket))
    return setups.make_role(
        context,
        f"delivery-{kind}",
        "firehose.amazonaws.com",
        {"Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], "Resource": f"{bucket}/{_FOLDER}/*"},
        {"Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], "Resource": bucket},
        condition=condition,
    )


def _create(context: Context, kind: str, role: str) -> None:
    context.client("firehose").create_delivery_stream(
        DeliveryStreamName=context.made("delivery_stream", context.name(f"trust-{kind}")),
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": roles.bucket_arn(context, context.shared(setups.bucket)),
            "Prefix": f"{_FOLDER}/{kind}/",
            "ErrorOutputPrefix": f"{_FOLDER}/errors/!{{firehose:error-output-type}}/",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        },
        Tags=context.tag_list,
    )


PROBE = Probe(
    name="iam_trust_delivery",
    belief="Firehose assumes a role that trusts it for the account and this delivery stream's ARN, and delivers so.",
    relied_on=("modules/factory_pipeline/delivery.tf", "modules/factory_pipeline/connections.tf"),
    source="Amazon Data Firehose developer guide, Cross-service confused deputy prevention",
    usd=0.001,
    run=_run,
)
