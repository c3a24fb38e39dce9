"""A recording sorted by kind of resource, as AWS authorizes its actions."""

from __future__ import annotations

import pytest

from factory_lake.policy.documents import WHO, recorded
from factory_lake.policy.resources import ANY, PATTERNS, Names
from harness.permissions.kinds import NEEDLESS, RecordingError, by_kind, read_reference

KEY = "arn:aws:kms:eu-central-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
LAKE = Names("lake", "111122223333", "eu-central-1", state_bucket="states", state_key="lake.tfstate", kms_keys=(KEY,))
PLACE = "eu-central-1:111122223333"


@pytest.mark.parametrize(
    ("action", "arn", "types", "kinds"),
    [
        ("kinesis:CreateStream", f"arn:aws:kinesis:{PLACE}:stream/lake-a-b", ["kinesis:stream*"], {"kinesis:stream"}),
        ("s3:GetObject", "arn:aws:s3:::lake-111122223333-clips/a/b", ["s3:object"], {"s3:object"}),
        ("s3:GetBucketAcl", "arn:aws:s3:::lake-111122223333-clips", ["s3:bucket"], {"s3:bucket"}),
        ("s3:PutObject", "arn:aws:s3:::states/lake.tfstate.tflock", ["s3:object"], {"state lock"}),
        ("kms:Decrypt", KEY, ["kms:key*"], {"kms:key"}),
        # The local cloud names a resource, AWS takes none.
        ("kinesis:UpdateShardCount", f"arn:aws:kinesis:{PLACE}:stream/lake-a-b", [], {ANY}),
        # AWS asks for another kind besides, or for another one.
        (
            "kinesis:StartStreamEncryption",
            f"arn:aws:kinesis:{PLACE}:stream/lake-a-b",
            ["kinesis:kmsKey*", "kinesis:stream*"],
            {"kinesis:kmsKey", "kinesis:stream"},
        ),
        (
            "iot:AttachThingPrincipal",
            f"arn:aws:iot:{PLACE}:thing/a-b-measurements",
            ["iot:cert"],
            {"iot:cert", "iot:thing"},
        ),
        # Of the types that an action tags, the call has one.
        (
            "athena:TagResource",
            f"arn:aws:athena:{PLACE}:workgroup/lake",
            ["athena:datacatalog*", "athena:workgroup*"],
            {"athena:workgroup"},
        ),
    ],
)
def test_an_action_goes_to_the_kinds_that_aws_checks(action: str, arn: str, types: list[str], kinds: set[str]) -> None:
    assert by_kind([(action, arn)], LAKE, reference={action: types}) == {kind: [action] for kind in sorted(kinds)}


def test_what_needs_no_permission_is_left_out() -> None:
    assert by_kind([(action, "*") for action in NEEDLESS], LAKE) == {}


@pytest.mark.parametrize(
    ("action", "arn", "message"),
    [
        ("sqs:SendMessage", "*", "reference.json must have the resource types of sqs:SendMessage"),
        ("kinesis:CreateStream", "*", "the local cloud must name the resource of kinesis:CreateStream"),
        ("kinesis:CreateStream", f"arn:aws:kinesis:{PLACE}:stream/other", "must have a kind of arn:aws:kinesis"),
    ],
)
def test_what_no_policy_can_be_made_of_is_an_error(action: str, arn: str, message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        by_kind([(action, arn)], LAKE)


@pytest.mark.parametrize("who", WHO)
def test_what_is_checked_in_is_granted_on_every_resource_that_aws_requires(who: str) -> None:
    """A recording says nothing of AWS where the local cloud is less strict: the reference does."""
    granted: dict[str, set[str]] = {}
    for kind, actions in recorded()[who].items():  # type: ignore[index]
        for action in actions:
            granted.setdefault(action, set()).add(kind)
    reference = read_reference()
    for action, kinds in granted.items():
        if ANY not in kinds:
            assert reference[action], f"{action} takes no resource on AWS"
            assert {each.rstrip("*") for each in reference[action] if each.endswith("*")} & PATTERNS.keys() <= kinds
