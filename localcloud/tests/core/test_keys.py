"""Services ask KMS whether their caller may use the key of what they store."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud

pytestmark = pytest.mark.cloud

FIREHOSE = "firehose.amazonaws.com"
MakeRole = Callable[..., str]
KMS = ["kms:Decrypt", "kms:GenerateDataKey"]
IAM_DECIDES = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def make_key(cloud: LocalCloud, *statements: Mapping[str, Any]) -> str:
    """A key whose policy leaves it to IAM, and has these statements too."""
    document = {"Version": "2012-10-17", "Statement": [IAM_DECIDES, *statements]}
    return str(cloud.client("kms").create_key(Policy=json.dumps(document))["KeyMetadata"]["Arn"])


def acting(cloud: LocalCloud, role: str, service: str) -> Any:
    source = f"arn:aws:firehose:{cloud.region}:{cloud.account_id}:deliverystream/x"
    wanted = {"role_arn": role, "service": FIREHOSE, "source_arn": source}
    return cloud.client(service, cloud.control("POST", "service-credentials", wanted))


def encrypt(cloud: LocalCloud, bucket: str, key: str, *, bucket_key: bool) -> None:
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": bucket_key,
    }
    cloud.client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


@pytest.mark.parametrize("bucket_key", [True, False])
def test_an_object_needs_its_key_through_s3_in_its_context(
    cloud: LocalCloud, make_role: MakeRole, bucket: str, bucket_key: bool
) -> None:
    key = make_key(cloud)
    encrypt(cloud, bucket, key, bucket_key=bucket_key)
    objects = {"Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"arn:aws:s3:::{bucket}/*"}
    arn = f"arn:aws:s3:::{bucket}" if bucket_key else f"arn:aws:s3:::{bucket}/k"
    wrong = f"arn:aws:s3:::{bucket}/k" if bucket_key else f"arn:aws:s3:::{bucket}"

    def grant(actions: list[str], via: str, context: str) -> dict[str, Any]:
        asked = {"kms:ViaService": f"{via}.{cloud.region}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": context}
        return {"Action": actions, "Resource": key, "Condition": {"StringEquals": asked}}

    able = acting(cloud, make_role(FIREHOSE, objects, grant(KMS, "s3", arn)), "s3")
    able.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert able.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"

    for statements in ([], [grant(KMS, "kinesis", arn)], [grant(KMS, "s3", wrong)], [grant(KMS[:1], "s3", arn)]):
        unable = acting(cloud, make_role(FIREHOSE, objects, *statements), "s3")
        code, message = refused(lambda s3=unable: s3.put_object(Bucket=bucket, Key="k", Body=b"y"))  # type: ignore[misc]
        assert (code, f"perform: kms:GenerateDataKey on resource: {key}" in message) == ("AccessDenied", True)
    writer = acting(cloud, make_role(FIREHOSE, objects, grant(KMS[1:], "s3", arn)), "s3")
    writer.put_object(Bucket=bucket, Key="k", Body=b"z")
    assert "kms:Decrypt" in refused(lambda: writer.get_object(Bucket=bucket, Key="k"))[1]
    copy = {"Bucket": bucket, "Key": "k", "CopySource": {"Bucket": bucket, "Key": "k"}}
    assert "kms:Decrypt" in refused(lambda: writer.copy_object(**copy, MetadataDirective="REPLACE"))[1]


def storing(cloud: LocalCloud, make_role: MakeRole, bucket: str, key: str) -> Any:
    """A client that may put objects into a bucket, and whose policy allows it all with the bucket's key."""
    encrypt(cloud, bucket, key, bucket_key=True)
    objects = {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return acting(cloud, make_role(FIREHOSE, objects, {"Action": "kms:*", "Resource": key}), "s3")


def test_the_key_policy_counts_as_well(cloud: LocalCloud, make_role: MakeRole, bucket: str) -> None:
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "kms:GenerateDataKey", "Resource": "*"}
    key = make_key(cloud, statement)
    s3 = storing(cloud, make_role, bucket, key)
    assert refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b""))[0] == "AccessDenied"


def test_a_disabled_key_stops_its_users(cloud: LocalCloud, make_role: MakeRole, bucket: str) -> None:
    key = make_key(cloud)
    s3 = storing(cloud, make_role, bucket, key)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    cloud.client("kms").disable_key(KeyId=key)
    assert "Disabled" in refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b""))[1]


