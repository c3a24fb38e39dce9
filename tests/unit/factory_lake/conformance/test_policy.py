"""The caller's policy: the kit's own resources, and lists."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from factory_lake.cli import main
from factory_lake.conformance.policy import DOCUMENTED, documents, recorded
from factory_lake.policy.documents import MAX_CHARACTERS

#: What is allowed on any resource changes none, but for certificates and metrics, which have no names before they are.
_READS = re.compile(r"\w+:(Describe|Get|List|Simulate)\w+$")
_UNNAMED = {"cloudwatch:PutMetricData", "iot:CreateCertificateFromCsr"}


def test_what_changes_something_is_limited_to_the_kits_own_names() -> None:
    for pattern, actions in {**recorded(), **DOCUMENTED}.items():
        own = re.search(r"factory[-_]lake[-_]conformance", pattern)
        changing = {action for action in actions if not _READS.match(action)}
        # A table is made in the catalog too, and certificates have numbers for names.
        if not own and not re.search(r":catalog$|:cert/\*$", pattern):
            assert changing <= _UNNAMED, pattern


def test_the_recording_names_no_run_and_no_account() -> None:
    text = json.dumps(recorded())
    assert not re.search(r"[0-9a-f]{8}", text)


def test_each_policy_fits_iam(capsys: pytest.CaptureFixture[str]) -> None:
    made = documents("aws-cn", "cn-north-1", "123456789012")
    assert all(len(json.dumps(each, separators=(",", ":"))) <= MAX_CHARACTERS for each in made)
    assert main(["conformance", "policy", "--region", "cn-north-1", "--account", "123456789012"]) == 0
    printed = capsys.readouterr().out
    assert not re.search(r"\{(partition|region|account)\}", printed)
    assert printed.count('"Version"') == len(made)


def _statements(action: str) -> list[dict[str, Any]]:
    made = documents("aws", "eu-central-1", "*")
    return [each for document in made for each in document["Statement"] if action in each["Action"]]


def test_roles_are_passed_to_the_probes_services_alone() -> None:
    (passes,) = _statements("iam:PassRole")
    assert passes["Resource"] == "arn:aws:iam::*:role/factory-lake-conformance/eu-central-1/*"
    services = passes["Condition"]["StringEquals"]["iam:PassedToService"]
    assert set(services) == {"firehose.amazonaws.com", "iot.amazonaws.com", "lambda.amazonaws.com"}
