"""What many probes need: a bucket, roles, a database, a workgroup, a function. Probes get them by `Context.shared`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from factory_lake.conformance.context import IAM_SECONDS, Context
from factory_lake.conformance.probe import Differs
from factory_lake.conformance.resources import role_path

T = TypeVar("T")
#: Versions of a policy's language have dates.
_VERSION = "2012-10-17"
#: What services answer for as long as they do not see a new role, or its permissions.
ROLE_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "InvalidArgumentException",  # Firehose
        "InvalidParameterValueException",  # Lambda
        "InvalidRequestException",  # IoT
        "ValidationException",
    }
)
#: Of the functions that probes make.
RUNTIME = "python3.13"


def document(*statements: Mapping[str, Any]) -> str:
    """A policy that allows these statements; one that says Deny itself denies."""
    return json.dumps({"Version": _VERSION, "Statement": [{"Effect": "Allow", **each} for each in statements]})


def bucket(context: Context) -> str:
    """One bucket for all probes; each writes under a prefix that is its own name. Its name."""
    return make_bucket(context, "objects")


def make_bucket(context: Context, of: str) -> str:
    """A bucket, as private as a new one is. Its name."""
    name = context.made("bucket", context.name(of))
    s3 = context.client("s3")
    # us-east-1 alone must not be named.
    place = {"LocationConstraint": context.region} if context.region != "us-east-1" else {}
    s3.create_bucket(Bucket=name, **({"CreateBucketConfiguration": place} if place else {}))
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": context.tag_list})
    return name


def make_role(
    context: Context,
    of: str,
    service: str,
    *statements: Mapping[str, Any],
    condition: Mapping[str, Any] | None = None,
) -> str:
    """A role for a service. Its ARN; `with_role` makes the first call that needs it.

    Args:
        context: The run.
        of: What it is for, as in `Context.name`.
        service: Who may assume it: `firehose.amazonaws.com`, or an ARN.
        statements: What it is allowed.
        condition: Of a service's trust; without one, `aws:SourceAccount` must be the account, as in the modules.
    """
    iam = context.client("iam")
    name = context.made("role", context.name(of))
    # An account's own callers are named by its ARN, and no service acts for them.
    is_arn = service.startswith("arn:")
    wanted = {"StringEquals": {"aws:SourceAccount": context.account}} if condition is None else condition
    trust = {
        "Principal": {"AWS" if is_arn else "Service": service},
        "Action": "sts:AssumeRole",
        **({"Condition": wanted} if wanted and not is_arn else {}),
    }
    role = iam.create_role(
        RoleName=name,
        Path=role_path(context.region),
        AssumeRolePolicyDocument=document(trust),
        **({"PermissionsBoundary": context.boundary} if context.boundary else {}),
        Tags=context.tag_list,
    )
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return str(role["Role"]["Arn"])


def with_role(context: Context, call: Callable[[], T], what: str) -> T:
    """Repeat a call until the service sees the role that it names, and its permissions."""
    return context.eventually(call, ROLE_CODES, IAM_SECONDS, what)


def assumed(context: Context, of: str, *statements: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A role that is allowed these statements, and a session of it. Its ARN, and the session's credentials."""
    owner = f"arn:{context.partition}:iam::{context.account}:root"
    role = make_role(context, of, owner, *statements)
    session = with_role(
        context,
        lambda: context.client("sts").assume_role(RoleArn=role, RoleSessionName=context.name(of)),
        "the new role to be assumed",
    )
    return role, session["Credentials"]


def refusal(call: Callable[[], object]) -> str:
    """The code that a call is refused with; empty where it is taken."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def database(context: Context) -> str:
    """One database of Glue for all probes, whose tables go with it. Its name."""
    name = context.made("database", context.underscored("tables"))
    context.client("glue").create_database(DatabaseInput={"Name": name}, Tags=context.tags)
    return name


def packed(files: Mapping[str, str]) -> bytes:
    """A function's package of these files, the same bytes for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])
    return target.getvalue()