def test_a_data_stream_needs_its_key_to_write_and_to_read(cloud: LocalCloud, make_role: MakeRole) -> None:
    root, key, name = cloud.client("kinesis"), make_key(cloud), f"stream-{uuid.uuid4().hex[:8]}"
    root.create_stream(StreamName=name, ShardCount=1)
    root.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    root.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=key)
    arn = f"arn:aws:kinesis:{cloud.region}:{cloud.account_id}:stream/{name}"
    asked = {"kms:ViaService": f"kinesis.{cloud.region}.amazonaws.com", "kms:EncryptionContext:aws:kinesis:arn": arn}
    stream = {"Action": "kinesis:*", "Resource": arn}

    def client(*actions: str) -> Any:
        grant = {"Action": list(actions), "Resource": key, "Condition": {"StringEquals": asked}}
        return acting(cloud, make_role(FIREHOSE, stream, grant), "kinesis")

    producer, consumer = client("kms:GenerateDataKey"), client("kms:Decrypt")
    producer.put_record(StreamName=name, Data=b"x", PartitionKey="k")
    shard = root.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    place = {"StreamName": name, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = producer.get_shard_iterator(**place)["ShardIterator"]
    assert refused(lambda: producer.get_records(ShardIterator=iterator))[0] == "KMSAccessDeniedException"
    assert [record["Data"] for record in consumer.get_records(ShardIterator=iterator)["Records"]] == [b"x"]
    put = {"StreamName": name, "Data": b"y", "PartitionKey": "k"}
    assert refused(lambda: consumer.put_record(**put))[0] == "KMSAccessDeniedException"


def test_an_iterator_is_authorized_on_the_stream_that_it_reads(cloud: LocalCloud, make_role: MakeRole) -> None:
    """Naming a stream of one's own does not open the iterator of another."""
    root = cloud.client("kinesis")
    own, other = (f"stream-{uuid.uuid4().hex[:8]}" for _ in range(2))
    for name in (own, other):
        root.create_stream(StreamName=name, ShardCount=1)
        root.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    arns = {name: f"arn:aws:kinesis:{cloud.region}:{cloud.account_id}:stream/{name}" for name in (own, other)}
    iterators = {
        name: root.get_shard_iterator(
            StreamName=name,
            ShardId=root.list_shards(StreamName=name)["Shards"][0]["ShardId"],
            ShardIteratorType="LATEST",
        )["ShardIterator"]
        for name in (own, other)
    }
    mine = acting(cloud, make_role(FIREHOSE, {"Action": "kinesis:GetRecords", "Resource": arns[own]}), "kinesis")
    assert mine.get_records(ShardIterator=iterators[own])["Records"] == []
    foreign = {"ShardIterator": iterators[other], "StreamARN": arns[own]}
    assert refused(lambda: mine.get_records(**foreign))[0] == "AccessDeniedException"


def test_whoever_makes_a_function_must_be_able_to_grant_its_key(cloud: LocalCloud, make_role: MakeRole) -> None:
    key, role = make_key(cloud), make_role("lambda.amazonaws.com")
    may = {"Action": ["lambda:CreateFunction", "iam:PassRole"], "Resource": "*"}
    functions = acting(cloud, make_role(FIREHOSE, may), "lambda")
    wanted = {
        "FunctionName": f"function-{uuid.uuid4().hex[:8]}",
        "Role": role,
        "Code": {"ZipFile": b""},
        "Runtime": "python3.13",
        "Handler": "x.x",
        "KMSKeyArn": key,
    }
    code, message = refused(lambda: functions.create_function(**wanted))
    assert (code, "kms:CreateGrant" in message) == ("KMSAccessDeniedException", True)


def test_a_functions_environment_is_shown_to_who_may_decrypt_it(cloud: LocalCloud, make_role: MakeRole) -> None:
    key, name = make_key(cloud), f"function-{uuid.uuid4().hex[:8]}"
    package = io.BytesIO()
    zipfile.ZipFile(package, "w").close()
    cloud.client("lambda").create_function(
        FunctionName=name,
        Role=make_role("lambda.amazonaws.com"),
        Code={"ZipFile": package.getvalue()},
        Runtime="python3.13",
        Handler="x.x",
        KMSKeyArn=key,
        Environment={"Variables": {"PAST_DAYS": "400"}},
    )
    read = {"Action": ["lambda:GetFunction", "lambda:GetFunctionConfiguration"], "Resource": "*"}
    decrypt = {
        "Action": "kms:Decrypt",
        "Resource": key,
        "Condition": {"StringEquals": {"kms:ViaService": f"lambda.{cloud.region}.amazonaws.com"}},
    }
    blind = acting(cloud, make_role(FIREHOSE, read), "lambda")
    for configuration in (
        blind.get_function(FunctionName=name)["Configuration"],
        blind.get_function_configuration(FunctionName=name),
    ):
        assert "Variables" not in configuration["Environment"]
        assert configuration["Environment"]["Error"]["ErrorCode"] == "AccessDeniedException"
    seeing = acting(cloud, make_role(FIREHOSE, read, decrypt), "lambda")
    shown = seeing.get_function_configuration(FunctionName=name)["Environment"]
    assert shown == {"Variables": {"PAST_DAYS": "400"}}


def test_a_log_group_takes_and_loses_a_key(cloud: LocalCloud) -> None:
    logs, name = cloud.client("logs"), f"group-{uuid.uuid4().hex[:8]}"
    service = {"Principal": {"Service": f"logs.{cloud.region}.amazonaws.com"}, "Action": "kms:*"}
    key = make_key(cloud, {"Effect": "Allow", "Resource": "*", **service})
    logs.create_log_group(logGroupName=name)

    def held() -> str | None:
        (group,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return group.get("kmsKeyId")  # type: ignore[no-any-return]

    code, _ = refused(lambda: logs.associate_kms_key(logGroupName=name, kmsKeyId=make_key(cloud)))
    assert (code, held()) == ("AccessDeniedException", None)
    logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    assert held() == key
    logs.disassociate_kms_key(logGroupName=name)
    assert held() is None
