"""The demonstration's random moments: right ones count, and a clip, a frame or a gap that is wrong does not."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from factory_lake.moment.footage import Footage
from factory_lake.moment.tables import Tables
from harness.camera.camera import Camera
from harness.camera.journal import Journal, SentFragment
from harness.camera.script import Script
from harness.demo.moments import Decoded, Moments, check_camera, judge
from harness.lake.targets import CameraPlace
from localcloud import LocalCloud
from localcloud.testing.encoder import Footage as Film
from localcloud.testing.picture import FrameMark, camera_tag
from localcloud.testing.producer import Producer
from tests.terraform.queries.rows import tables
from tests.unit.harness.camera.test_kept_as_matroska import archive

T0 = 1_772_600_000_000
SENT = [SentFragment("press-1", "stream", 1, T0, 2_000, tuple(map(str, range(100, 110))), ())]
CLIP = Decoded(
    [index / 5 for index in range(10)],
    [FrameMark(100 + index, T0 + 200 * index, camera_tag("press-1")) for index in range(10)],
)
FOUND = Footage("clip", "camera", key="a", offset_ms=1_100, calls=2)


def judged(seen: Footage, clip: Decoded | None = CLIP, at_ms: int = T0 + 1_100, camera: str = "press-1") -> Moments:
    found = Moments()
    judge(found, camera, at_ms, seen, clip, SENT)
    return found


def test_the_frame_that_was_filmed_is_right_and_so_is_its_neighbour() -> None:
    assert judged(FOUND).summary() == {"tried": 1, "right": 1, "worst_frames_off": 0}
    assert judged(replace(FOUND, offset_ms=1_300)).summary()["worst_frames_off"] == 1
    assert judged(replace(FOUND, offset_ms=1_300)).is_exact


def test_what_is_wrong_does_not_count() -> None:
    off = judged(replace(FOUND, offset_ms=1_500))
    assert off.summary() == {"tried": 1, "right": 0, "worst_frames_off": 2}
    assert not off.is_exact
    assert judged(FOUND, camera="oven").right == 0
    assert judged(replace(FOUND, calls=4)).right == 0
    assert judged(Footage("silent", "camera"), None).right == 0
    assert judged(FOUND, at_ms=T0 + 2_000).right == 0
    assert judged(Footage("silent", "camera"), None, at_ms=T0 + 2_000).right == 1


def test_what_is_unclear_is_wrong() -> None:
    # The key of an object that was looked at, and whose clip another moment needed.
    assert not judged(Footage("unclear", "camera", key="a")).is_exact
    assert judged(Footage("unclear", "camera", key="a"), at_ms=T0 + 2_000).right == 0


@pytest.fixture
def clips(cloud: LocalCloud, bucket: str) -> Iterator[Tables]:
    """The table of clips over the bucket, as Athena has it."""
    glue, athena, name = cloud.client("glue"), cloud.client("athena"), "moments"
    glue.create_database(DatabaseInput={"Name": name})
    (table,) = tables({"clips": bucket})
    glue.create_table(DatabaseName=name, TableInput=table)
    athena.create_work_group(
        Name=name, Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/athena-results/"}}
    )
    yield Tables(athena, name, name)
    athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)
    glue.delete_table(DatabaseName=name, Name="clips")
    glue.delete_database(Name=name)


class LateCamera(Camera):
    """A camera that keeps its footage back and sends it in bursts of 40 fragments, four in a second."""

    arrives_ms = 0
    sent = 0

    def _send(self, footage: list[Film], offset_ms: int | None, *, more: bool = False) -> int:  # noqa: ARG002
        for one in footage:
            if self.sent % 40 == 0:
                self.arrives_ms = one.start_ms + 100_000
            self.arrives_ms += 250
            self.sent += super()._send([one], self.arrives_ms - one.start_ms)
        return len(footage)


@pytest.mark.cloud
@pytest.mark.parametrize(("kind", "minutes", "moments"), [(Camera, 14, 1_000), (LateCamera, 4, 30)])
def test_every_moment_of_an_archive_is_found(
    cloud: LocalCloud, bucket: str, tmp_path: Path, clips: Tables, kind: type[Camera], minutes: int, moments: int
) -> None:
    """Breaks, changes of the codec, clips that end early and a burst are in it, archived by the function itself."""
    camera_id = f"press-{moments}"
    stream = f"kept_krakow_{camera_id}"
    video: Any = cloud.client("kinesisvideo")
    video.create_stream(StreamName=stream, DataRetentionInHours=24)
    now_ms = time.time_ns() // 1_000_000
    script = Script(
        seed=7,
        shortest_ms=1_000,
        longest_ms=3_000,
        resolutions=((160, 96), (192, 112)),
        change_chance=0.05,
        away_chance=0.05,
    )
    journal = Journal(tmp_path / "cameras.jsonl")
    camera = kind(camera_id, Producer(video, stream), journal, script, now_ms - 300_000 - 60_000 * minutes, audio=True)
    camera.backfill(now_ms - 300_000)
    archive(cloud, bucket, tmp_path)

    found = Moments()
    place = CameraPlace("krakow", camera_id, stream)
    sent = list(journal.read())
    index = partial(clips.clips, "krakow", camera_id)
    check_camera(cloud.client("s3"), bucket, place, sent, random.Random(1), moments, found, index)

    assert found.wrong == []
    assert (found.tried, found.right) == (moments, moments)
    assert found.worst_frames_off <= 1
    assert (clips.scanned_bytes > 0) == (kind is LateCamera)