def make_function(
    context: Context, of: str, code: str, *statements: Mapping[str, Any], **settings: Any
) -> tuple[str, str]:
    """A Python function with a role that writes its log. Its name and its ARN, when it is Active.

    Args:
        context: The run.
        of: What it is for, as in `Context.name`.
        code: The text of its module; its function `handler` is called.
        statements: What its role is allowed besides its log.
        settings: More of CreateFunction.
    """
    name = context.name(of)
    group = context.made("log_group", f"/aws/lambda/{name}")
    context.client("logs").create_log_group(logGroupName=group, tags=context.tags)
    logs = {
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": context.arn("logs", f"log-group:{group}:*"),
    }
    role = make_role(context, f"{of}-fn", "lambda.amazonaws.com", logs, *statements, condition={})
    functions = context.client("lambda")
    context.made("function", name)
    made = with_role(
        context,
        lambda: functions.create_function(
            **{
                "FunctionName": name,
                "Runtime": RUNTIME,
                "Role": role,
                "Handler": "probe.handler",
                "Code": {"ZipFile": packed({"probe.py": code})},
                "Timeout": 60,
                "MemorySize": 256,
                "Tags": context.tags,
                **settings,
            }
        ),
        "Lambda to see the function's role",
    )
    until_active(context, name)
    return name, str(made["FunctionArn"])


def until_active(context: Context, function: str) -> None:
    """Wait until a new function can be called."""
    functions = context.client("lambda")
    context.until(
        lambda: functions.get_function_configuration(FunctionName=function).get("State", "Active") == "Active",
        120,
        "the function to be Active",
    )


def query(context: Context, sql: str, workgroup: str | None = None, parameters: Sequence[str] = ()) -> Any:
    """Run a query of Athena and give the execution, ended; its `Status.State` says how.

    Args:
        context: The run.
        sql: The query; tables of `database` need no other name.
        workgroup: Another than the probes' own.
        parameters: For its question marks.
    """
    athena = context.client("athena")
    started = athena.start_query_execution(
        QueryString=sql,
        WorkGroup=workgroup or context.shared(make_workgroup, "queries", None),
        QueryExecutionContext={"Database": context.shared(database), "Catalog": "AwsDataCatalog"},
        **({"ExecutionParameters": list(parameters)} if parameters else {}),
    )["QueryExecutionId"]

    def ended() -> Any:
        found = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        return found if found["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED") else None

    return context.until(ended, 120, "the query to end")


def make_workgroup(context: Context, of: str, cutoff: int | None) -> str:
    """A workgroup of Athena with engine version 3 whose results go to the probes' bucket. Its name.

    Args:
        context: The run.
        of: What it is for, as in `Context.name`.
        cutoff: Bytes that a query may scan; no limit without.
    """
    results = f"s3://{context.shared(bucket)}/{of}-results/"
    name = context.made("workgroup", context.name(of))
    context.client("athena").create_work_group(
        Name=name,
        Configuration={
            "ResultConfiguration": {"OutputLocation": results},
            "EnforceWorkGroupConfiguration": True,
            "PublishCloudWatchMetricsEnabled": False,
            "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
            **({"BytesScannedCutoffPerQuery": cutoff} if cutoff else {}),
        },
        Tags=context.tag_list,
    )
    return name


def rows(context: Context, sql: str) -> list[list[str | None]]:
    """The rows that a query gives, without the header.

    Raises:
        Differs: When it fails; the probes' queries are ones that must not.
    """
    execution = query(context, sql)
    if execution["Status"]["State"] != "SUCCEEDED":
        raise Differs(f"the query {sql!r} fails: {execution['Status'].get('StateChangeReason')}")
    return rows_of(context, execution)


def rows_of(context: Context, execution: Any) -> list[list[str | None]]:
    """The rows of a query that has succeeded, without the header."""
    athena, found = context.client("athena"), []
    for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"]):
        found += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
    return found[1:]
