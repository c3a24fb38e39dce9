"""Policy documents of what was recorded, for a lake of some name."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias, get_args

from factory_lake.errors import OptionError
from factory_lake.policy.resources import Names

Who: TypeAlias = Literal["deploy", "plan", "operate"]
WHO: tuple[Who, ...] = get_args(Who)
Statement: TypeAlias = dict[str, Any]

#: Characters of a managed policy, white space not counted (IAM User Guide, "IAM and AWS STS quotas").
MAX_CHARACTERS = 6144
_EMPTY = len('{"Version":"2012-10-17","Statement":[]}')

#: What gives a role more, and is bound to the permissions boundary where there is one.
_BOUND = frozenset({"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"})
#: What the deletion of a bucket with objects takes, which a lake that is kept refuses.
_FORCED = frozenset({"s3:DeleteObject", "s3:DeleteObjectVersion"})
#: Services that the lake's roles are for.
_PASSED_TO = ["firehose.amazonaws.com", "iot.amazonaws.com", "lambda.amazonaws.com"]
#: Services through which a key is used, never by itself.
_VIA: Mapping[Who, tuple[str, ...]] = {
    "deploy": ("lambda",),
    "plan": ("lambda",),
    "operate": ("kinesis", "lambda", "s3"),
}
_BOUNDARY = re.compile(r"arn:[a-z-]+:iam::(\d{12}|aws):policy/.+")


@cache
def recorded() -> Mapping[Who, Mapping[str, Sequence[str]]]:
    """The actions that each needs, by kind of resource."""
    text = files("factory_lake.policy").joinpath("permissions.json").read_text(encoding="utf-8")
    found: dict[Who, dict[str, list[str]]] = json.loads(text)
    return found


def documents(
    who: Who, names: Names, boundary: str | None = None, *, force_destroy: bool = False
) -> list[dict[str, Any]]:
    """The policies, each within what IAM takes.

    Args:
        who: Whom they are for.
        names: The lake.
        boundary: ARN of the permissions boundary that each role of the lake must have.
        force_destroy: Whether objects may be deleted, for a lake that is made to be thrown away.

    Raises:
        OptionError: The boundary is no policy's ARN.
    """
    if boundary is not None and not _BOUNDARY.fullmatch(boundary):
        raise OptionError("--permissions-boundary", "must be the ARN of a policy", boundary)
    left_out = frozenset[str]() if force_destroy else _FORCED
    return packed(_statements(who, names, boundary, left_out))


def packed(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    """As few policies of these statements as IAM takes."""
    groups: list[list[Statement]] = []
    for statement in statements:
        if groups and _size([*groups[-1], statement]) <= MAX_CHARACTERS:
            groups[-1].append(statement)
        else:
            groups.append([statement])
    return [{"Version": "2012-10-17", "Statement": group} for group in groups]


def _size(statements: Iterable[Statement]) -> int:
    parts = [len(json.dumps(each, separators=(",", ":"))) for each in statements]
    return _EMPTY + sum(parts) + len(parts) - 1


def _statements(who: Who, names: Names, boundary: str | None, left_out: frozenset[str]) -> Iterator[Statement]:
    for kind, actions in recorded()[who].items():
        resources = names.arns(kind)
        free = set(actions) - (left_out if kind == "s3:object" else set())
        if not resources or not free:
            continue
        passed = free & {"iam:PassRole"}
        bound = set(_BOUND) if boundary is not None and "iam:CreateRole" in free else set()
        if passed:
            yield _allow("PassRoles", passed, resources, {"StringEquals": {"iam:PassedToService": _PASSED_TO}})
        if bound:
            yield _allow("BoundRoles", bound, resources, {"StringEquals": {"iam:PermissionsBoundary": boundary}})
        if kind == "kms:key":
            domain = "amazonaws.com.cn" if names.partition == "aws-cn" else "amazonaws.com"
            via = [f"{service}.{names.region}.{domain}" for service in _VIA[who]]
            yield _allow(_sid(kind), free, resources, {"StringEquals": {"kms:ViaService": via}})
        else:
            yield _allow(_sid(kind), free - bound - passed, resources)


def _allow(
    sid: str, actions: Iterable[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> Statement:
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources,
    }
    return {**statement, "Condition": condition} if condition else statement


def _sid(kind: str) -> str:
    """A kind as a statement's ID, which has letters and digits only."""
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", kind)) or "AnyResource"
