"""The table of clips made anew: the same bytes as the archiver puts, and nothing that it would not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from clip_fetch import rows
from factory_lake.camera import reindex as module
from factory_lake.camera.reindex import find_cameras, reindex
from factory_lake.cli import main
from harness.simulation.generate import generate
from harness.simulation.run import FACTORY, run_history
from harness.simulation.simulated_aws import Stored
from tests.unit.factory_lake.fixtures import aws_in_memory, whole_outputs

BUCKET = "lake-clips"
#: Histories with stray objects, deleted clips, gaps, Matroska and archives that begin with the first run.
SEEDS = (1, 5, 14, 20, 24)


@pytest.fixture
def s3() -> Iterator[Any]:
    with aws_in_memory():
        client = boto3.client("s3", region_name="eu-central-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield client


def archived(seed: int) -> dict[str, Stored]:
    """What a fault history left in its bucket, less the rows of what its operator deleted."""
    outcome = run_history(generate(seed))
    gone = {rows.row_key(each.key) for each in outcome.deleted} - {
        rows.row_key(key) for key in outcome.aws.bucket.objects
    }
    return {key: stored for key, stored in outcome.aws.bucket.objects.items() if key not in gone}


def fill(s3: Any, objects: dict[str, Stored]) -> None:
    for key, stored in objects.items():
        s3.put_object(
            Bucket=BUCKET, Key=key, Body=stored.body, Metadata=stored.metadata, ContentType=stored.content_type
        )


def table(s3: Any) -> dict[str, bytes]:
    """The rows by their keys."""
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=rows.PREFIX).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed}


def all_cameras(s3: Any) -> list[module.Reindexed]:
    return [reindex(s3, BUCKET, *pair) for pair in find_cameras(s3, BUCKET, None, None)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_whole_table_comes_back_to_the_same_bytes(s3: Any, seed: int) -> None:
    objects = archived(seed)
    expected = {key: stored.body for key, stored in objects.items() if key.startswith(rows.PREFIX)}
    fill(s3, {key: stored for key, stored in objects.items() if key not in expected})
    done = all_cameras(s3)
    assert table(s3) == expected
    assert sum(each.written for each in done) == sum(each.rows for each in done) == len(expected)
    again = all_cameras(s3)
    assert table(s3) == expected
    assert sum(each.written + each.removed for each in again) == 0


def test_a_right_row_stays_a_wrong_one_is_put_and_one_of_nothing_is_removed(s3: Any) -> None:
    fill(s3, archived(3))
    expected = table(s3)
    first, second, *_ = expected
    s3.put_object(Bucket=BUCKET, Key=first, Body=b"{}\n")
    s3.delete_object(Bucket=BUCKET, Key=second)
    orphan = f"index/factory={FACTORY}/year=2020/month=01/day=02/cam-0-20200102T000000.000Z-7.mp4.json"
    beside = next(iter(expected)).replace("Z-", "Z-999")
    for key in (orphan, beside, "index/notes.txt"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}\n")
    done = all_cameras(s3)
    assert len(done) == 3
    sums = [sum(getattr(each, name) for each in done) for name in ("rows", "written", "removed")]
    assert sums == [len(expected), 2, 2]
    assert table(s3) == {**expected, "index/notes.txt": b"{}\n"}


def test_a_row_with_another_etag_is_compared_by_its_bytes(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a bucket with a KMS key are."""
    fill(s3, archived(3))
    monkeypatch.setattr(module, "_etag", lambda _body: "another")
    assert [each.written for each in all_cameras(s3)] == [0, 0, 0]


def test_a_row_whose_clip_came_since_the_archive_was_listed_stays(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = archived(3)
    fill(s3, objects)
    newest = max(key for key in objects if "/camera=cam-0/" in key)
    true_list = module._list

    def stale(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
        return (pair for pair in true_list(s3, bucket, prefix) if pair[0] != newest)

    monkeypatch.setattr(module, "_list", stale)
    expected = table(s3)
    assert [each.removed for each in all_cameras(s3)] == [0, 0, 0]
    assert table(s3) == expected


def test_a_camera_whose_id_begins_with_another_s_keeps_its_rows(s3: Any) -> None:
    objects = {key: stored for key, stored in archived(3).items() if "cam-0" in key}
    other = {
        key.replace("camera=cam-0", "camera=cam-0-2"): stored
        for key, stored in objects.items()
        if key.startswith("factory=")
    }
    fill(s3, objects)
    for key, stored in other.items():
        metadata = {**stored.metadata, "stream": stored.metadata.get("stream", "") + "-2"}
        s3.put_object(Bucket=BUCKET, Key=key, Body=stored.body, Metadata=metadata)
    one, two = all_cameras(s3)
    assert (one.camera, two.camera, one.rows, one.removed) == ("cam-0", "cam-0-2", two.rows, 0)
    assert [reindex(s3, BUCKET, FACTORY, "cam-0").removed, reindex(s3, BUCKET, FACTORY, "cam-0-2").written] == [0, 0]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with aws_in_memory():
        outputs = whole_outputs(tmp_path)
        (tmp_path / "outputs.json").write_text(
            json.dumps({**outputs, "buckets": {**outputs["buckets"], "clips": BUCKET}})
        )
        client = boto3.client("s3", region_name="eu-central-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        fill(client, {key: stored for key, stored in archived(3).items() if key.startswith("factory=")})
        common = ["camera", "reindex", "--lake", str(tmp_path / "outputs.json")]
        assert main([*common, "--camera", "cam-0"]) == 2
        assert "--camera must be given with --factory" in capsys.readouterr().err
        assert main([*common, "--factory", "lyon"]) == 2
        assert f"--factory must have clips in s3://{BUCKET}; there are none, got" in capsys.readouterr().err
        assert main([*common, "--format", "json"]) == 0
        first, *others = json.loads(capsys.readouterr().out)
        assert first["written"] == first["rows"] > 0
        assert first["rows"] + sum(other["rows"] for other in others) == len(table(client))
        assert main([*common, "--factory", FACTORY, "--camera", "cam-0"]) == 0
        printed = capsys.readouterr()
        assert f"{first['rows']} rows were there and right" in printed.out + printed.err
