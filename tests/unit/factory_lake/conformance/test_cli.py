"""What the command refuses before anything is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from factory_lake.cli import main
from factory_lake.conformance.catalog import all_probes
from factory_lake.conformance.ledger import Ledger, Place
from tests.unit.factory_lake.fixtures import aws_in_memory, whole_outputs

REGION = ("--region", "eu-central-1")


@pytest.fixture
def account() -> Iterator[None]:
    """An account without anything in it."""
    with aws_in_memory():
        yield


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--only", "s3"), "--region must be given for AWS; --local names a local lake"),
        (("--region", "Frankfurt"), "--region must be a region like eu-central-1, got 'Frankfurt'"),
        ((*REGION, "--only", "s3_rase"), "--only must be a probe (`factory-lake conformance list`) or one of the"),
        ((*REGION, "--most-usd", "0.00001"), "--most-usd is below the estimate of "),
        ((*REGION, "--most-usd", "-1"), "Invalid value for '--most-usd': must be a number 0 or more, got '-1'"),
        ((*REGION, "--threads", "0"), "Invalid value for '--threads': must be a whole number from 1 on, got '0'"),
        (("--local", "FOLDER/outputs.json"), "--local must be a local lake's folder, got 'FOLDER/outputs.json'"),
        (
            (*REGION, "--permissions-boundary", "mine"),
            "--permissions-boundary must be the ARN of a policy, got 'mine'",
        ),
        ((*REGION,), "--yes must be given where nobody can be asked (standard input is no terminal)"),
    ],
)
@pytest.mark.usefixtures("account")
def test_a_mistake_ends_in_one_line(
    arguments: tuple[str, ...], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(whole_outputs(tmp_path)))
    given = [each.replace("FOLDER", str(tmp_path)) for each in arguments]
    assert main(["conformance", *given, "--out", str(tmp_path / "made")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith(f"error: {line.replace('FOLDER', str(tmp_path))}")
    assert not (tmp_path / "made").exists()


@pytest.mark.usefixtures("account")
def test_the_estimate_is_shown_before_anybody_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["conformance", *REGION, "--only", "s3_race", "--out", str(tmp_path)])
    first, second, _ = capsys.readouterr().err.splitlines()
    assert first.startswith("1 probes on AWS, eu-central-1; at most 0.00 USD, half an hour")
    assert second == "what they make is named factory-lake-conformance-... and is deleted at the end"


def test_the_list_has_every_probe_with_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", "list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["probe"] for each in listed] == [probe.name for probe in all_probes()]
    assert all(each["usd"] > 0 and each["belief"] and each["relied_on"] and each["source"] for each in listed)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_list_fits_a_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["conformance", "list"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= width


@pytest.fixture
def buckets_alone(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account in memory does not have all services: the kit looks for buckets alone."""
    monkeypatch.setattr("factory_lake.conformance.cli.KINDS", ("bucket",))


@pytest.mark.usefixtures("buckets_alone")
def test_clean_asks_before_it_deletes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    s3, name = boto3.client("s3"), "factory-lake-conformance-0a1b2c3d-objects"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    assert main(["conformance", "clean", *REGION, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"bucket {name}"
    assert said[-1].startswith("error: --yes must be given")
    s3.head_bucket(Bucket=name)
    assert main(["conformance", "clean", *REGION, "--out", str(tmp_path), "--yes"]) == 0
    assert s3.list_buckets()["Buckets"] == []


@pytest.mark.usefixtures("buckets_alone")
def test_clean_leaves_the_ledger_of_another_account_alone(tmp_path: Path) -> None:
    other = Ledger.begin(tmp_path, "0a1b2c3d", Place("eu-central-1", "999999999999", ""))
    assert main(["conformance", "clean", *REGION, "--out", str(tmp_path), "--yes"]) == 0
    assert other.file.exists()
