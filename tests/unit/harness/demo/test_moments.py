"""The demonstration's random moments: right ones count, and a clip, a frame or a gap that is wrong does not."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory_lake.moment.footage import Footage
from harness.camera.camera import Camera
from harness.camera.journal import Journal, SentFragment
from harness.camera.script import Script
from harness.demo.moments import Decoded, Moments, check_camera, judge
from harness.lake.targets import CameraPlace
from localcloud import LocalCloud
from localcloud.testing.picture import FrameMark, camera_tag
from localcloud.testing.producer import Producer
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
    assert judged(FOUND).summary() == {"tried": 1, "right": 1, "unclear": 0, "worst_frames_off": 0}
    assert judged(replace(FOUND, offset_ms=1_300)).summary()["worst_frames_off"] == 1
    assert judged(replace(FOUND, offset_ms=1_300)).is_exact


def test_what_is_wrong_does_not_count() -> None:
    off = judged(replace(FOUND, offset_ms=1_500))
    assert off.summary() == {"tried": 1, "right": 0, "unclear": 0, "worst_frames_off": 2}
    assert not off.is_exact
    assert judged(FOUND, camera="oven").right == 0
    assert judged(replace(FOUND, calls=4)).right == 0
    assert judged(Footage("silent", "camera"), None).right == 0
    assert judged(FOUND, at_ms=T0 + 2_000).right == 0
    assert judged(Footage("silent", "camera"), None, at_ms=T0 + 2_000).right == 1


def test_what_three_calls_do_not_tell_is_neither_right_nor_wrong_while_it_is_rare() -> None:
    # The key of an object that was looked at, and whose clip another moment needed.
    unclear = Footage("unclear", "camera", key="a")
    found = judged(unclear)
    assert found.summary() == {"tried": 1, "right": 0, "unclear": 1, "worst_frames_off": 0}
    assert not found.is_exact
    for _ in range(19):
        judge(found, "press-1", T0 + 1_100, FOUND, CLIP, SENT)
    assert found.is_exact


@pytest.mark.cloud
def test_every_moment_of_an_archive_is_found(cloud: LocalCloud, bucket: str, tmp_path: Path) -> None:
    """Breaks, changes of the codec and clips that end early are in it, archived by the function itself."""
    stream = "kept_krakow_press-7"
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
    camera = Camera("press-7", Producer(video, stream), journal, script, now_ms - 900_000, audio=True)
    camera.backfill(now_ms - 60_000)
    archive(cloud, bucket, tmp_path)

    found = Moments()
    place = CameraPlace("krakow", "press-7", stream)
    sent = list(journal.read())
    check_camera(cloud.client("s3"), bucket, place, sent, random.Random(1), 1_000, found)

    assert found.wrong == []
    assert (found.tried, found.right) == (1_000, 1_000)
    assert found.worst_frames_off <= 1
