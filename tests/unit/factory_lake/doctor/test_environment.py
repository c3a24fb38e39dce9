"""What is read from an environment's folder, and what the checks make of it and of the account."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory_lake.doctor.account import Account, Room
from factory_lake.doctor.environment import CODE_HASHES, Environment, read_environment
from factory_lake.doctor.lake_checks import diagnose, needs
from factory_lake.doctor.model import CANNOT_TELL, CAUSE, OK, Unknown
from factory_lake.errors import LakeError
from factory_lake.gateway.csr import make_csr
from factory_lake.gateway.identities import LANES
from factory_lake.module_interface import REPOSITORY
from tests.unit.docs.pages import anchors

ACCOUNT = "111122223333"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The environment `dev` with requests and packages, as someone has it before the first apply."""
    made = tmp_path / "repository" / "environments" / "dev"
    shutil.copytree(REPOSITORY / "environments" / "dev", made, ignore=shutil.ignore_patterns(".terraform*", "tests"))
    for lane in LANES:
        make_csr(f"krakow-line-1-{lane}", "first", made / "csr", tmp_path / "keys")
    packages = tmp_path / "repository" / "build" / "packages"
    packages.mkdir(parents=True)
    for name in ("transform.zip", "clip_fetch.zip"):
        (packages / name).write_bytes(b"zip")
    (made / "backend.hcl").write_text('bucket = "states"\nregion = "eu-central-1"\n')
    return made


@pytest.fixture
def account() -> Account:
    rooms = {name: Room(0, 100, "AWS's default") for name in needs({})}
    return Account(
        account=ACCOUNT,
        region="eu-central-1",
        terraform="1.12.0",
        rooms=rooms,
        buckets={f"factory-lake-dev-{ACCOUNT}-{name}": "free" for name in (*LANES, "clips")},
        streams=(),
        lakes=(),
        state="versioned",
    )


def causes(environment: Environment, account: Account) -> dict[str, str]:
    return {one.check: one.sentence for one in diagnose(environment, account) if one.verdict == CAUSE}


def test_the_repository_s_environments_are_read(folder: Path, account: Account) -> None:
    found = read_environment(folder)
    assert (found.name, found.account, found.region) == ("factory-lake-dev", ACCOUNT, "eu-central-1")
    assert (found.backend, found.terraform) == ("states", ">= 1.11")
    assert sorted(found.client_ids) == [f"krakow-line-1-{lane}" for lane in sorted(LANES)]
    assert {one.verdict for one in diagnose(found, account)} == {OK}
    local = read_environment(REPOSITORY / "environments" / "local")
    assert local.backend == ""
    assert len(list(local.client_ids)) == 6


def test_findings_name_headings_that_are_there(folder: Path, account: Account) -> None:
    for one in diagnose(read_environment(folder), account):
        page, _, heading = one.mend.partition("#")
        assert heading in anchors(REPOSITORY / page), one.mend


def test_what_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"must be an environment's folder"):
        read_environment(tmp_path)
    (tmp_path / "main.tf").write_text('module "a" {\n  source = "../other"\n}\n')
    with pytest.raises(LakeError, match=r"must have one call of modules/lake, got 0"):
        read_environment(tmp_path)
    (tmp_path / "main.tf").write_text("module {{")
    with pytest.raises(LakeError, match=r"main\.tf: must be HCL|must be HCL"):
        read_environment(tmp_path)


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"terraform": "1.10.5"}, "terraform", "must be >= 1.11, got 1.10.5"),
        ({"terraform": Unknown("terraform is not on the PATH")}, "terraform", "not on the PATH"),
        ({"account": "999999999999"}, "credentials", "account_id is 111122223333"),
        ({"state": "missing"}, "state", "is not there"),
        ({"state": "unversioned"}, "state", "keeps no versions"),
        ({"lakes": ("factory-lake-prod",)}, "lakes", "factory-lake-prod is there already"),
        ({"buckets": {"factory-lake-dev-1-clips": "taken"}}, "names", "give the lake a `suffix`"),
        ({"buckets": {"factory-lake-dev-1-clips": "own"}}, "names", "is there already"),
        ({"streams": ("factory-lake-dev-krakow-measurements",)}, "names", "is there already"),
    ],
)
def test_what_is_in_the_way_of_an_apply(
    folder: Path, account: Account, changes: dict[str, Any], check: str, words: str
) -> None:
    found = causes(read_environment(folder), replace(account, **changes))
    assert list(found) == [check]
    assert words in found[check]


