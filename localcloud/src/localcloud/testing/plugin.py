"""Fixtures for pytest: a running local cloud, buckets and roles in it.

Name it with ``-p localcloud.testing.plugin``.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud import LocalCloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One running cloud for a test session; tests make resources of their own names in it."""
    with LocalCloud.start(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def bucket(cloud: LocalCloud) -> str:
    """The name of a new, empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    place = {"LocationConstraint": cloud.region}
    cloud.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return name


@pytest.fixture
def make_role(cloud: LocalCloud) -> Callable[..., str]:
    """Make a role that a service may assume and that these statements allow something; give its ARN."""

    def make(service: str, *statements: dict[str, Any], condition: dict[str, Any] | None = None) -> str:
        iam = cloud.client("iam")
        name = f"role-{uuid.uuid4().hex[:12]}"
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=_document([{**trust, **({"Condition": condition} if condition else {})}]),
        )
        if statements:
            document = _document([{"Effect": "Allow", **statement} for statement in statements])
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
        return str(role["Role"]["Arn"])

    return make


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
