"""What is wrong with the policies of a state: wildcards without a reason, trust without a condition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EVERYWHERE = {"kinesisvideo:ListStreams": "names no stream, so AWS knows no narrower resource for it"}
"""Actions that may be allowed on `*`, each with the reason."""

_DOCUMENTS = ("policy", "assume_role_policy")
# Its attribute is what AWS gave the topic when it was made; the policy in force is the aws_sns_topic_policy.
_FORMER = "aws_sns_topic"


@dataclass(frozen=True)
class Document:
    """A policy document."""

    address: str
    kind: str
    statements: Sequence[Mapping[str, Any]]


def documents(resources: Iterable[Mapping[str, Any]]) -> Iterator[Document]:
    """Every policy document among the resources of a state; a function's permission counts as one."""
    for resource in resources:
        if resource["type"] == _FORMER:
            continue
        values = resource["values"]
        if resource["type"] == "aws_lambda_permission":
            yield Document(resource["address"], resource["type"], [_permission(values)])
        for attribute in _DOCUMENTS:
            text = values.get(attribute)
            if isinstance(text, str) and text.startswith("{"):
                statements = as_list(json.loads(text)["Statement"])
                yield Document(resource["address"], resource["type"], statements)


def _permission(values: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {"aws:SourceArn": values.get("source_arn"), "aws:SourceAccount": values.get("source_account")}
    return {
        "Effect": "Allow",
        "Principal": {"Service": values["principal"]},
        "Action": values["action"],
        "Resource": values["function_name"],
        "Condition": {"StringEquals": {key: value for key, value in conditions.items() if value}},
    }


def complaints(document: Document, account: str) -> Iterator[str]:
    """What is wrong with a document, in words."""
    for statement in document.statements:
        if statement["Effect"] != "Allow":
            continue
        where = f"{document.address}: {statement.get('Sid', statement['Action'])}"
        for action in as_list(statement["Action"]):
            if "*" in action:
                yield f"{where}: action {action}"
            for resource in as_list(statement.get("Resource", ())):
                yield from _of_resource(where, document, action, resource)
        if "NotAction" in statement or "NotResource" in statement or "NotPrincipal" in statement:
            yield f"{where}: allows all but what it names"
        if "Principal" in statement:
            yield from _of_trust(where, statement, account)


def _of_resource(where: str, document: Document, action: str, resource: str) -> Iterator[str]:
    if resource == "*":
        if action not in EVERYWHERE:
            yield f"{where}: {action} on every resource"
        return
    # A wildcard may match what is below a factory's own resource, never the factory.
    owner = re.search(r'\["([^"]+)"\]', document.address)
    before = resource.partition("*")[0]
    if "*" in resource and (owner is None or owner[1] not in before):
        yield f"{where}: {resource} reaches beyond one factory"


def _of_trust(where: str, statement: Mapping[str, Any], account: str) -> Iterator[str]:
    principal = statement["Principal"]
    services = as_list(principal.get("Service", ())) if isinstance(principal, dict) else []
    if not services:
        yield f"{where}: trusts {principal}, which is no service"
    exact = statement.get("Condition", {}).get("StringEquals", {})
    if exact.get("aws:SourceAccount") != account:
        yield f"{where}: trusts a service for any account"
    # Lambda promises no aws:SourceArn when it assumes an execution role.
    sources = {**exact, **statement.get("Condition", {}).get("ArnLike", {})}.get("aws:SourceArn", ())
    named = [source for source in as_list(sources) if f":{account}:" in source]
    if services != ["lambda.amazonaws.com"] and not (named and named == as_list(sources)):
        yield f"{where}: trusts a service for any resource"


def as_list(value: Any) -> list[Any]:
    """A member of a statement, which may be one or several."""
    return list(value) if isinstance(value, (list, tuple)) else [value]
