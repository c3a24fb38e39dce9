"""The calls: what each action is tried with, on each kind of resource.

A call that is allowed must do the running lake no harm. So it reads, or its arguments are such that the
service refuses them once the caller is authorized (a name that cannot be, a partition key that is too long),
or it writes something named `access-probe`, which the matrix takes away again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name

from harness.access.places import NAME, Target

_POLICY = '{"Version": "2012-10-17", "Statement": []}'
_MISSING = f"{NAME}-missing"
_TOO_LONG = "x" * 257
"""Longer than a partition key may be."""

_MEDIA = "kinesis-video-archived-media"


@dataclass(frozen=True)
class Probe:
    """One action on one kind of resource.

    Attributes:
        action: The IAM action that must be evaluated.
        on: Kind of the resource, as `places` names it.
        arguments: Of the call; a text `$name` is replaced by a value of the target.
        method: boto3's method, where its name does not follow from the action.
        client: boto3's service, where it is not the action's prefix.
        says_why: Whether a denial names the action. A HEAD has no body, and IoT's data plane gives no reason.
    """

    action: str
    on: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    method: str = ""
    client: str = ""
    says_why: bool = True

    @property
    def service(self) -> str:
        """boto3's name of the service."""
        return self.client or self.action.partition(":")[0]

    @property
    def operation(self) -> str:
        """boto3's name of the method."""
        return self.method or xform_name(self.action.partition(":")[2])

    def arguments_for(self, target: Target) -> dict[str, Any]:
        """The arguments with a target's values in place."""
        return {name: _filled(value, target) for name, value in self.arguments.items()}


def _filled(value: object, target: Target) -> object:
    if isinstance(value, str):
        # A placeholder alone takes the value as it is: bytes stay bytes.
        return target[value[1:]] if value.startswith("$") else value
    if isinstance(value, dict):
        return {name: _filled(each, target) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, target) for each in value]
    return value


def _each(on: str, arguments: Mapping[str, Any], *actions: str, client: str = "") -> list[Probe]:
    """Actions whose calls take the same arguments."""
    return [Probe(action, on, arguments, client=client) for action in actions]


_STREAM = {"StreamName": "$stream"}
_KINESIS = [
    Probe("kinesis:PutRecord", "data stream", {**_STREAM, "Data": b"", "PartitionKey": _TOO_LONG}),
    Probe("kinesis:PutRecords", "data stream", {**_STREAM, "Records": [{"Data": b"", "PartitionKey": _TOO_LONG}]}),
    Probe("kinesis:GetRecords", "data stream", {"ShardIterator": "$iterator", "Limit": 1}),
    Probe("kinesis:GetShardIterator", "data stream", {**_STREAM, "ShardId": "$shard", "ShardIteratorType": "LATEST"}),
    *_each("data stream", _STREAM, "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:ListShards"),
    Probe("kinesis:SplitShard", "data stream", {**_STREAM, "ShardToSplit": _MISSING, "NewStartingHashKey": "0"}),
    Probe("kinesis:DecreaseStreamRetentionPeriod", "data stream", {**_STREAM, "RetentionPeriodHours": 1}),
    Probe("kinesis:StopStreamEncryption", "data stream", {**_STREAM, "EncryptionType": "NONE", "KeyId": _MISSING}),
    Probe("kinesis:DeleteStream", "data stream", {**_STREAM, "EnforceConsumerDeletion": False}),
    Probe("kinesis:ListStreams", "account"),
    Probe("kinesis:CreateStream", "account", {"StreamName": NAME, "ShardCount": 1}),
]

_DELIVERY = {"DeliveryStreamName": "$delivery_stream"}
# More than Firehose takes.
_TOO_LARGE = b"x" * (1000 * 1024 + 1)
_FIREHOSE = [
    probe
    # Without a data stream, a record would be taken.
    for on, data in (("delivery stream", b""), ("connections stream", _TOO_LARGE))
    for probe in (
        Probe("firehose:PutRecord", on, {**_DELIVERY, "Record": {"Data": data}}),
        *_each(on, _DELIVERY, "firehose:DescribeDeliveryStream", "firehose:DeleteDeliveryStream"),
        Probe(
            "firehose:UpdateDestination",
            on,
            {**_DELIVERY, "CurrentDeliveryStreamVersionId": "0", "DestinationId": _MISSING},
        ),
    )
] + [Probe("firehose:ListDeliveryStreams", "account")]