@pytest.mark.parametrize("quota", sorted(set(needs({})) - {"executions", "on-demand streams", "video streams"}))
def test_a_quota_without_room(folder: Path, account: Account, quota: str) -> None:
    """The one factory of `dev` has no camera, whose quotas it does not need."""
    full = replace(account, rooms={**account.rooms, quota: Room(100, 100, "AWS's default")})
    found = causes(read_environment(folder), full)
    needed = needs(read_environment(folder).factories)[quota]  # type: ignore[arg-type]
    assert list(found) == ([f"quota of {quota}"] if needed else [])


def test_what_a_plan_needs() -> None:
    factories = {
        "krakow": {
            "gateways": ["a"],
            "cameras": {"c": {}, "d": {}},
            "video": {"shards": 6, "reserved_concurrency": 3},
        },
        "lyon": {
            "gateways": ["b"],
            "lanes": {
                "measurements": {"stream": {"on_demand": True}, "transform": {"reserved_concurrency": 5}},
                "configuration": {"stream": {"shards": 4}},
            },
            "alarms": {"messages": {"disabled": ["rule-failed"]}},
        },
    }
    assert needs(factories) == {
        "executions": 8,
        "on-demand streams": 1,
        "shards": 6,
        "delivery streams": 6,
        "topic rules": 8,
        "alarms": 10,
        "video streams": 2,
        "schedule rules": 2,
        "roles": 17,
    }


def test_lambda_keeps_executions_that_nobody_may_reserve(account: Account, folder: Path) -> None:
    environment = read_environment(folder)
    reserving = {
        "krakow": {"gateways": ["line-1"], "lanes": {"measurements": {"transform": {"reserved_concurrency": 5}}}}
    }
    some = replace(account, rooms={**account.rooms, "executions": Room(0, 104, "")})
    assert list(causes(replace(environment, factories=reserving), some)) == ["quota of executions"]
    enough = replace(account, rooms={**account.rooms, "executions": Room(0, 105, "")})
    assert causes(replace(environment, factories=reserving), enough) == {}


def test_a_map_of_factories_that_is_computed(folder: Path, account: Account) -> None:
    (folder / "factories.tf").write_text('locals {\n  factories = { for f in ["a"] : f => {} }\n}\n')
    verdicts = {one.check: one.verdict for one in diagnose(read_environment(folder), account)}
    assert verdicts["requests"] == verdicts["quotas"] == CANNOT_TELL


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"-----BEGIN PRIVATE KEY-----", "private key"),
        (b"-----BEGIN NEW CERTIFICATE REQUEST-----", "take the word NEW out"),
        (b"hello", "must hold one certificate signing request, got 0"),
        (
            b"-----BEGIN CERTIFICATE REQUEST-----\nx\n-----END CERTIFICATE REQUEST-----\n",
            "must be a certificate signing",
        ),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_file_that_is_no_request(folder: Path, account: Account, content: bytes, words: str) -> None:
    (folder / "csr" / "krakow-line-1-measurements" / "first.pem").write_bytes(content)
    found = causes(read_environment(folder), account)
    assert list(found) == ["requests"]
    assert words in found["requests"]
    assert content.decode(errors="replace") not in found["requests"] or content == b"hello"


def test_requests_that_are_missing_or_of_nobody(folder: Path, account: Account) -> None:
    (folder / "csr" / "krakow-line-1-measurements").rename(folder / "csr" / "krakow-line1-measurements")
    assert "1 of 2 client IDs have no" in causes(read_environment(folder), account)["requests"]
    shutil.copytree(folder / "csr" / "krakow-line1-measurements", folder / "csr" / "krakow-line-1-measurements")
    assert "krakow-line1-measurements" in causes(read_environment(folder), account)["requests"]


def test_packages(folder: Path, account: Account) -> None:
    packages = folder.parents[1] / "build" / "packages"
    digest = base64.b64encode(hashlib.sha256(b"zip").digest()).decode()
    (packages / CODE_HASHES).write_text(json.dumps({"transform.zip": digest}))
    assert causes(read_environment(folder), account) == {}
    (packages / "transform.zip").write_bytes(b"another")
    assert "has the digest" in causes(read_environment(folder), account)["packages"]
    (packages / "transform.zip").unlink()
    assert "cannot be read" in causes(read_environment(folder), account)["packages"]
