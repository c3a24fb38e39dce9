"""The clip of a moment, or the gap there by name, in at most three calls to S3."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from factory_lake.camera.clips import ClipError
from factory_lake.moment.footage import MOST_CALLS, CameraArchive, Clock, Footage
from tests.support.strict import StrictClient
from tests.unit.factory_lake.moment.archive import BUCKET, PREFIX, FakeArchive

T0 = 1_772_600_000_000
SECOND = 1000


def find(archive: FakeArchive, at_ms: int, clock: Clock = "camera", copy: Path | None = None) -> Footage:
    """What is found, in no more calls than allowed, and as many as it says."""
    archive.calls.clear()
    s3: Any = StrictClient("s3", archive)
    found = CameraArchive(s3, BUCKET, PREFIX).find(at_ms, clock, copy)
    assert found.calls == len(archive.calls) <= MOST_CALLS
    return found


@pytest.mark.parametrize("seed", range(8))
def test_random_moments_of_random_archives(seed: int) -> None:
    """Every moment of footage is found, and every other one is a gap, by the camera's clock."""
    chance = random.Random(seed)
    archive = FakeArchive()
    usual_ms = chance.choice([0, 150, 2_500, -1_500])
    # A camera that sends each fragment when it is over has another one for each clip.
    jitter_ms = chance.choice([0, 1_400])
    spans = []
    at_ms = T0
    for _ in range(60):
        at_ms += chance.choice([0, 0, 0, 12_000, 60_000])
        length_ms = chance.choice([8_000, 20_000, 30_000])
        skew_ms = usual_ms + chance.randint(0, jitter_ms)
        spans.append((at_ms, at_ms + length_ms, archive.clip(at_ms, length_ms, skew_ms=skew_ms), skew_ms))
        at_ms += length_ms
    for _ in range(300):
        moment = chance.randrange(T0 - 5_000, at_ms + 5_000)
        found = find(archive, moment)
        held = next((one for one in spans if one[0] <= moment < one[1]), None)
        if held is None:
            assert found.state == ("behind" if moment >= at_ms else "silent"), found
        else:
            assert (found.state, found.key, found.offset_ms) == ("clip", held[2], moment - held[0])
            assert (found.skew_ms, found.clock, found.approximate) == (held[3], "camera", False)


def test_arrival_and_the_cameras_clock_are_told_apart() -> None:
    archive = FakeArchive()
    first = archive.clip(T0, 20_000, skew_ms=3_000)
    second = archive.clip(T0 + 20_000, 20_000, skew_ms=3_000)

    by_camera = find(archive, T0 + 21_000, "camera")
    by_arrival = find(archive, T0 + 21_000, "arrival")

    assert (by_camera.key, by_camera.offset_ms, by_camera.clock) == (second, 1_000, "camera")
    assert (by_arrival.key, by_arrival.offset_ms, by_arrival.clock) == (first, 18_000, "arrival")
    assert by_arrival.approximate
    assert find(archive, T0 + 21_000, "gateway") == by_camera


@pytest.mark.parametrize("skew_hours", [-1.5, -1, 1, 1.5])
def test_a_camera_whose_clock_is_hours_off(skew_hours: float) -> None:
    archive = FakeArchive()
    skew_ms = round(skew_hours * 3_600_000)
    clips = [archive.clip(T0 + at * 20_000, 20_000, skew_ms=skew_ms) for at in range(900)]
    found = find(archive, T0 + 450 * 20_000 + 10_000)
    assert (found.state, found.key, found.offset_ms) == ("clip", clips[450], 10_000)


def test_a_camera_whose_clock_is_farther_off_is_not_guessed_at() -> None:
    archive = FakeArchive()
    for at in range(900):
        archive.clip(T0 + at * 20_000, 20_000, skew_ms=-20 * 3_600_000)
    assert find(archive, T0 + 450 * 20_000).state == "unclear"


def test_the_last_frame_stands_until_the_next_clip_by_arrival() -> None:
    archive = FakeArchive()
    key = archive.clip(T0, 20_000)
    archive.clip(T0 + 20_700, 20_000)
    assert find(archive, T0 + 20_500, "arrival").key == key
    assert find(archive, T0 + 20_500, "camera").state == "silent"