_OBJECT = {"Bucket": "$bucket", "Key": "$key"}
_OBJECTS = [
    probe
    for on in (
        *("data", "errors", "rule errors", "connections", "connection errors", "connection rule errors"),
        *("clips", "rows of clips", "query results", "bucket"),
    )
    for probe in (
        Probe("s3:PutObject", on, {**_OBJECT, "Body": b""}),
        Probe("s3:GetObject", on, _OBJECT),
        Probe("s3:DeleteObject", on, _OBJECT),
        Probe("s3:AbortMultipartUpload", on, {**_OBJECT, "UploadId": _MISSING}),
        Probe(
            "s3:ListBucket",
            on,
            {"Bucket": "$bucket"} if on == "bucket" else {"Bucket": "$bucket", "Prefix": "$prefix"},
            method="list_objects_v2",
        ),
    )
]
_BUCKET = {"Bucket": "$bucket"}
_BUCKETS = [
    Probe("s3:ListBucket", "bucket", _BUCKET, method="head_bucket", says_why=False),
    *_each(
        "bucket", _BUCKET, "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy", "s3:DeleteBucket"
    ),
    Probe("s3:ListBucketMultipartUploads", "bucket", _BUCKET, method="list_multipart_uploads"),
    Probe("s3:ListBucketVersions", "bucket", _BUCKET, method="list_object_versions"),
    Probe("s3:PutBucketPolicy", "bucket", {**_BUCKET, "Policy": _POLICY}),
    Probe("s3:PutBucketVersioning", "bucket", {**_BUCKET, "VersioningConfiguration": {"Status": _MISSING}}),
    Probe(
        "s3:PutLifecycleConfiguration",
        "bucket",
        {**_BUCKET, "LifecycleConfiguration": {"Rules": [{"Status": _MISSING}]}},
        method="put_bucket_lifecycle_configuration",
    ),
    Probe(
        "s3:PutEncryptionConfiguration",
        "bucket",
        {
            **_BUCKET,
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": _MISSING}}]
            },
        },
        method="put_bucket_encryption",
    ),
    Probe(
        "s3:PutBucketNotification",
        "bucket",
        {**_BUCKET, "NotificationConfiguration": {}},
        method="put_bucket_notification_configuration",
    ),
    Probe(
        "s3:PutBucketPublicAccessBlock",
        "bucket",
        {**_BUCKET, "PublicAccessBlockConfiguration": {}},
        method="put_public_access_block",
    ),
    Probe("s3:ListAllMyBuckets", "account", method="list_buckets"),
]

_FUNCTION = {"FunctionName": "$function"}
_LAMBDA = [
    probe
    for on in ("transform function", "clip function")
    for probe in (
        Probe("lambda:InvokeFunction", on, {**_FUNCTION, "InvocationType": "DryRun"}, method="invoke"),
        *_each(on, _FUNCTION, "lambda:GetFunction", "lambda:GetFunctionConfiguration", "lambda:DeleteFunction"),
        Probe("lambda:UpdateFunctionCode", on, {**_FUNCTION, "ZipFile": b"", "DryRun": True}),
        Probe("lambda:UpdateFunctionConfiguration", on, {**_FUNCTION, "MemorySize": 1_000_000}),
        Probe(
            "lambda:AddPermission",
            on,
            {**_FUNCTION, "StatementId": NAME, "Action": "lambda:InvokeFunction", "Principal": _MISSING},
        ),
    )
] + [
    Probe(
        "lambda:CreateFunction",
        "account",
        {
            "FunctionName": NAME,
            "Role": "$own_role",
            "Code": {"ZipFile": b""},
            "Runtime": "python3.13",
            "Handler": "x.x",
        },
    ),
    Probe("lambda:ListFunctions", "account"),
]

