"""The table of who may do what, read without a lake."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.access.gateways import attempts
from harness.access.matrix import EXPECTED, differences, expected, expected_cells
from harness.access.policies import Document, complaints
from harness.access.probes import PROBES

_ACCOUNT = "111122223333"


def test_no_probe_is_there_twice() -> None:
    named = [(probe.action, probe.on, probe.operation) for probe in PROBES]
    assert len(named) == len(set(named))


def test_a_difference_is_named_both_ways() -> None:
    cell = ("rule", "measurements", "kinesis:PutRecord", "data stream", "own")
    other = ("rule", "measurements", "kinesis:PutRecord", "data stream", "foreign")
    assert differences({cell}, {cell: True, other: False}) == []
    assert differences({cell}, {cell: True, other: True}) == [
        "allowed, and the table does not allow it: rule of measurements: kinesis:PutRecord on data stream (foreign)"
    ]
    assert differences({cell}, {cell: False}) == [
        "denied, and the table allows it: rule of measurements: kinesis:PutRecord on data stream (own)"
    ]
    assert differences({cell}, {}) == [
        "in the table, and never tried: rule of measurements: kinesis:PutRecord on data stream (own)"
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('role = "rule"\nactions = ["kinesis:DeleteEverything"]\non = "data stream"\nof = ["own"]', "no probe tries"),
        ('role = "rule"\nactions = ["kinesis:PutRecord"]\non = "data stream"\nof = ["all"]', "is unknown"),
        ('role = "boss"\nactions = ["kinesis:PutRecord"]\non = "data stream"\nof = ["own"]', "is unknown"),
    ],
)
def test_a_line_that_nothing_can_hold_is_refused(tmp_path: Path, line: str, said: str) -> None:
    table = tmp_path / "expected.toml"
    table.write_text(f"[[allowed]]\n{line}\n")
    with pytest.raises(ValueError, match=said):
        expected(table)


def test_a_place_that_the_gateways_table_forgets_is_named(tmp_path: Path) -> None:
    table = tmp_path / "expected.toml"
    table.write_text(EXPECTED.read_text().replace('"any other"', '"its own"', 1))
    with pytest.raises(ValueError, match="any other"):
        attempts(table)


def test_a_line_without_a_lane_is_for_both() -> None:
    cells = expected_cells(expected())
    assert {lane for kind, lane, *_ in cells if kind == "rule"} == {"measurements", "configuration"}
    without = ("clip_fetch", "connections rule", "connections delivery")
    assert {lane for kind, lane, *_ in cells if kind in without} == {""}


_TRUST = {"Effect": "Allow", "Principal": {"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole"}
_BOUND = {
    "StringEquals": {"aws:SourceAccount": _ACCOUNT},
    "ArnLike": {"aws:SourceArn": f"arn:aws:iot:eu-central-1:{_ACCOUNT}:rule/x"},
}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/factory=krakow/*"}, []),
        (
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"},
            ["reaches beyond one factory"],
        ),
        ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}, ["on every resource"]),
        ({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b"}, ["action s3:*"]),
        ({"Effect": "Allow", "Action": "kinesisvideo:ListStreams", "Resource": "*"}, []),
        ({"Effect": "Allow", "NotAction": "iam:*", "Action": (), "Resource": "x"}, ["all but what it names"]),
        ({**_TRUST, "Condition": _BOUND}, []),
        (_TRUST, ["for any account", "for any resource"]),
        ({**_TRUST, "Condition": {**_BOUND, "ArnLike": {"aws:SourceArn": "arn:aws:iot:*"}}}, ["for any resource"]),
        ({**_TRUST, "Principal": {"AWS": "*"}, "Condition": _BOUND}, ["which is no service"]),
        ({**_TRUST, "Principal": "*", "Condition": _BOUND}, ["which is no service"]),
        (
            {
                **_TRUST,
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": _ACCOUNT}},
            },
            [],
        ),
        (
            {**_TRUST, "Condition": {**_BOUND, "StringEquals": {"aws:SourceAccount": "999999999999"}}},
            ["for any account"],
        ),
    ],
)
def test_a_statement_that_allows_too_much_is_named(statement: dict[str, object], said: list[str]) -> None:
    document = Document('module.pipeline["krakow"].aws_iam_role_policy.rule', "aws_iam_role_policy", [statement])
    found = list(complaints(document, _ACCOUNT))
    assert len(found) == len(said)
    assert all(words in complaint for words, complaint in zip(said, found, strict=True))
