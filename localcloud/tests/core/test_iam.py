"""Who may do what: role sessions of services, and the calls that no policy allows."""

# ruff: noqa: S310 - the URLs are the local cloud's

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localcloud import LocalCloud
from localcloud.calls import CallError
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud

FIREHOSE = "firehose.amazonaws.com"
MakeRole = Callable[..., str]


def source(name: str) -> str:
    return f"arn:aws:firehose:eu-central-1:000000000000:deliverystream/{name}"


def session(cloud: LocalCloud, role: str, source_arn: str, service: str = FIREHOSE) -> dict[str, str]:
    arguments = {"role_arn": role, "service": service, "source_arn": source_arn}
    return dict(cloud.control("POST", "service-credentials", arguments))


def test_a_service_gets_a_session_of_a_role_that_trusts_it(cloud: LocalCloud, make_role: MakeRole) -> None:
    role = make_role(FIREHOSE)
    identity = cloud.client("sts", session(cloud, role, source("x"))).get_caller_identity()
    assert identity["Arn"].startswith(
        f"arn:aws:sts::{cloud.account_id}:assumed-role/{role.rpartition('/')[2]}/firehose-"
    )


@pytest.mark.parametrize(
    ("condition", "allowed", "denied"),
    [
        ({"StringEquals": {"aws:SourceAccount": "000000000000"}}, source("any"), None),
        ({"StringEquals": {"aws:SourceAccount": "111111111111"}}, None, source("any")),
        ({"ArnLike": {"aws:SourceArn": source("test-*")}}, source("test-a"), source("other")),
    ],
)
def test_the_trust_policy_sees_for_whom_the_service_acts(
    cloud: LocalCloud, make_role: MakeRole, condition: Any, allowed: str | None, denied: str | None
) -> None:
    role = make_role(FIREHOSE, condition=condition)
    if allowed:
        assert session(cloud, role, allowed)["SessionToken"]
    if denied:
        with pytest.raises(CallError) as caught:
            session(cloud, role, denied)
        assert caught.value.status == 403


def test_another_service_is_not_trusted(cloud: LocalCloud, make_role: MakeRole) -> None:
    with pytest.raises(CallError) as caught:
        session(cloud, make_role("iot.amazonaws.com"), source("x"))
    assert caught.value.status == 403