_TABLE = {"DatabaseName": "$database", "Name": "$table"}
_VERSIONS = {"DatabaseName": "$database", "TableName": "$table"}
_GLUE = [
    probe
    for on in ("table measurements", "table configuration", "table connections", "table clips")
    for probe in (
        *_each(on, _TABLE, "glue:GetTable"),
        *_each(on, _VERSIONS, "glue:GetTableVersions", "glue:GetPartitions"),
        Probe("glue:GetTableVersion", on, {**_VERSIONS, "VersionId": "0"}),
        Probe(
            "glue:UpdateTable",
            on,
            {"DatabaseName": "$database", "TableInput": {"Name": "$table"}, "VersionId": _MISSING},
        ),
        Probe("glue:DeleteTable", on, _TABLE),
    )
] + [
    Probe("glue:GetDatabase", "database", {"Name": "$database"}),
    Probe("glue:CreateTable", "database", {"DatabaseName": "$database", "TableInput": {"Name": NAME}}),
    Probe("glue:DeleteDatabase", "database", {"Name": "$database"}),
]

_LOG = {"logGroupName": "$group", "logStreamName": "$stream"}
_LOGS = [
    probe
    for on in ("delivery log", "transform log", "connections log", "clip log")
    for probe in (
        *_each(on, {**_LOG, "logStreamName": NAME}, "logs:CreateLogStream"),
        # At the epoch: older than CloudWatch Logs takes.
        Probe("logs:PutLogEvents", on, {**_LOG, "logEvents": [{"timestamp": 0, "message": NAME}]}),
        Probe("logs:DeleteLogStream", on, {**_LOG, "logStreamName": _MISSING}),
        *_each(on, {"logGroupName": "$group"}, "logs:FilterLogEvents", "logs:DeleteLogGroup"),
        Probe("logs:PutRetentionPolicy", on, {"logGroupName": "$group", "retentionInDays": 2}),
    )
] + [Probe("logs:CreateLogGroup", "account", {"logGroupName": NAME}), Probe("logs:DescribeLogGroups", "account")]

_RULE = {"ruleName": "$rule"}
_IOT = [
    *_each("topic rule", _RULE, "iot:GetTopicRule", "iot:DeleteTopicRule", "iot:DisableTopicRule"),
    *_each("connections topic rule", _RULE, "iot:GetTopicRule", "iot:DeleteTopicRule", "iot:DisableTopicRule"),
    Probe(
        "iot:CreateTopicRule",
        "account",
        {"ruleName": NAME.replace("-", "_"), "topicRulePayload": {"sql": "", "actions": []}},
    ),
    Probe("iot:Publish", "gateway", {"topic": "$topic", "qos": 1, "payload": b""}, client="iot-data", says_why=False),
    Probe("iot:DescribeThing", "gateway", {"thingName": "$thing"}),
    Probe("iot:DeleteThing", "gateway", {"thingName": "$thing"}),
    Probe("iot:GetPolicy", "gateway", {"policyName": "$thing"}),
    Probe(
        "iot:CreatePolicyVersion",
        "gateway",
        {"policyName": "$thing", "policyDocument": _MISSING, "setAsDefault": True},
    ),
    Probe("iot:CreateKeysAndCertificate", "account", {"setAsActive": True}),
    Probe("iot:ListCertificates", "account"),
    Probe("iot:ListThings", "account"),
]

_VIDEO = {"StreamName": "$video"}
_PAST = {"StartTimestamp": 0, "EndTimestamp": 1}
_SELECTOR = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": _PAST}
_KINESIS_VIDEO = [
    Probe("kinesisvideo:ListStreams", "account"),
    *_each("video stream", _VIDEO, "kinesisvideo:DescribeStream", "kinesisvideo:ListTagsForStream"),
    Probe("kinesisvideo:GetDataEndpoint", "video stream", {**_VIDEO, "APIName": "GET_CLIP"}),
    Probe("kinesisvideo:ListFragments", "video stream", _VIDEO, client=_MEDIA),
    Probe("kinesisvideo:GetClip", "video stream", {**_VIDEO, "ClipFragmentSelector": _SELECTOR}, client=_MEDIA),
    Probe(
        "kinesisvideo:GetMediaForFragmentList",
        "video stream",
        {**_VIDEO, "Fragments": ["1"]},
        client=_MEDIA,
        method="get_media_for_fragment_list",
    ),
    Probe(
        "kinesisvideo:UpdateDataRetention",
        "video stream",
        {**_VIDEO, "CurrentVersion": "0", "Operation": "DECREASE_DATA_RETENTION", "DataRetentionChangeInHours": 1},
    ),
    Probe("kinesisvideo:DeleteStream", "video stream", {"StreamARN": "$video_arn", "CurrentVersion": "0"}),
    Probe("kinesisvideo:CreateStream", "account", {"StreamName": NAME, "DataRetentionInHours": 1}),
]

