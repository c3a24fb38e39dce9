"""Role credentials for AWS services, as the services get them: by the role's trust policy.

MiniStack's AssumeRole knows users and roles as callers, but no service (``lambda.amazonaws.com``, say), so
the services that this local cloud adds come here instead. The trust policy is evaluated with MiniStack's own
policy evaluator, for the service principal and with the context that a service sets: ``aws:SourceAccount``
and ``aws:SourceArn`` (IAM User Guide, "The confused deputy problem"). What the session may do is for
MiniStack to decide at each call.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

from localcloud.control import PREFIX, Answer, route
from localcloud.settings import ACCOUNT, REGION

SESSION_SECONDS = 3600.0
_RENEW_SECONDS = 300.0


class AssumeRoleError(RuntimeError):
    """The role does not exist, or does not trust the service in this context."""


@dataclass(frozen=True)
class Credentials:
    """A role session's credentials. ``expires`` is in epoch seconds."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires: float


_sessions: dict[tuple[str, str, str], Credentials] = {}


def assume_role(role_arn: str, *, service: str, source_arn: str) -> Credentials:
    """A session of a role for a service principal that acts for the resource ``source_arn``.

    The trust policy is read at every call; a session itself is used again until it nears its end.

    Raises:
        AssumeRoleError: the role is unknown or does not trust the service in this context.
    """
    role = _role(role_arn)
    if role is None or not _trusts(role, role_arn, service, source_arn):
        raise AssumeRoleError(
            f"{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn} for {source_arn}"
        )
    # A role that was deleted and made again has a new ID, and its old sessions are worth nothing.
    held = (str(role["RoleId"]), service, source_arn)
    session = _sessions.get(held)
    if session is None or session.expires - time.time() < _RENEW_SECONDS:
        session = _sessions[held] = _new_session(role_arn, str(role["RoleId"]), service)
    return session


@route("POST", f"{PREFIX}service-credentials")
async def service_credentials(arguments: dict[str, Any]) -> Answer:
    """``assume_role`` for the services that run as processes of their own; shaped as STS's Credentials."""
    try:
        session = assume_role(
            str(arguments["role_arn"]), service=str(arguments["service"]), source_arn=str(arguments["source_arn"])
        )
    except AssumeRoleError as error:
        return 403, {"message": str(error)}
    return 200, {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "SessionToken": session.session_token,
        "Expiration": session.expires,
    }


def as_service(service: str, action: str, resource_arn: str, keys: Mapping[str, object]) -> Any:
    """The context in which MiniStack's evaluator judges what a service principal does, with these condition keys."""
    return iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource_arn,
        region=REGION,
        service_context={name.lower(): value for name, value in keys.items()},
    )


def _role(role_arn: str) -> dict[str, Any] | None:
    parts = role_arn.split(":", 5)
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "iam"] or not parts[5].startswith("role/"):
        return None
    role = iam._roles.get_scoped(parts[4], None, parts[5].rsplit("/", 1)[-1])
    return role if role is not None and role["Arn"] == role_arn else None


def _trusts(role: dict[str, Any], role_arn: str, service: str, source_arn: str) -> bool:
    document = json.loads(role["AssumeRolePolicyDocument"])
    keys = {"aws:SourceAccount": source_arn.split(":")[4], "aws:SourceArn": source_arn}
    context = as_service(service, "sts:AssumeRole", role_arn, keys)
    statements = document.get("Statement", [])
    effects = {
        statement.get("Effect")
        for statement in (statements if isinstance(statements, list) else [statements])
        if iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        and iam_evaluator._action_matches(
            context.action, _listed(statement.get("Action")), _listed(statement.get("NotAction"))
        )
        and iam_evaluator._conditions_met(statement.get("Condition", {}), context)
    }
    return effects == {"Allow"}


def _listed(value: str | list[str] | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _new_session(role_arn: str, role_id: str, service: str) -> Credentials:
    name = f"{service.partition('.')[0]}-{secrets.token_hex(8)}"
    session = Credentials(
        iam._gen_session_access_key(), iam._gen_secret(), iam._gen_session_token(), time.time() + SESSION_SECONDS
    )
    sts.register_session(
        session.access_key_id,
        {
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_arn.rsplit('/', 1)[-1]}/{name}",
            "UserId": f"{role_id}:{name}",
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": session.expires,
            "AccountId": ACCOUNT,
            "PrincipalType": "AssumedRole",
        },
    )
    return session
