"""Cameras: what the archive has, what waits in the stream, what is lost, and what never was."""

from __future__ import annotations

from typing import Any

from factory_lake.coverage.evidence import CameraHistory, Footage, Loss
from factory_lake.coverage.footage import camera_timeline

NOW = 3600


def camera(**given: Any) -> CameraHistory:
    """A camera whose stream was made long before the hour, and whose footage is due after five minutes."""
    known: dict[str, Any] = {
        "camera": "press-1",
        "clips": (),
        "losses": (),
        "waiting": (),
        "created_ms": -(10**9),
        "listed_from_ms": 0,
        "due_ms": 300_000,
        "pause_ms": 7000,
        "stream": "lake_krakow_press-1",
        "metric": "BacklogSeconds",
    }
    return CameraHistory(**{**known, **given})


def footage(begin: int, end: int, flags: str = "") -> Footage:
    return Footage(begin * 1000, end * 1000, (end - begin) // 2, f"s3://clips/{begin}", flags)


def told(one: CameraHistory) -> list[tuple[str, str, int, int]]:
    spans = camera_timeline("krakow", one, 0, NOW * 1000, NOW * 1000).spans
    return [(span.state, span.reason, span.start_ms // 1000, span.end_ms // 1000) for span in spans]


def test_clips_that_follow_each_other_are_one_and_a_pause_between_them_is_silence() -> None:
    clips = (footage(-10, 58), footage(60, 120), footage(600, 660))
    assert told(camera(clips=clips)) == [
        ("data", "", 0, 120),
        ("camera_silent", "", 120, 600),
        ("data", "", 600, 660),
        ("camera_silent", "", 660, 3600),
    ]


def test_footage_in_the_stream_waits_until_its_clip_is_overdue() -> None:
    waiting = (footage(1000, 2000), footage(3400, 3598))
    assert told(camera(clips=(footage(-10, 995),), waiting=waiting)) == [
        ("data", "", 0, 1000),
        ("archiver_behind", "", 1000, 2000),
        ("camera_silent", "", 2000, 3400),
        ("waiting", "", 3400, 3600),
    ]


def test_a_gap_record_says_what_expired_and_why() -> None:
    losses = (Loss(120_000, 600_000, "expired", "s3://clips/gap.json"),)
    found = told(camera(clips=(footage(0, 120), footage(600, 3600)), losses=losses))
    assert found[1] == ("expired", "expired", 120, 600)


def test_a_clip_may_say_that_what_is_before_it_expired() -> None:
    clips = (footage(0, 120), footage(600, 3600, "unreadable,expired-before"))
    assert told(camera(clips=clips))[1] == ("expired", "expired-before", 120, 600)


def test_before_its_stream_was_made_a_camera_is_silent() -> None:
    assert told(camera(created_ms=1_800_000))[0] == ("camera_silent", "NOT_MADE", 0, 1800)


def test_what_is_past_the_retention_and_not_archived_cannot_be_told() -> None:
    found = told(camera(clips=(footage(0, 120),), listed_from_ms=1_800_000))
    assert found == [("data", "", 0, 120), ("unexplained", "", 120, 1800), ("camera_silent", "", 1800, 3600)]
