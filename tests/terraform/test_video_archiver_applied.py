"""The video_archiver module on the local cloud, applied by the real provider: no apply loses footage."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from factory_lake.camera.reindex import Reindexed, reindex
from harness.lake.terraform import REPOSITORY, Terraform, TerraformError
from localcloud import LocalCloud
from localcloud.testing.footage import ORDINARY_BEHAVIOUR, film
from localcloud.testing.producer import Producer

pytestmark = [pytest.mark.cloud, pytest.mark.terraform]  # one apply for all; the last test lets its camera go

_ROOT = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
  backend "local" {}
}

provider "aws" {
  region                      = "eu-central-1"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

variable "cameras" {
  type = map(any)
}

module "video" {
  source             = "./modules/video_archiver"
  name               = "test"
  factory            = "krakow"
  cameras            = var.cameras
  video = {
    clip_seconds   = 10
    quiet_seconds  = 5
    settle_seconds = 1
    schedule       = "rate(6 hours)"
  }
  clips_bucket       = "%(bucket)s"
  package            = { file = "%(package)s" }
}

output "video" {
  value = module.video
}
"""


@dataclass
class Archiver:
    """An applied module.

    Attributes:
        cloud: where it is applied.
        terraform: its root module.
        bucket: the clips bucket.
        cameras: what was applied last.
    """

    cloud: LocalCloud
    terraform: Terraform
    bucket: str
    cameras: dict[str, Any] = field(default_factory=dict)

    def apply(self, cameras: dict[str, Any]) -> None:
        """Applies with these cameras."""
        self.terraform.apply({"cameras": cameras})
        self.cameras = cameras

    @property
    def outputs(self) -> Any:
        """The module's outputs."""
        return self.terraform.output()["video"]

    def log(self, command: str) -> str:
        """What a Terraform command printed last, its line breaks undone."""
        log = self.terraform.workdir / "logs" / f"terraform-{command}.log"
        return " ".join(log.read_text(encoding="utf-8").replace("\u2502", " ").split())

    def stream(self, camera: str) -> Any:
        """The stream's description."""
        video = self.cloud.client("kinesisvideo")
        return video.describe_stream(StreamName=f"test_krakow_{camera}")["StreamInfo"]


@pytest.fixture(autouse=True)
def _ordinary_behaviour(cloud: LocalCloud) -> None:
    cloud.control("POST", "kinesisvideo/behaviour", ORDINARY_BEHAVIOUR)


@pytest.fixture(scope="module")
def archiver(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archiver]:
    """The module with one camera, whose stream no apply may destroy."""
    bucket = f"clips-{uuid.uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    folder = tmp_path_factory.mktemp("video")
    shutil.copytree(REPOSITORY / "modules", folder / "modules")
    package = REPOSITORY / "build" / "packages" / "clip_fetch.zip"
    (folder / "main.tf").write_text(_ROOT % {"bucket": bucket, "package": package}, encoding="utf-8")
    shutil.copy(REPOSITORY / "environments" / "local" / ".terraform.lock.hcl", folder)
    terraform = Terraform(folder, folder / "work", cloud.environment())
    terraform.init()
    with terraform.start_provider() as provider:
        made = Archiver(cloud, terraform.with_provider(provider), bucket)
        made.apply({"press-1": {"retention_hours": 24}})
        yield made


def test_a_second_apply_changes_nothing(archiver: Archiver) -> None:
    assert archiver.terraform.changes({"cameras": archiver.cameras}) == []


def test_a_change_of_retention_leaves_the_stream_and_says_how_it_is_made(archiver: Archiver) -> None:
    before = archiver.stream("press-1")
    wanted = {"press-1": {"retention_hours": 48}}

    archiver.apply(wanted)

    assert archiver.stream("press-1") == before
    command = archiver.outputs["retention_changes"]["press-1"]
    assert "Terraform would have to replace the stream and lose its footage" in archiver.log("apply")
    # What the command says, done by boto3.
    said = dict(zip(command.split()[3::2], command.split()[4::2], strict=True))
    archiver.cloud.client("kinesisvideo").update_data_retention(
        StreamName=said["--stream-name"],
        CurrentVersion=said["--current-version"],
        Operation=said["--operation"],
        DataRetentionChangeInHours=int(said["--data-retention-change-in-hours"]),
    )
    assert archiver.stream("press-1")["DataRetentionInHours"] == 48
    assert archiver.stream("press-1")["StreamARN"] == before["StreamARN"]
    archiver.apply(wanted)
    assert archiver.outputs["retention_changes"] == {}
    assert "Warning" not in archiver.log("apply")
    assert archiver.terraform.changes({"cameras": wanted}) == []


