"""IAM: what a call is authorized for besides its own action, and what conditions can say about it.

Replaced in ``ministack.core.iam_actions``:

* ``extract_iam_action``: took some of Lambda's operations for others (PutFunctionEventInvokeConfig for
  UpdateFunctionCode, say). They are told by the service's model, as those of other services are.
* ``extract_resource_arn``: a role's ARN lacked its path; a few calls were checked on ``*`` or on the ARN of
  another kind of resource (``iam_resources``).
* ``access_denied_response``: names the permission that was missing, if that is not the call's own action.

Replaced in ``ministack.core.iam_evaluator``:

* ``enforce``: a caller that gives a service a role needed no ``iam:PassRole`` for it (IAM User Guide, "Granting
  a user permissions to pass a role to an AWS service"), and one that creates something with tags no permission
  to tag it. Calls on roles lacked the condition key ``iam:PermissionsBoundary``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.core import iam_actions, iam_evaluator
from ministack.services import iam

from localcloud.patches import iam_resources
from localcloud.patches.requests import members_of

#: Services that are given roles, and the principals that take them.
_TAKES_ROLES: Final = {
    "events": "events.amazonaws.com",
    "firehose": "firehose.amazonaws.com",
    "iot": "iot.amazonaws.com",
    "lambda": "lambda.amazonaws.com",
    "logs": "logs.amazonaws.com",
}
#: GetConnection's path, which names the client that it is authorized on.
_CONNECTIONS: Final = "/connections/"
_ROLE_ARN: Final = re.compile(r"arn:aws:iam::\d{12}:role/.+")
#: The boundary that a call sets, which its condition key speaks of; other calls have the role's own.
_SETS_BOUNDARY: Final = frozenset({"iam:CreateRole", "iam:PutRolePermissionsBoundary"})
_HAS_BOUNDARY: Final = _SETS_BOUNDARY | {
    "iam:AttachRolePolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePolicy",
}
#: Operations of Lambda whose action is called otherwise.
_LAMBDA_ACTIONS: Final = {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"}
#: What creates with tags, and the action that tags.
_TAGS_ON_CREATION: Final = {
    "athena:CreateWorkGroup": "athena:TagResource",
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "events:PutRule": "events:TagResource",
    "firehose:CreateDeliveryStream": "firehose:TagDeliveryStream",
    "glue:CreateDatabase": "glue:TagResource",
    "iam:CreateRole": "iam:TagRole",
    "iot:CreatePolicy": "iot:TagResource",
    "iot:CreateTopicRule": "iot:TagResource",
    "lambda:CreateFunction": "lambda:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "sns:CreateTopic": "sns:TagResource",
    "ssm:PutParameter": "ssm:AddTagsToResource",
}


@dataclass(frozen=True)
class _Request:
    """What a request says beyond its action.

    Attributes:
        service: MiniStack's name of the service.
        members: Its JSON body, or its form.
        headers: Its headers.
    """

    service: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_tags(self) -> bool:
        """Whether it names tags for what it creates."""
        given = any(name.lower() in ("tags", "x-amz-tagging") and value for name, value in self.members.items())
        return given or bool(self.headers.get("x-amz-tagging")) or "Tags.member.1.Key" in self.members

    @property
    def passed_roles(self) -> set[str]:
        """ARNs of the roles that it gives the service."""
        return set(_roles_in(self.members)) if self.service in _TAKES_ROLES else set()


_action: ContextVar[str] = ContextVar("requested_action", default="")
_request: ContextVar[_Request | None] = ContextVar("authorized_request", default=None)
_missing: ContextVar[tuple[str, str] | None] = ContextVar("missing_permission", default=None)


def install(_app: object) -> None:
    """Put the corrections into MiniStack."""
    _read_requests()
    _check_further_actions()
    _name_missing_action()


def _read_requests() -> None:
    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]
    name_action, extract = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def extract_iam_action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> str | None:
        operation = iam_actions._match_rest_action(service, method, path, query) if service == "lambda" else None
        action: str | None = (
            f"lambda:{_LAMBDA_ACTIONS.get(operation, operation)}"
            if operation
            else name_action(service, method, path, headers, body, query)
        )
        _action.set(action or "")
        return action

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: Any,
        region: str,
        account: str,
    ) -> str:
        members = members_of(body) if body[:1] == b"{" else {name: _first(value) for name, value in query.items()}
        _request.set(_Request(service, members, headers))
        _missing.set(None)
        arn = str(extract(service, method, path, headers, body, query, region, account))
        if service == "iam" and ":role/" in arn:
            return _role_arn(arn, str(members.get("Path", "/")))
        if service == "iot-data" and path.startswith(_CONNECTIONS):
            return f"arn:aws:iot:{region}:{account}:client/{path.removeprefix(_CONNECTIONS)}"
        return iam_resources.arn_of(_action.get(), members, region, account) or arn

    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn


def _role_arn(arn: str, path: str) -> str:
    """A role's ARN with its path: the one that it has, or the one that it is to be created with."""
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name)
    return str(role["Arn"]) if role else f"arn:aws:iam::{account}:role{path}{name}"


def _check_further_actions() -> None:
    check = iam_evaluator.enforce

    def enforce(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        request = _request.get() or _Request()
        context = {**(service_context or {})}
        if action in _HAS_BOUNDARY:
            context["iam:PermissionsBoundary"] = _boundary(action, resource_arn, request)
        denied = check(access_key, action, service, region, resource_arn=resource_arn, service_context=context)
        if denied is not None or request.service != service:
            return denied
        # Once a request: what else is checked on its behalf comes through here too.
        _request.set(None)
        for further, arn, keys in _further(action, resource_arn, request):
            denied = check(access_key, further, service, region, resource_arn=arn, service_context=keys)
            if denied is not None:
                _missing.set((further, arn))
                return denied
        return None

    iam_evaluator.enforce = enforce


def _boundary(action: str, role_arn: str, request: _Request) -> str | None:
    if action in _SETS_BOUNDARY:
        return request.members.get("PermissionsBoundary") or None
    role = iam._roles.get_scoped(role_arn.split(":")[4], None, role_arn.rpartition("/")[2])
    return (role or {}).get("PermissionsBoundary") or None


def _further(action: str, resource_arn: str, request: _Request) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The permissions that a call needs besides its own: action, resource and condition keys."""
    for role in sorted(request.passed_roles):
        yield "iam:PassRole", role, {"iam:PassedToService": _TAKES_ROLES[request.service]}
    if action in _TAGS_ON_CREATION and request.has_tags:
        yield _TAGS_ON_CREATION[action], resource_arn, {}


def _name_missing_action() -> None:
    answer = iam_actions.access_denied_response

    def access_denied_response(service: str, action: str, *rest: Any, **named: Any) -> Any:
        missing = _missing.get()
        if missing is not None:
            action, named["resource_arn"] = missing
        return answer(service, action, *rest, **named)

    iam_actions.access_denied_response = access_denied_response


def _roles_in(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for member, inner in value.items():
            yield from _roles_in(inner, member)
    elif isinstance(value, list):
        for inner in value:
            yield from _roles_in(inner, name)
    elif name.lower() in ("role", "rolearn") and isinstance(value, str) and _ROLE_ARN.fullmatch(value):
        yield value


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value