_ROLE = {"RoleName": "$role"}
_ROLES = [
    *(
        Probe("sts:AssumeRole", on, {"RoleArn": "$role_arn", "RoleSessionName": NAME})
        for on in (
            *("rule role", "delivery role", "transform role"),
            *("connections rule role", "connections delivery role", "clip_fetch role"),
        )
    ),
    *_each("its own role", _ROLE, "iam:GetRole", "iam:DeleteRole"),
    Probe("iam:PutRolePolicy", "its own role", {**_ROLE, "PolicyName": NAME, "PolicyDocument": _MISSING}),
    Probe("iam:UpdateAssumeRolePolicy", "its own role", {**_ROLE, "PolicyDocument": _MISSING}),
    Probe("iam:AttachRolePolicy", "its own role", {**_ROLE, "PolicyArn": f"arn:aws:iam::aws:policy/{NAME}"}),
    Probe("iam:CreateUser", "account", {"UserName": NAME}),
    Probe("iam:ListRoles", "account"),
    Probe("iam:CreateRole", "account", {"RoleName": NAME, "AssumeRolePolicyDocument": _MISSING}),
]

_REST = [
    Probe("athena:StartQueryExecution", "workgroup", {"QueryString": "SELECT 1", "WorkGroup": "$workgroup"}),
    Probe("athena:GetWorkGroup", "workgroup", {"WorkGroup": "$workgroup"}),
    Probe("athena:DeleteWorkGroup", "workgroup", {"WorkGroup": "$workgroup", "RecursiveDeleteOption": False}),
    Probe("events:PutTargets", "clip schedule", {"Rule": "$schedule", "Targets": [{"Id": NAME, "Arn": _MISSING}]}),
    Probe("events:DisableRule", "clip schedule", {"Name": "$schedule"}),
    Probe("cloudwatch:DeleteAlarms", "account", {"AlarmNames": [_MISSING]}),
    Probe(
        "cloudwatch:PutMetricData", "account", {"Namespace": NAME, "MetricData": [{"MetricName": NAME, "Value": 0}]}
    ),
    # What a role may do with a key, it may do through the service that stores, never by itself.
    Probe("kms:Decrypt", "KMS key", {"KeyId": "$kms_key", "CiphertextBlob": "$ciphertext"}),
    Probe("kms:Encrypt", "KMS key", {"KeyId": "$kms_key", "Plaintext": b"x"}),
    Probe("kms:GenerateDataKey", "KMS key", {"KeyId": "$kms_key", "KeySpec": "AES_256"}),
    Probe(
        "kms:CreateGrant", "KMS key", {"KeyId": "$kms_key", "GranteePrincipal": "$own_role", "Operations": ["Decrypt"]}
    ),
    Probe("kms:PutKeyPolicy", "KMS key", {"KeyId": "$kms_key", "Policy": _MISSING}),
    Probe("kms:ScheduleKeyDeletion", "KMS key", {"KeyId": "$kms_key", "PendingWindowInDays": 1}),
    Probe("kms:ListKeys", "account"),
    Probe("kms:CreateKey", "account", {"Description": NAME}),
    Probe("sns:CreateTopic", "account", {"Name": NAME}),
    Probe("sqs:CreateQueue", "account", {"QueueName": NAME}),
]

PROBES: Sequence[Probe] = (
    *_KINESIS,
    *_FIREHOSE,
    *_OBJECTS,
    *_BUCKETS,
    *_LAMBDA,
    *_GLUE,
    *_LOGS,
    *_IOT,
    *_KINESIS_VIDEO,
    *_ROLES,
    *_REST,
)
