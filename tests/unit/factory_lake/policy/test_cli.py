"""`factory-lake policy`: for a lake that is applied, and for one that is not yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from factory_lake.cli import main
from factory_lake.policy.documents import documents
from factory_lake.policy.resources import Names
from tests.unit.factory_lake.fixtures import ACCOUNT, whole_outputs

NEW = ("--name", "plant-lake", "--account", "111122223333", "--region", "eu-central-1")


def printed(text: str) -> list[dict[str, Any]]:
    decoder, found = json.JSONDecoder(), []
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def test_policies_of_a_lake_that_is_not_applied_yet_are_printed_one_after_the_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["policy", "deploy", *NEW]) == 0
    assert printed(capsys.readouterr().out) == documents("deploy", Names("plant-lake", "111122223333", "eu-central-1"))


def test_the_outputs_of_a_lake_name_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = {**whole_outputs(tmp_path), "buckets": {"measurements": "lake-north-measurements"}}
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    assert main(["policy", "plan", "--lake", str(tmp_path / "outputs.json"), "--region", "eu-north-1"]) == 0
    assert printed(capsys.readouterr().out) == documents("plan", Names("lake", ACCOUNT, "eu-north-1", suffix="north"))


def test_policies_are_written_to_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "deploy", *NEW, "--out", str(tmp_path / "made")]) == 0
    files = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [file.name for file in files] == [f"plant-lake-deploy-{n}.json" for n in range(1, len(files) + 1)]
    assert [json.loads(file.read_text()) for file in files] == documents(
        "deploy", Names("plant-lake", "111122223333", "eu-central-1")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("deploy", "--name", "plant-lake"), "--account must be given with --name"),
        (("deploy", "--name", "plant-lake", "--account", "111122223333"), "--region must be given with --name"),
        (
            ("plan", *NEW, "--permissions-boundary", "arn:aws:iam::111122223333:policy/x"),
            "--permissions-boundary is for deploy: the others make no roles",
        ),
        (
            ("operate", *NEW, "--state-bucket", "states", "--state-key", "lake.tfstate"),
            "--state-bucket is for deploy and plan: commands read no state",
        ),
    ],
)
def test_options_that_do_not_go_together(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", *arguments]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"


def test_a_lake_without_a_factory_does_not_say_its_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({**whole_outputs(tmp_path), "roles": {}}))
    given = ["policy", "operate", "--lake", str(tmp_path / "outputs.json"), "--region", "eu-north-1"]
    assert main(given) == 2
    assert "give --account" in capsys.readouterr().err
    assert main([*given, "--account", ACCOUNT]) == 0
