"""SimulatePrincipalPolicy: roles with a path, several resources, and the context of the call.

Replaced in ``ministack.services.iam``'s operations: it found no role that has a path, looked at the first resource
alone, and evaluated conditions without the keys that the caller gives (IAM API reference, SimulatePrincipalPolicy).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from ministack.core import iam_evaluator
from ministack.services import iam

from localcloud.settings import ACCOUNT, REGION

_DECISIONS: Final = {"Allow": "allowed", "Deny": "explicitDeny"}
_GATHER: Final = {"role": "_gather_role_policies", "user": "_gather_user_policies"}


def install(_: Any) -> None:
    """Replace the operation."""
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = _simulate


def _simulate(request: Mapping[str, Any]) -> Any:
    principal = iam._p(request, "PolicySourceArn")
    kind, _, named = principal.rpartition(":")[2].partition("/")
    if kind not in _GATHER:
        return iam._error(400, "InvalidInput", f"Invalid Entity Arn: {principal}", ns="iam")
    name = named.rpartition("/")[2]
    if name not in (iam._roles if kind == "role" else iam._users):
        return iam._error(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.", ns="iam")
    policies = getattr(iam_evaluator, _GATHER[kind])(name, ACCOUNT)
    keys = dict(_context(request))
    results = "".join(
        _result(action, resource, principal, policies, keys)
        for action in _members(request, "ActionNames")
        for resource in [*_members(request, "ResourceArns")] or ["*"]
    )
    body = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return iam._xml(
        200,
        "SimulatePrincipalPolicyResponse",
        f"<SimulatePrincipalPolicyResult>{body}</SimulatePrincipalPolicyResult>",
        ns="iam",
    )


def _result(action: str, resource: str, principal: str, policies: Any, keys: Mapping[str, Any]) -> str:
    context = iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context=dict(keys),
    )
    decision = _DECISIONS.get(iam_evaluator.evaluate(context, policies).decision, "implicitDeny")
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}"
        f"</EvalResourceName><EvalDecision>{decision}</EvalDecision><MatchedStatements/><MissingContextValues/></member>"
    )


def _context(request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The context's keys, in lower case as the evaluator has them, with a list where there are several values."""
    at = 1
    while key := iam._p(request, f"ContextEntries.member.{at}.ContextKeyName"):
        values = list(_members(request, f"ContextEntries.member.{at}.ContextKeyValues"))
        yield key.lower(), values[0] if len(values) == 1 else values
        at += 1


def _members(request: Mapping[str, Any], name: str) -> Iterator[str]:
    at = 1
    while value := iam._p(request, f"{name}.member.{at}"):
        yield value
        at += 1
