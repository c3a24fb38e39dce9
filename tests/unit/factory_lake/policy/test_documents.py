"""Policies of what was recorded: within IAM's limits, narrow, the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from factory_lake.errors import OptionError
from factory_lake.policy.documents import MAX_CHARACTERS, WHO, Who, documents, recorded
from factory_lake.policy.resources import ANY, PATTERNS, Names

KEY = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
BOUNDARY = "arn:aws:iam::111122223333:policy/workloads"
PLANT = Names("plant-lake", "111122223333", "eu-central-1")
WHOLE = replace(PLANT, state_bucket="states", state_key="plant/terraform.tfstate", kms_keys=(KEY,))
# As long as the modules take them.
LONG = replace(WHOLE, name="factory-lake-production", suffix="manufacturing-eu", region="ap-southeast-1")


def statements(who: Who, names: Names = WHOLE, boundary: str | None = None) -> list[dict[str, Any]]:
    made = documents(who, names, boundary, force_destroy=who == "deploy")
    return [statement for document in made for statement in document["Statement"]]


def allowing(action: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [statement for statement in found if action in statement["Action"]]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("names", [PLANT, WHOLE, LONG])
def test_each_policy_is_within_the_limit_of_a_managed_policy(who: Who, names: Names) -> None:
    made = documents(who, names, BOUNDARY if who == "deploy" else None, force_destroy=who == "deploy")
    assert 1 <= len(made) <= 4
    for document in made:
        # White space counts in texts alone, and there is none in these.
        assert len("".join(json.dumps(document).split())) <= MAX_CHARACTERS
        sids = [statement["Sid"] for statement in document["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(sid.isalnum() for sid in sids)


@pytest.mark.parametrize("who", WHO)
def test_every_action_that_was_recorded_is_allowed_where_it_was_recorded(who: Who) -> None:
    found = statements(who)
    for kind, actions in recorded()[who].items():
        for action in actions:
            assert any(statement["Resource"] == WHOLE.arns(kind) for statement in allowing(action, found)), action


@pytest.mark.parametrize("who", WHO)
def test_no_action_has_a_wildcard_and_a_resource_is_anything_only_where_aws_knows_none(who: Who) -> None:
    for statement in statements(who):
        assert not any("*" in action for action in statement["Action"])
        if "*" in statement["Resource"]:
            assert statement["Action"] == recorded()[who][ANY]


def test_a_plan_only_reads_but_for_the_lock_of_the_state() -> None:
    writing = {
        (statement["Sid"], action)
        for statement in statements("plan")
        for action in statement["Action"]
        if not action.split(":")[1].startswith(("Describe", "Get", "List"))
    }
    assert writing == {("StateLock", "s3:DeleteObject"), ("StateLock", "s3:PutObject"), ("KmsKey", "kms:Decrypt")}


def test_a_plan_and_an_operator_may_nothing_that_the_deployment_could_not_read() -> None:
    planned = {action for actions in recorded()["plan"].values() for action in actions}
    assert planned <= {action for actions in recorded()["deploy"].values() for action in actions}


@pytest.mark.parametrize("who", WHO)
def test_resources_of_another_lake_are_out_of_reach(who: Who) -> None:
    other = replace(WHOLE, name="stock", state_bucket="other-states", state_key="stock.tfstate", kms_keys=())
    shared = {"iot:cert", "iot:policy", "iot:thing", "kinesis:kmsKey", "glue:rootcatalog", "names of lakes", ANY}
    shared |= {"glue default database"}
    # AWS IoT knows no lakes: clients, presence events and its log are the account's.
    shared |= {
        "clients of gateways",
        "doctor's connection",
        "presence events",
        "presence event filters",
        "log of AWS IoT",
    }
    for kind in recorded()[who].keys() - shared:
        for pattern in WHOLE.arns(kind):
            for arn in other.arns(kind):
                assert not fnmatchcase(arn.replace("*", "x"), pattern), (arn, pattern)


def test_without_keys_and_state_nothing_is_said_of_them() -> None:
    for who in WHO:
        text = json.dumps(documents(who, PLANT))
        assert "kms:ViaService" not in text
        assert "State" not in {statement["Sid"] for statement in statements(who, PLANT)}
        assert "tfstate" not in text


def test_roles_are_passed_to_the_lakes_services_alone() -> None:
    (statement,) = allowing("iam:PassRole", statements("deploy"))
    assert statement["Resource"] == ["arn:aws:iam::111122223333:role/plant-lake-*"]
    services = statement["Condition"]["StringEquals"]["iam:PassedToService"]
    assert services == ["firehose.amazonaws.com", "iot.amazonaws.com", "lambda.amazonaws.com"]


def test_with_a_boundary_a_role_gets_policies_within_it_alone() -> None:
    found = statements("deploy", boundary=BOUNDARY)
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        (statement,) = allowing(action, found)
        assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    assert not allowing("iam:DeleteRolePermissionsBoundary", found)
    assert not allowing("iam:AttachRolePolicy", found)


def test_a_lake_that_is_kept_keeps_its_objects_from_the_deployment_too() -> None:
    kept = [each for document in documents("deploy", WHOLE) for each in document["Statement"]]
    (lock,) = allowing("s3:DeleteObject", kept)
    assert lock["Sid"] == "StateLock"
    assert not allowing("s3:DeleteObjectVersion", kept)
    forced = [each["Sid"] for each in allowing("s3:DeleteObjectVersion", statements("deploy"))]
    assert forced == ["S3Object"]


def test_keys_are_used_through_services_alone() -> None:
    for who, via in {"deploy": ["lambda"], "plan": ["lambda"], "operate": ["kinesis", "lambda", "s3"]}.items():
        (statement,) = [each for each in statements(who) if each["Resource"] == [KEY]]  # type: ignore[arg-type]
        services = statement["Condition"]["StringEquals"]["kms:ViaService"]
        assert services == [f"{service}.eu-central-1.amazonaws.com" for service in via]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "Plant_Lake"}, "--name must be a lake's name: .* got 'Plant_Lake'"),
        ({"account": "1111-2222-3333"}, "--account must be 12 digits, got '1111-2222-3333'"),
        ({"account": ""}, "--account must be 12 digits, got ''"),
        ({"region": "Frankfurt"}, "--region must be a region such as eu-central-1, got 'Frankfurt'"),
        ({"suffix": "*"}, "--suffix must be .* got '\\*'"),
        ({"partition": "azure"}, "--partition must be aws, aws-cn or aws-us-gov, got 'azure'"),
        ({"role_path": "lake"}, "--role-path must begin and end with /, got 'lake'"),
        ({"state_bucket": "states"}, "--state-bucket must be given with --state-key"),
        ({"state_bucket": "*", "state_key": "k"}, "--state-bucket must be a bucket's name, got '\\*'"),
        ({"state_bucket": "states", "state_key": "*"}, "--state-key must be an object's key, got '\\*'"),
        ({"kms_keys": ("alias/lake",)}, r"--kms-key must be the ARN of a key \(not of an alias\), got 'alias/lake'"),
    ],
)
def test_what_names_nothing_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=f"^{message}$"):
        replace(PLANT, **wrong)


def test_a_boundary_must_be_a_policy() -> None:
    with pytest.raises(OptionError, match="must be the ARN of a policy, got 'workloads'"):
        documents("deploy", PLANT, "workloads")


def test_kinds_are_known() -> None:
    assert {kind for who in WHO for kind in recorded()[who]} <= PATTERNS.keys()