@pytest.mark.parametrize(
    "cameras",
    [
        pytest.param({}, id="camera removed"),
        pytest.param(
            {"press-1": {"kms_key_arn": "arn:aws:kms:eu-central-1:000000000000:key/another"}}, id="key changed"
        ),
    ],
)
def test_an_apply_that_would_destroy_a_stream_is_refused(archiver: Archiver, cameras: dict[str, Any]) -> None:
    before = archiver.stream("press-1")
    with pytest.raises(TerraformError, match="prevent_destroy"):
        archiver.terraform.apply({"cameras": cameras})
    assert archiver.stream("press-1") == before


def test_footage_with_another_streams_codec_is_archived_too(archiver: Archiver) -> None:
    """A stream with the factory's prefix that nobody told Terraform of."""
    video = archiver.cloud.client("kinesisvideo")
    video.create_stream(StreamName="test_krakow_gate", DataRetentionInHours=2)
    start = int(time.time() * 1000) - 30_000
    Producer(video, "test_krakow_gate").put([film(start, width=192).document, film(start + 1000).document], 0)
    archiver.cloud.client("lambda").invoke(FunctionName=archiver.outputs["clip_function"])
    listed = archiver.cloud.client("s3").list_objects_v2(
        Bucket=archiver.bucket, Prefix="factory=krakow/camera=gate/year="
    )
    assert len(listed["Contents"]) == 2
    # Each has its row in the table: nothing is left to do.
    assert reindex(archiver.cloud.client("s3"), archiver.bucket, "krakow", "gate") == Reindexed("krakow", "gate", 2)


@pytest.mark.parametrize(
    ("name", "frames", "fps", "apart_ms", "clips"),
    [("lapse", 1, 1, 1000, 4), ("motion", 1, 10, 2500, 10), ("halves", 2, 1, 2000, 8)],
)
def test_cameras_that_film_slowly_have_clips_of_the_length_asked(
    archiver: Archiver, name: str, frames: int, fps: int, apart_ms: int, clips: int
) -> None:
    """Forty fragments of one frame or two; listed lengths say little of how long they are."""
    video, s3 = archiver.cloud.client("kinesisvideo"), archiver.cloud.client("s3")
    video.create_stream(StreamName=f"test_krakow_{name}", DataRetentionInHours=2)
    start = int(time.time() * 1000) - 150_000
    documents = [film(start + i * apart_ms, i, frames, fps=fps).document for i in range(40)]
    Producer(video, f"test_krakow_{name}").put(documents, 0)
    answer = archiver.cloud.client("lambda").invoke(FunctionName=archiver.outputs["clip_function"])
    summary = json.loads(answer["Payload"].read())
    assert (summary["errors"], summary["flagged"]) == ({}, 0)
    listed = s3.list_objects_v2(Bucket=archiver.bucket, Prefix=f"factory=krakow/camera={name}/year=")
    heads = [s3.head_object(Bucket=archiver.bucket, Key=each["Key"]) for each in listed["Contents"]]
    counts = [int(head["Metadata"]["fragments"]) for head in heads]
    assert (len(counts), sum(counts)) == (clips, 40)
    assert {head["Metadata"]["cut"] for head in heads[:-1]} == {"length"}


def test_a_camera_is_let_go_with_its_stream_left_alone(archiver: Archiver) -> None:
    before = archiver.stream("press-1")
    command = [str(REPOSITORY / "scripts" / "terraform.sh"), f"-chdir={archiver.terraform.directory}"]
    address = 'module.video.aws_kinesis_video_stream.camera["press-1"]'
    subprocess.run(
        [*command, "state", "rm", f"-state={archiver.terraform.state}", address],
        env={**os.environ, "TF_DATA_DIR": str(archiver.terraform.workdir / "data")},
        check=True,
        capture_output=True,
    )
    archiver.apply({})
    assert archiver.outputs["streams"] == {}
    assert archiver.stream("press-1") == before