@pytest.mark.parametrize("clock", ["arrival", "camera"])
def test_a_gap_record_names_what_is_lost(clock: Clock) -> None:
    archive = FakeArchive()
    before = archive.clip(T0, 20_000)
    record = archive.gap(T0 + 18_000, T0 + 600_000, 580_200, "expired")
    after = archive.clip(T0 + 600_000, 20_000)

    lost = find(archive, T0 + 300_000, clock)
    assert (lost.state, lost.key) == ("lost", record)
    assert "expired" in lost.why
    # The record is named after the last fragment before the gap, and that one is there to its last frame.
    for at_ms in (T0 + 18_500, T0 + 19_900):
        assert (find(archive, at_ms, clock).state, find(archive, at_ms, clock).key) == ("clip", before)
    assert find(archive, T0 + 601_000, clock).key == after


def test_by_the_cameras_clock_a_clip_has_begun_before_it_arrived() -> None:
    archive = FakeArchive()
    archive.clip(T0, 20_000, skew_ms=2_000)
    archive.gap(T0 + 20_000, T0 + 602_000, 580_000, "expired")
    after = archive.clip(T0 + 600_000, 20_000, skew_ms=2_000)
    assert find(archive, T0 + 600_500).key == after


def test_a_pause_in_which_nothing_is_lost() -> None:
    archive = FakeArchive()
    archive.clip(T0, 20_000)
    archive.gap(T0 + 18_000, T0 + 600_000, 0, "edge")
    archive.clip(T0 + 600_000, 20_000)
    assert find(archive, T0 + 300_000, "arrival").state == "silent"


def test_matroska_under_the_key_of_a_record_in_the_place_of_the_mp4_file() -> None:
    archive = FakeArchive()
    archive.gap(T0, T0, 0, "unreadable", ending=".mp4")
    key = archive.clip(T0, 20_000, number=T0, ending=".mkv")
    found = find(archive, T0 + 5_000)
    assert (found.key, found.approximate) == (key, True)


def test_an_empty_archive_and_one_that_ends_before() -> None:
    archive = FakeArchive()
    assert find(archive, T0).state == "behind"
    archive.clip(T0, 20_000)
    assert find(archive, T0 + 3_600_000).state == "behind"
    assert find(archive, T0 + 40 * 3_600_000).state == "behind"
    assert find(archive, T0 - 3_600_000, "arrival").state == "silent"


def test_a_clip_that_begins_hours_before() -> None:
    archive = FakeArchive()
    key = archive.clip(T0, 10 * 3_600_000)
    found = find(archive, T0 + 9 * 3_600_000)
    assert (found.key, found.offset_ms) == (key, 9 * 3_600_000)


def test_more_objects_than_a_page_has() -> None:
    archive = FakeArchive(page=100)
    clips = [archive.clip(T0 + at * 2_000, 2_000) for at in range(2_000)]
    found = find(archive, T0 + 3_001_000)
    assert found.key == clips[1500]
    assert archive.calls.count("list_objects_v2") == 2
    crowded = FakeArchive(page=10, objects=archive.objects)
    assert find(crowded, T0 + 3_001_000).state == "unclear"


def test_the_clip_is_written_in_the_same_calls(tmp_path: Path) -> None:
    archive = FakeArchive()
    archive.clip(T0, 20_000, skew_ms=2_000)
    key = archive.clip(T0 + 20_000, 20_000, skew_ms=2_000)
    copy = tmp_path / "clip"
    assert find(archive, T0 + 21_000, "camera", copy).key == key
    assert copy.read_bytes() == key.encode()
    assert archive.calls == ["list_objects_v2", "get_object", "get_object"]


def test_nothing_is_written_where_there_is_a_gap(tmp_path: Path) -> None:
    archive = FakeArchive()
    archive.clip(T0, 20_000)
    archive.clip(T0 + 90_000, 20_000)
    assert find(archive, T0 + 60_000, "camera", tmp_path / "clip").state == "silent"
    assert not (tmp_path / "clip").exists()


@pytest.mark.parametrize("copies", [False, True])
def test_an_object_that_is_no_clip(copies: bool, tmp_path: Path) -> None:
    archive = FakeArchive()
    key = archive.clip(T0, 20_000)
    archive.objects[key] = {"format": "mp4"}
    with pytest.raises(ClipError, match=r"must have a clip's metadata"):
        find(archive, T0 + 1_000, "camera", tmp_path / "clip" if copies else None)


def test_keys_of_others_are_skipped() -> None:
    archive = FakeArchive()
    key = archive.clip(T0, 20_000)
    archive.objects[f"{PREFIX}year=2026/notes.txt"] = {}
    archive.objects[f"{key}.bak"] = {}
    assert find(archive, T0 + 1_000).key == key
