"""A report can be sent to others: it has the findings, and nothing that names an account."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from factory_lake.conformance.deletion import Leftover
from factory_lake.conformance.ledger import Entry
from factory_lake.conformance.probe import Probe
from factory_lake.conformance.report import Outcome, Run, masked, write

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (f"role arn:aws:iam::{ACCOUNT}:role/a/b, so", "role <ARN>, so"),
        (f"'arn:aws-cn:s3:::bucket-{ACCOUNT}/key'", "'<ARN>'"),
        (f"bucket lake-{ACCOUNT}-clips", "bucket lake-<12 digits>-clips"),
        (f"x{ACCOUNT}9", "x<account>9"),
        ("another account 210987654321.", "another account <12 digits>."),
        ("a1b2c3d4e5f6g7-ats.iot.eu-central-1.amazonaws.com:8883", "<endpoint>:8883"),
        (f"key {'AKIA' + 'IOSFODNN7EXAMPLE'}", "key <key ID>"),
        (f"certificate {'0a' * 32}", "certificate <64 hexadecimal digits>"),
        ("from 203.0.113.7, boto3 1.43.106", "from <address>, boto3 1.43.106"),
        ("at 1772600000000 ms, 9007199254740993", "at 1772600000000 ms, 9007199254740993"),
    ],
)
def test_what_names_an_account_is_masked(text: str, instead: str) -> None:
    assert masked(text, ACCOUNT) == instead


def _probe(name: str) -> Probe:
    return Probe(name, f"The belief of {name}.", ("README.md",), "a guide", 0.01, lambda _: None)


def test_the_page_and_the_figures(tmp_path: Path) -> None:
    outcomes = [
        Outcome(_probe("a_held"), "held", "", 1.0),
        Outcome(_probe("b_differs"), "differs", f"arn:aws:s3:::b is\nread by {ACCOUNT}", 2.0),
        Outcome(_probe("c_unknown"), "could not tell", "AWS PutObject: SlowDown", 3.0),
    ]
    left = [Leftover(Entry("bucket", f"factory-lake-conformance-0a1b2c3d-{ACCOUNT}"), "AccessDenied")]
    began = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    page = write(Run("0a1b2c3d", "eu-central-1", ACCOUNT, False, began, 61.4, outcomes, left), tmp_path)
    text = page.read_text()
    assert json.loads((tmp_path / "summary.json").read_text()) == {
        "probes": 3,
        "held": 1,
        "differ": 1,
        "could_not_tell": 1,
        "leftovers": 1,
        "usd_estimate": 0.03,
    }
    assert ACCOUNT not in text
    assert "arn:aws" not in text
    assert "3 probes: 1 held, 1 differ, 1 could not tell; 1 resources left" in text
    assert "- seen: <ARN> is read by <12 digits>" in text
    assert "- why: AWS PutObject: SlowDown" in text
    assert "- relied on by: `README.md`" in text
    assert "| a_held | The belief of a_held. | 1 |" in text
    assert "- bucket `factory-lake-conformance-0a1b2c3d-<12 digits>`: AccessDenied" in text
