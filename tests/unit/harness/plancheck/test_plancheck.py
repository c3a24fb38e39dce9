"""A finding that nothing explains fails, and so does an explanation of nothing."""

from pathlib import Path
from typing import Any

import pytest

from harness.plancheck.explanations import Explanation, complaints, explanations
from harness.plancheck.findings import Block, CheckovError, Finding, Scan, block_of, read_report

_BUCKET = Block("modules/storage", "aws_s3_bucket.lake")
_STORAGE_TF = """
# checkov:skip=CKV_AWS_1: of no block

resource "aws_s3_bucket" "lake" {
  # checkov:skip=CKV_AWS_18: the account has one.
  # checkov:skip=CKV2_AWS_62
  bucket = "lake"
}

resource "aws_s3_bucket" "other" {
  bucket = "other"
}
"""


def _plan() -> dict[str, Any]:
    """As much of a plan as says where its modules are."""
    storage = {"source": "../storage", "module": {}}
    lake = {"source": "../../modules/lake", "module": {"module_calls": {"storage": storage}}}
    changes = [
        {"mode": "managed", "address": 'module.lake.module.storage.aws_s3_bucket.lake["clips"]'},
        {"mode": "data", "address": "module.lake.data.aws_iot_endpoint.data"},
    ]
    configuration = {"root_module": {"module_calls": {"lake": lake}}}
    return {"configuration": configuration, "resource_changes": changes}


def _check(environment: str, address: str, check: str = "CKV_AWS_18") -> dict[str, Any]:
    """One check as checkov reports it."""
    return {
        "check_id": check,
        "check_name": "Ensure the bucket has access logging",
        "file_path": f"/{environment}.json",
        "resource": address,
    }


def _scan(*findings: Finding) -> Scan:
    """A scan that has looked at the buckets of `_BUCKET` and nothing else."""
    return Scan(frozenset({_BUCKET}), findings)


def _finding(environment: str = "prod", block: Block = _BUCKET, check: str = "CKV_AWS_18") -> Finding:
    return Finding(check, block, environment, f'module.lake.{block.resource}["clips"]', "Ensure it is logged")


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ('module.lake.module.storage.aws_s3_bucket.lake["clips"]', _BUCKET),
        ('module.lake["a.b"].module.storage["x]\\"[y"].aws_s3_bucket.lake[0]', _BUCKET),
        ("module.lake.aws_sns_topic.alarms", Block("modules/lake", "aws_sns_topic.alarms")),
        ("aws_sns_topic.alarms", Block("environments/dev", "aws_sns_topic.alarms")),
    ],
)
def test_an_address_leads_to_its_block(address: str, block: Block) -> None:
    assert block_of(address, _plan(), "dev") == block


def test_a_report_has_each_failed_check_with_its_environment_and_block() -> None:
    address = 'module.lake.module.storage.aws_s3_bucket.lake["clips"]'
    report = {
        "results": {
            "failed_checks": [_check("prod", address), _check("dev", address)],
            "passed_checks": [_check("dev", address, "CKV_AWS_21")],
        }
    }
    found = read_report(report, {"dev": _plan(), "prod": _plan()})
    assert found.planned == {_BUCKET}
    assert [(each.environment, each.check, each.block, each.address) for each in found.findings] == [
        ("dev", "CKV_AWS_18", _BUCKET, address),
        ("prod", "CKV_AWS_18", _BUCKET, address),
    ]


def test_a_plan_that_checkov_skipped_is_an_error() -> None:
    """An empty report must not look like a clean one."""
    report = {"results": {"failed_checks": [], "passed_checks": [_check("dev", "aws_s3_bucket.x")]}}
    with pytest.raises(CheckovError, match="made no check on the plan of prod"):
        read_report(report, {"dev": _plan(), "prod": _plan()})
    with pytest.raises(CheckovError, match=r"could not read /prod\.json"):
        read_report({"results": {"parsing_errors": ["/prod.json"]}}, {"prod": _plan()})


def test_an_explanation_holds_in_its_block_alone(tmp_path: Path) -> None:
    file = tmp_path / "modules" / "storage" / "buckets.tf"
    file.parent.mkdir(parents=True)
    file.write_text(_STORAGE_TF)
    name = "modules/storage/buckets.tf"
    assert list(explanations(tmp_path)) == [
        Explanation(name, 2, "CKV_AWS_1", None, "of no block"),
        Explanation(name, 5, "CKV_AWS_18", _BUCKET, "the account has one."),
        Explanation(name, 6, "CKV2_AWS_62", _BUCKET, ""),
    ]


def test_what_is_found_and_explained_is_in_order() -> None:
    explained = Explanation("buckets.tf", 5, "CKV_AWS_18", _BUCKET, "the account has one.")
    assert complaints(_scan(_finding("dev"), _finding("prod")), [explained]) == []


def test_a_finding_without_an_explanation_is_named_once_for_all_its_resources() -> None:
    explained = Explanation("buckets.tf", 5, "CKV_AWS_18", Block("modules/storage", "aws_s3_bucket.other"), "x")
    (complaint,) = complaints(_scan(_finding("dev"), _finding("prod")), [explained])
    assert complaint.startswith("modules/storage: aws_s3_bucket.lake fails CKV_AWS_18 (Ensure it is logged), dev: ")
    assert "prod: " in complaint
    assert "# checkov:skip=CKV_AWS_18: <reason>" in complaint


@pytest.mark.parametrize(
    ("explained", "complaint"),
    [
        (
            Explanation("buckets.tf", 5, "CKV_AWS_21", _BUCKET, "no longer"),
            "buckets.tf:5: checkov:skip=CKV_AWS_21 explains nothing: that check does not fail there; delete it",
        ),
        (
            Explanation("buckets.tf", 2, "CKV_AWS_18", None, "of no block"),
            "buckets.tf:2: checkov:skip=CKV_AWS_18 explains nothing: it is in no resource block; delete it",
        ),
        (
            Explanation("buckets.tf", 6, "CKV_AWS_18", _BUCKET, ""),
            "buckets.tf:6: checkov:skip=CKV_AWS_18 must give a reason behind a colon, got none",
        ),
    ],
)
def test_an_explanation_of_nothing_and_one_without_a_reason_are_named(explained: Explanation, complaint: str) -> None:
    good = Explanation("buckets.tf", 9, "CKV_AWS_18", _BUCKET, "the account has one.")
    assert complaints(_scan(_finding()), [good, explained]) == [complaint]


def test_of_a_block_that_no_plan_has_nothing_is_said() -> None:
    """Who deletes the last camera from an environment need not touch the modules."""
    explained = Explanation("clip_fetch.tf", 2, "CKV_AWS_50", Block("modules/x", "aws_lambda_function.y"), "z")
    assert complaints(_scan(), [explained]) == []
