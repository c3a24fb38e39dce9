"""What a call is authorized for besides its own action, on which resource, and what a recording of it says."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.calls import CallError
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud

MakeRole = Callable[..., str]
SERVICE = "lambda.amazonaws.com"
ANYTHING = {"Action": "*", "Resource": "*"}


@pytest.fixture
def act_as(cloud: LocalCloud, make_role: MakeRole) -> Callable[..., Any]:
    """Gives a session of a new role that these statements allow something."""

    def credentials(*statements: dict[str, Any]) -> dict[str, str]:
        arguments = {"role_arn": make_role(SERVICE, *statements), "service": SERVICE, "source_arn": "a:b:c:d:0:f"}
        return dict(cloud.control("POST", "service-credentials", arguments))

    return credentials


@pytest.fixture
def package() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("x.py", "def handler(event, context): return 1")
    return content.getvalue()


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


@contextmanager
def denied(code: str, action: str) -> Iterator[None]:
    with refused(code, f"is not authorized to perform: {action}"):
        yield


def test_a_role_is_passed_to_a_function_by_who_may_pass_it(
    cloud: LocalCloud, make_role: MakeRole, act_as: Any, package: bytes
) -> None:
    passed = make_role(SERVICE)
    function = {
        "Role": passed,
        "Runtime": "python3.13",
        "Handler": "x.handler",
        "Code": {"ZipFile": package},
    }
    create = {"Action": "lambda:CreateFunction", "Resource": "*"}
    to = {"StringEquals": {"iam:PassedToService": "firehose.amazonaws.com"}}
    for statements in ([create], [create, {"Action": "iam:PassRole", "Resource": passed, "Condition": to}]):
        mine = cloud.client("lambda", act_as(*statements))
        with denied("AccessDeniedException", "iam:PassRole"):
            mine.create_function(FunctionName=unique("f"), **function)
    to["StringEquals"]["iam:PassedToService"] = SERVICE
    mine = cloud.client("lambda", act_as(create, {"Action": "iam:PassRole", "Resource": passed, "Condition": to}))
    name = unique("f")
    assert mine.create_function(FunctionName=name, **function)["FunctionName"] == name


def test_a_role_is_passed_to_a_rule_and_to_a_delivery_stream(
    cloud: LocalCloud, make_role: MakeRole, act_as: Any
) -> None:
    role = make_role("iot.amazonaws.com")
    kinesis = {"kinesis": {"roleArn": role, "streamName": "s", "partitionKey": "k"}}
    payload = {"sql": "SELECT * FROM 'a'", "actions": [kinesis]}
    iot = cloud.client("iot", act_as({"Action": "iot:*", "Resource": "*"}))
    with denied("AccessDeniedException", "iam:PassRole"):
        iot.create_topic_rule(ruleName=unique("r").replace("-", "_"), topicRulePayload=payload)
    firehose = cloud.client("firehose", act_as({"Action": "firehose:*", "Resource": "*"}))
    with denied("AccessDeniedException", "iam:PassRole"):
        firehose.create_delivery_stream(
            DeliveryStreamName=unique("d"),
            ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": "arn:aws:s3:::b"},
        )


def test_who_creates_with_tags_must_be_allowed_to_tag(cloud: LocalCloud, act_as: Any) -> None:
    mine = cloud.client("sns", act_as({"Action": "sns:CreateTopic", "Resource": "*"}))
    mine.create_topic(Name=unique("t"))
    with denied("AuthorizationError", "sns:TagResource"):
        mine.create_topic(Name=unique("t"), Tags=[{"Key": "lake", "Value": "x"}])
    logs = cloud.client("logs", act_as({"Action": "logs:CreateLogGroup", "Resource": "*"}))
    with denied("AccessDeniedException", "logs:TagResource"):
        logs.create_log_group(logGroupName=unique("g"), tags={"lake": "x"})


def test_a_policy_can_demand_a_permissions_boundary(cloud: LocalCloud, act_as: Any) -> None:
    iam = cloud.client("iam")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **ANYTHING}]}
    boundary, other = (
        iam.create_policy(PolicyName=unique("p"), PolicyDocument=json.dumps(document))["Policy"]["Arn"]
        for _ in range(2)
    )
    bound = {
        "Action": ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"],
        "Resource": "*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}},
    }
    mine = cloud.client("iam", act_as(bound))
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    for wrong in ({}, {"PermissionsBoundary": other}):
        with denied("AccessDenied", "iam:CreateRole"):
            mine.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=trust, **wrong)
    name, free = unique("r"), unique("r")
    mine.create_role(RoleName=name, AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary)
    iam.create_role(RoleName=free, AssumeRolePolicyDocument=trust)
    mine.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
    with denied("AccessDenied", "iam:PutRolePolicy"):
        mine.put_role_policy(RoleName=free, PolicyName="own", PolicyDocument=json.dumps(document))
    with denied("AccessDenied", "iam:PutRolePermissionsBoundary"):
        mine.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=other)
    mine.put_role_permissions_boundary(RoleName=free, PermissionsBoundary=boundary)


def test_a_role_is_named_with_its_path(cloud: LocalCloud, act_as: Any) -> None:
    mine = cloud.client(
        "iam",
        act_as(
            {"Action": ["iam:CreateRole", "iam:GetRole"], "Resource": f"arn:aws:iam::{cloud.account_id}:role/lake/*"}
        ),
    )
    trust, name = json.dumps({"Version": "2012-10-17", "Statement": []}), unique("r")
    with denied("AccessDenied", "iam:CreateRole"):
        mine.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    mine.create_role(RoleName=name, AssumeRolePolicyDocument=trust, Path="/lake/")
    assert mine.get_role(RoleName=name)["Role"]["Path"] == "/lake/"


def test_operations_of_lambda_are_told_apart(cloud: LocalCloud, act_as: Any) -> None:
    mine = cloud.client("lambda", act_as({"Action": "lambda:UpdateFunctionCode", "Resource": "*"}))
    with denied("AccessDeniedException", "lambda:PutFunctionEventInvokeConfig"):
        mine.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    mine = cloud.client("lambda", act_as({"Action": "lambda:DeleteFunction", "Resource": "*"}))
    with denied("AccessDeniedException", "lambda:DeleteFunctionConcurrency"):
        mine.delete_function_concurrency(FunctionName="f")


def named(cloud: LocalCloud) -> dict[str, tuple[str, Callable[[Any], object], str]]:
    """Calls by their action: the client, the call, and the resource that it is about."""
    place = f"{cloud.region}:{cloud.account_id}"
    topic = f"arn:aws:sns:{place}:t"
    return {
        "athena:CreateWorkGroup": ("athena", lambda c: c.create_work_group(Name="w"), f"athena:{place}:workgroup/w"),
        "athena:ListTagsForResource": (
            "athena",
            lambda c: c.list_tags_for_resource(ResourceARN=f"arn:aws:athena:{place}:workgroup/w"),
            f"athena:{place}:workgroup/w",
        ),
        "cloudwatch:DeleteAlarms": (
            "cloudwatch",
            lambda c: c.delete_alarms(AlarmNames=["a"]),
            f"cloudwatch:{place}:alarm:a",
        ),
        "cloudwatch:GetDashboard": (
            "cloudwatch",
            lambda c: c.get_dashboard(DashboardName="d"),
            f"cloudwatch::{cloud.account_id}:dashboard/d",
        ),
        "events:PutTargets": (
            "events",
            lambda c: c.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": topic}]),
            f"events:{place}:rule/r",
        ),
        "events:DescribeRule": ("events", lambda c: c.describe_rule(Name="r"), f"events:{place}:rule/r"),
        "iot:AttachPolicy": (
            "iot",
            lambda c: c.attach_policy(policyName="p", target=f"arn:aws:iot:{place}:cert/c"),
            f"iot:{place}:cert/c",
        ),
        "sns:Unsubscribe": (
            "sns",
            lambda c: c.unsubscribe(SubscriptionArn=f"{topic}:{uuid.uuid4()}"),
            f"sns:{place}:t",
        ),
        "ssm:GetParametersByPath": (
            "ssm",
            lambda c: c.get_parameters_by_path(Path="/a/b"),
            f"ssm:{place}:parameter/a/b",
        ),
    }


def test_calls_are_checked_on_what_they_name(cloud: LocalCloud, act_as: Any) -> None:
    for action, (service, call, resource) in named(cloud).items():
        other = act_as({"Action": action, "Resource": f"arn:aws:{resource}-2"})
        with pytest.raises(ClientError, match=f"not authorized to perform: {action}"):
            call(cloud.client(service, other))
        own = act_as({"Action": action, "Resource": f"arn:aws:{resource}"})
        work = partial(tried, call, cloud.client(service, own))
        assert (action, f"arn:aws:{resource}") in recorded(cloud, own, work)


def test_a_query_is_checked_on_its_workgroup(cloud: LocalCloud, act_as: Any) -> None:
    name = unique("w")
    athena = cloud.client("athena")
    athena.create_work_group(Name=name)
    query = athena.create_named_query(Name="q", Database="d", QueryString="SELECT 1", WorkGroup=name)["NamedQueryId"]
    workgroup = f"arn:aws:athena:{cloud.region}:{cloud.account_id}:workgroup/{name}"
    read = {"Action": "athena:GetNamedQuery", "Resource": workgroup}
    assert cloud.client("athena", act_as(read)).get_named_query(NamedQueryId=query)["NamedQuery"]["WorkGroup"] == name
    with refused("AccessDeniedException"):
        cloud.client("athena", act_as({**read, "Resource": f"{workgroup}-2"})).get_named_query(NamedQueryId=query)


def test_a_glue_database_needs_the_catalog_too(cloud: LocalCloud, act_as: Any) -> None:
    name = unique("db").replace("-", "_")
    prefix = f"arn:aws:glue:{cloud.region}:{cloud.account_id}"
    create = {"Action": "glue:CreateDatabase", "Resource": [f"{prefix}:database/{name}"]}
    with refused("AccessDeniedException"):
        cloud.client("glue", act_as(create)).create_database(DatabaseInput={"Name": name})
    create["Resource"].append(f"{prefix}:catalog")  # type: ignore[attr-defined]
    cloud.client("glue", act_as(create)).create_database(DatabaseInput={"Name": name})


def tried(call: Callable[[Any], object], client: Any) -> None:
    """Make a call that is allowed, and may be about nothing that exists."""
    with suppress(ClientError):
        call(client)


def recorded(cloud: LocalCloud, credentials: dict[str, str], work: Callable[[], object]) -> list[tuple[str, str]]:
    given = {"access_key_id": credentials["AccessKeyId"]}
    cloud.control("POST", "authorizations", given)
    work()
    return [tuple(each) for each in cloud.control("DELETE", "authorizations", given)["authorizations"]]


def test_a_recording_has_what_its_caller_was_allowed_and_nothing_else(
    cloud: LocalCloud, act_as: Any, bucket: str
) -> None:
    mine = act_as({"Action": ["s3:PutObject", "s3:GetObject"], "Resource": f"arn:aws:s3:::{bucket}/own/*"})
    s3 = cloud.client("s3", mine)

    def work() -> None:
        for _ in range(2):
            s3.put_object(Bucket=bucket, Key="own/a", Body=b"")
        with refused("AccessDenied"):
            s3.get_object(Bucket=bucket, Key="others/a")
        cloud.client("s3").get_object(Bucket=bucket, Key="own/a")

    assert recorded(cloud, mine, work) == [("s3:PutObject", f"arn:aws:s3:::{bucket}/own/a")]
    with pytest.raises(CallError, match="nothing is recorded"):
        cloud.control("DELETE", "authorizations", {"access_key_id": mine["AccessKeyId"]})
