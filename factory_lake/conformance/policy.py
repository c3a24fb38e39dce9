"""What the caller of the kit must be allowed, as `python -m harness.conformance --record` recorded it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from factory_lake.policy.documents import packed

#: Services that probes' roles are for.
_PASSED_TO = ("firehose.amazonaws.com", "iot.amazonaws.com", "lambda.amazonaws.com")
#: What gives a role more.
_BOUND = {"iam:CreateRole", "iam:PutRolePolicy"}
_BOUNDARY_KEY = "iam:PermissionsBoundary"
_ANY = "arn:{{partition}}:{}:{{region}}:{{account}}:{}"
#: What AWS asks for besides, and the local cloud does not, by resource.
DOCUMENTED: Mapping[str, Sequence[str]] = {
    # The broker's name, which a local cloud tells by its folder.
    "*": ("iot:DescribeEndpoint",),
    # Amazon Athena user guide, Control access to Amazon S3 from Athena: results are uploaded in parts.
    "arn:{partition}:s3:::factory-lake-conformance-*": (
        "s3:AbortMultipartUpload",
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
    ),
    # Amazon Athena user guide, Configure access to databases and tables in the AWS Glue Data Catalog.
    _ANY.format("glue", "database/default"): ("glue:GetDatabase",),
    _ANY.format("glue", "database/factory_lake_conformance_*"): ("glue:GetDatabase",),
    _ANY.format("glue", "catalog"): ("glue:GetDatabase",),
    # Glue deletes the tables of a database only for who may delete them (AWS Glue API, DeleteDatabase).
    _ANY.format("glue", "table/factory_lake_conformance_*"): ("glue:DeleteTable",),
    # Service Authorization Reference: creating with tags takes the permission to tag.
    _ANY.format("kinesis", "stream/factory-lake-conformance-*"): ("kinesis:AddTagsToStream", "kinesis:TagResource"),
    _ANY.format("kinesisvideo", "stream/factory-lake-conformance-*"): ("kinesisvideo:TagStream",),
}


@cache
def recorded() -> Mapping[str, Sequence[str]]:
    """The actions by resource: patterns of ARNs with {partition}, {region} and {account}."""
    text = files("factory_lake.conformance").joinpath("permissions.json").read_text(encoding="utf-8")
    found: dict[str, list[str]] = json.loads(text)
    return found


def documents(partition: str, region: str, account: str, boundary: str | None = None) -> list[dict[str, Any]]:
    """The policies, each within what IAM takes; with a permissions boundary, roles are made within it alone."""
    statements: list[dict[str, Any]] = []
    every = {name: {*recorded().get(name, ()), *DOCUMENTED.get(name, ())} for name in {*recorded(), *DOCUMENTED}}
    for pattern, actions in sorted(every.items()):
        resource = pattern.format(partition=partition, region=region, account=account)
        passed = actions & {"iam:PassRole"}
        if passed:
            condition = {"StringEquals": {"iam:PassedToService": list(_PASSED_TO)}}
            statements.append(_allow(passed, resource) | {"Condition": condition})
        bound = actions & _BOUND if boundary else set()
        if bound:
            statements.append(_allow(bound, resource) | {"Condition": {"StringEquals": {_BOUNDARY_KEY: boundary}}})
        statements.append(_allow(actions - passed - bound, resource))
    return packed(statements)


def _allow(actions: set[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}
