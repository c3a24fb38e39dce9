"""A recording sorted by kind of resource, as AWS authorizes its actions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from factory_lake.policy.documents import Who
from factory_lake.policy.resources import ANY, PATTERNS, Names

#: Resource types of each action, of the Service Authorization Reference; a required one ends with an asterisk.
REFERENCE = Path(__file__).with_name("reference.json")

#: What is asked, and works as well when it is denied, or is never denied.
NEEDLESS: Mapping[str, str] = {
    "iam:GetUser": "the provider asks for the account so, and asks STS when that is denied",
    "sts:GetCallerIdentity": "AWS allows it to everybody",
}
#: What is granted on any resource although AWS knows resources for it.
UNLIMITED: Mapping[str, str] = {
    "cloudwatch:DescribeAlarms": "a list that names no alarm is authorized on all",
    "cloudwatch:GetMetricData": "metrics are no resources; datasets, which are, hold none of the lake's",
}
#: What AWS documents besides, and the local cloud does without: action and kind.
DOCUMENTED: Mapping[Who, Sequence[tuple[str, str]]] = {
    "deploy": (),
    "plan": (),
    "operate": (
        # Athena User Guide, "Configure access to databases and tables in the AWS Glue Data Catalog".
        ("glue:GetDatabase", "glue default database"),
        ("glue:GetDatabase", "glue:database"),
        ("glue:GetDatabase", "glue:rootcatalog"),
        # Athena User Guide, "Control access to Amazon S3 from Athena": results are uploaded in parts.
        ("s3:AbortMultipartUpload", "query results"),
        ("s3:ListMultipartUploadParts", "query results"),
        # What `doctor gateway` reads. It goes without what it may not read, so that no call of it fails.
        ("cloudwatch:ListMetrics", ANY),
        ("iot:ListAttachedPolicies", ANY),
        ("iot:ListPrincipalThings", ANY),
        ("iot:DescribeCertificate", "iot:cert"),
        ("iot:Connect", "doctor's connection"),
        ("iot:GetConnection", "clients of gateways"),
        ("iot:GetPolicy", "iot:policy"),
        ("iot:Receive", "presence events"),
        ("iot:GetTopicRule", "iot:rule"),
        ("iot:DescribeThing", "iot:thing"),
        ("iot:ListThingPrincipals", "iot:thing"),
        ("iot:Subscribe", "presence event filters"),
        ("logs:FilterLogEvents", "log of AWS IoT"),
    ),
}
#: Kinds that are a part of another one: an action on the whole is not repeated for the part.
_WHOLES: Mapping[str, str] = {
    "query results": "s3:object",
    "redrive records": "s3:object",
    "rows of clips": "s3:object",
}
#: Resource types of the kinds that have names of their own.
_TYPES: Mapping[str, str] = {
    "clients of gateways": "iot:client",
    "doctor's connection": "iot:client",
    "glue default database": "glue:database",
    "log of AWS IoT": "logs:log-group",
    "names of lakes": "ssm:parameter",
    "presence event filters": "iot:topicfilter",
    "presence events": "iot:topic",
    "query results": "s3:object",
    "redrive records": "s3:object",
    "rows of clips": "s3:object",
    "state": "s3:object",
    "state bucket": "s3:bucket",
    "state lock": "s3:object",
}


class RecordingError(Exception):
    """A recorded action that no policy can be made of yet; the message says what is to be done."""


def by_kind(
    recording: Iterable[tuple[str, str]],
    names: Names,
    documented: Iterable[tuple[str, str]] = (),
    reference: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[str]]:
    """The actions of a recording by kind of resource, kinds and actions sorted.

    Args:
        recording: Actions and the ARNs that they were allowed on.
        names: The lake that was recorded.
        documented: Further actions, with their kinds.
        reference: Resource types by action; those of REFERENCE without.

    Raises:
        RecordingError: An ARN is of no kind, or REFERENCE lacks an action.
    """
    types = read_reference() if reference is None else reference
    found: dict[str, set[str]] = {}
    for action, arn in sorted(set(recording)):
        if action not in NEEDLESS:
            if action not in types:
                raise RecordingError(f"{REFERENCE.name} must have the resource types of {action}")
            for kind in _kinds(action, arn, names, types[action]):
                found.setdefault(kind, set()).add(action)
    for action, kind in documented:
        found.setdefault(kind, set()).add(action)
    for part, whole in _WHOLES.items():
        found.setdefault(part, set()).difference_update(found.get(whole, ()))
    return {kind: sorted(found[kind]) for kind in sorted(found) if found[kind]}


def read_reference() -> dict[str, list[str]]:
    """Resource types by action."""
    types: dict[str, list[str]] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return types


def _kinds(action: str, arn: str, names: Names, types: Sequence[str]) -> set[str]:
    """The kinds that an action must be granted on: that of the ARN, and what AWS requires besides."""
    if not types or action in UNLIMITED:
        return {ANY}
    kind = _kind_of(arn, names)
    if kind == ANY:
        raise RecordingError(f"the local cloud must name the resource of {action}: {', '.join(types)}")
    known = [name for name in PATTERNS if _TYPES.get(name, name) in {each.rstrip("*") for each in types}]
    if kind not in known:
        return {kind, *known}
    return {kind, *(name for name in PATTERNS if f"{name}*" in types)}


def _kind_of(arn: str, names: Names) -> str:
    for kind in PATTERNS:
        if any(arn == pattern or (kind != ANY and _matches(arn, pattern)) for pattern in names.arns(kind)):
            return kind
    raise RecordingError(f"factory_lake/policy/resources.py must have a kind of {arn}")


def _matches(arn: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), arn) is not None