def test_a_role_made_again_does_not_keep_its_old_sessions_rights(
    cloud: LocalCloud, make_role: MakeRole, bucket: str
) -> None:
    role = make_role(FIREHOSE, {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    before = session(cloud, role, source("x"))
    assert session(cloud, role, source("x"))["AccessKeyId"] == before["AccessKeyId"]
    name = role.rpartition("/")[2]
    iam = cloud.client("iam")
    document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    iam.delete_role_policy(RoleName=name, PolicyName="own")
    iam.delete_role(RoleName=name)
    with pytest.raises(CallError):
        session(cloud, role, source("x"))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    assert session(cloud, role, source("x"))["AccessKeyId"] != before["AccessKeyId"]


def test_a_session_may_do_what_its_role_may_in_its_prefix_alone(
    cloud: LocalCloud, make_role: MakeRole, bucket: str
) -> None:
    own = {"StringLike": {"s3:prefix": "station=krakow/*"}}
    role = make_role(
        FIREHOSE,
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/station=krakow/*"},
        {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}", "Condition": own},
    )
    s3 = cloud.client("s3", session(cloud, role, source("x")))
    s3.put_object(Bucket=bucket, Key="station=krakow/a", Body=b"x")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="station=krakow/")
    assert [each["Key"] for each in listed["Contents"]] == ["station=krakow/a"]
    calls: list[Callable[[], Any]] = [
        lambda: s3.put_object(Bucket=bucket, Key="station=krakow-2/a", Body=b"x"),
        lambda: s3.put_object(Bucket=bucket, Key="station=lyon/a", Body=b"x"),
        lambda: s3.get_object(Bucket=bucket, Key="station=krakow/a"),
        lambda: s3.delete_object(Bucket=bucket, Key="station=krakow/a"),
        lambda: s3.list_objects_v2(Bucket=bucket, Prefix="station=lyon/"),
        lambda: s3.list_objects_v2(Bucket=bucket),
    ]
    for denied in calls:
        with refused("AccessDenied"):
            denied()


def test_a_wrong_secret_is_refused(cloud: LocalCloud, make_role: MakeRole) -> None:
    stolen = {**session(cloud, make_role(FIREHOSE), source("x")), "SecretAccessKey": "guess"}
    with refused("SignatureDoesNotMatch"):
        cloud.client("s3", stolen).list_buckets()


def test_an_unsigned_request_reads_nothing(cloud: LocalCloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert urllib.request.urlopen(link).read() == b"secret"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{cloud.endpoint}/{bucket}/k")


def test_tls_only_buckets_serve_loopback(cloud: LocalCloud, make_role: MakeRole, bucket: str) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{bucket}/*"]}
    statement = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    role = make_role(FIREHOSE, {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    cloud.client("s3", session(cloud, role, source("x"))).put_object(Bucket=bucket, Key="k", Body=b"x")


@pytest.mark.parametrize("missing", [None, "catalog", "database", "table"])
def test_a_glue_table_needs_its_ancestors_too(cloud: LocalCloud, make_role: MakeRole, missing: str | None) -> None:
    glue = cloud.client("glue")
    name = f"db_{uuid.uuid4().hex[:8]}"
    glue.create_database(DatabaseInput={"Name": name})
    glue.create_table(DatabaseName=name, TableInput={"Name": "t"})
    prefix = f"arn:aws:glue:{cloud.region}:{cloud.account_id}"
    arns = {
        "catalog": f"{prefix}:catalog",
        "database": f"{prefix}:database/{name}",
        "table": f"{prefix}:table/{name}/t",
    }
    allowed = [arn for kind, arn in arns.items() if kind != missing]
    role = make_role(FIREHOSE, {"Action": "glue:GetTable", "Resource": allowed})
    mine = cloud.client("glue", session(cloud, role, source("x")))
    if missing is None:
        assert mine.get_table(DatabaseName=name, Name="t")["Table"]["Name"] == "t"
    else:
        with refused("AccessDeniedException"):
            mine.get_table(DatabaseName=name, Name="t")


def test_an_operation_without_a_name_is_allowed_to_nobody_but_root(cloud: LocalCloud, make_role: MakeRole) -> None:
    role = make_role(FIREHOSE, {"Action": "iot:Create*", "Resource": "*"})
    credentials = session(cloud, role, source("x"))
    # A method that the API does not have at this path: no operation, so no action that a policy could name.
    request = AWSRequest("DELETE", f"{cloud.endpoint}/endpoint", headers={})
    keys = Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    SigV4Auth(keys, "iot", cloud.region).add_auth(request)
    sent = urllib.request.Request(str(request.url), method="DELETE", headers=dict(request.headers.items()))
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(sent)
    assert caught.value.code == 403


def test_a_simulation_knows_paths_resources_and_the_context_of_the_call(cloud: LocalCloud) -> None:
    iam, name = cloud.client("iam"), f"role-{uuid.uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": {"Service": FIREHOSE}, "Action": "sts:AssumeRole"}
    version = "2012-10-17"
    role = iam.create_role(
        RoleName=name,
        Path="/lake/krakow/",
        AssumeRolePolicyDocument=json.dumps({"Version": version, "Statement": [trust]}),
    )["Role"]["Arn"]
    statements = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/own/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::b",
            "Condition": {"StringLike": {"s3:prefix": "own/*"}},
        },
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/own/secret"},
    ]
    document = json.dumps({"Version": version, "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)

    def simulate(action: str, *resources: str, prefix: str | None = None) -> list[str]:
        keys = [{"ContextKeyName": "s3:prefix", "ContextKeyValues": [prefix], "ContextKeyType": "string"}]
        answer = iam.simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=[action],
            ResourceArns=resources,
            ContextEntries=keys if prefix else [],
        )
        return [each["EvalDecision"] for each in answer["EvaluationResults"]]

    objects = [f"arn:aws:s3:::b/{key}" for key in ("own/a", "other/a", "own/secret")]
    assert simulate("s3:GetObject", *objects) == ["allowed", "implicitDeny", "explicitDeny"]
    assert simulate("s3:ListBucket", "arn:aws:s3:::b", prefix="own/x") == ["allowed"]
    assert simulate("s3:ListBucket", "arn:aws:s3:::b", prefix="other/") == ["implicitDeny"]
    assert simulate("s3:ListBucket", "arn:aws:s3:::b") == ["implicitDeny"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(PolicySourceArn=f"{role}-missing", ActionNames=["s3:GetObject"])
