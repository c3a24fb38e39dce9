"""IAM: the resource that a call is authorized on, where MiniStack named none or one of another kind.

What AWS checks is in the Service Authorization Reference. Here are the calls of which a policy could otherwise
not be as narrow here as it is on AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ministack.services import athena

Members: TypeAlias = Mapping[str, Any]
Namer: TypeAlias = Callable[[Members, str, str], str]
"""Names the resource of a call: from its members, the region and the account; empty where they name none."""


def arn_of(action: str, members: Members, region: str, account: str) -> str:
    """The ARN that a call is authorized on; empty where MiniStack's own is right.

    Args:
        action: The call's IAM action.
        members: What the call says, by the names of its API.
        region: Where it is made.
        account: For whom.
    """
    service, _, operation = action.partition(":")
    if service in _NAMES_TAGGED and operation in _TAG_OPERATIONS:
        return next((str(members[name]) for name in _TAGGED if members.get(name)), "")
    namer = _NAMERS.get(action)
    return namer(members, region, account) if namer else ""


_TAGGED: Final = ("ResourceArn", "ResourceARN", "resourceArn")
_TAG_OPERATIONS: Final = frozenset({"GetTags", "ListTagsForResource", "TagResource", "UntagResource"})
_NAMES_TAGGED: Final = frozenset({"athena", "cloudwatch", "events", "glue", "sns"})


def _named(template: str, *names: str) -> Namer:
    """Fills a template's ``{}`` with the first of these members that is given."""

    def arn(members: Members, region: str, account: str) -> str:
        value = next((members[name] for name in names if members.get(name)), None)
        # Of several, the first: one call of Terraform's provider names one.
        value = value[0] if isinstance(value, list) else value
        return template.format(value, region=region, account=account) if isinstance(value, str) else ""

    return arn


def _workgroup(members: Members, region: str, account: str) -> str:
    """The workgroup of a query that is named by its ID; of several, that of the first."""
    (query_id, *_) = members.get("NamedQueryIds") or [members.get("NamedQueryId")]
    named = athena._named_queries.get(query_id) or {}
    query = athena._executions.get(members.get("QueryExecutionId")) or {}
    name = named.get("WorkGroup") or query.get("WorkGroup")
    return f"arn:aws:athena:{region}:{account}:workgroup/{name}" if name else ""


def _topic(members: Members, _region: str, _account: str) -> str:
    """The topic of a subscription: its ARN without the last part."""
    return str(members.get("SubscriptionArn", "")).rpartition(":")[0]


def _rule(members: Members, region: str, account: str) -> str:
    """A rule on the default bus: its ARN has no bus in it."""
    name = members.get("Rule") or members.get("Name")
    is_default = members.get("EventBusName", "default") == "default"
    return f"arn:aws:events:{region}:{account}:rule/{name}" if name and is_default else ""


def _database(members: Members, region: str, account: str) -> str:
    given = members.get("DatabaseInput")
    name = members.get("Name") or (given.get("Name") if isinstance(given, dict) else "")
    return f"arn:aws:glue:{region}:{account}:database/{name}" if name else ""


def _parameters(members: Members, region: str, account: str) -> str:
    path = str(members.get("Path", "")).strip("/")
    return f"arn:aws:ssm:{region}:{account}:parameter/{path}" if path else ""


_DASHBOARD: Final = _named(
    "arn:aws:cloudwatch::{account}:dashboard/{}", "DashboardName", "DashboardNames", "DashboardNames.member.1"
)
_NAMERS: Final[Mapping[str, Namer]] = {
    "athena:CreateWorkGroup": _named("arn:aws:athena:{region}:{account}:workgroup/{}", "Name"),
    **dict.fromkeys(
        (
            "athena:BatchGetNamedQuery",
            "athena:DeleteNamedQuery",
            "athena:GetNamedQuery",
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:StopQueryExecution",
        ),
        _workgroup,
    ),
    "cloudwatch:DeleteAlarms": _named(
        "arn:aws:cloudwatch:{region}:{account}:alarm:{}", "AlarmNames", "AlarmNames.member.1"
    ),
    **dict.fromkeys(("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"), _DASHBOARD),
    **dict.fromkeys(
        (
            "events:DeleteRule",
            "events:DescribeRule",
            "events:ListTargetsByRule",
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
        ),
        _rule,
    ),
    **dict.fromkeys(
        ("glue:CreateDatabase", "glue:DeleteDatabase", "glue:GetDatabase", "glue:UpdateDatabase"), _database
    ),
    "iot:AttachPolicy": _named("{}", "target"),
    "iot:DetachPolicy": _named("{}", "target"),
    "lambda:CreateFunction": _named("arn:aws:lambda:{region}:{account}:function:{}", "FunctionName"),
    **dict.fromkeys(("sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"), _topic),
    "ssm:GetParametersByPath": _parameters,
}
