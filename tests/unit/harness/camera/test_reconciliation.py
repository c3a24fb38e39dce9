"""The reconciliation finds every way in which an archive can be wrong."""

from __future__ import annotations

from collections.abc import Sequence

import boto3
import pytest
from moto import mock_aws

from harness.camera.journal import SentFragment
from harness.camera.reconciliation import ArchivedClip, archived_to, compare, reconcile
from localcloud.kinesisvideo import matroska
from localcloud.testing.encoder import SyntheticEncoder


def sent(number: int, frames: Sequence[str] | None = None) -> SentFragment:
    names = frames or [f"{number}{place}" for place in "abc"]
    packets = tuple(f"p{name}" for name in names)
    return SentFragment("press-1", "stream", number, 0, 3000, tuple(names), packets)


def clip(first: int, last: int, frames: str | None = None, flags: str = "") -> ArchivedClip:
    """A clip of these fragments, or of these frames."""
    held = [f"{n}{place}" for n in range(first, last + 1) for place in "abc"]
    return ArchivedClip(f"{first}.mp4", first, last, flags, tuple(held if frames is None else frames.split()))


SENT = [sent(number) for number in range(1, 7)]


def test_an_exact_archive_has_no_discrepancies() -> None:
    result = compare(SENT, [clip(1, 2), clip(3, 5), clip(6, 6)])
    assert result.is_exact
    assert result.summary() == {
        "cameras": 1,
        "fragments": 6,
        "frames": 18,
        "clips": 3,
        "fragments_lost": 0,
        "fragments_duplicated": 0,
        "frames_lost": 0,
        "frames_duplicated": 0,
        "flagged": 0,
    }


@pytest.mark.parametrize(
    ("clips", "wrong"),
    [
        pytest.param([clip(1, 2), clip(4, 6)], {"fragments_lost": 1, "frames_lost": 3}, id="a fragment skipped"),
        pytest.param([clip(1, 5)], {"fragments_lost": 1, "frames_lost": 3}, id="the end missing"),
        pytest.param([], {"fragments_lost": 6, "frames_lost": 18}, id="nothing archived"),
        pytest.param(
            [clip(1, 3), clip(3, 6)], {"fragments_duplicated": 1, "frames_duplicated": 3}, id="a fragment twice"
        ),
        pytest.param(
            [clip(1, 2, "1a 1b 1c 2a 2b"), clip(3, 6)], {"fragments_lost": 1, "frames_lost": 1}, id="a clip cut short"
        ),
        pytest.param(
            [clip(1, 2, "1a 1b 1c 2a 2b 2c 3a"), clip(3, 6)], {"frames_duplicated": 1}, id="a clip that runs on"
        ),
        pytest.param([clip(1, 2, "1a 1b 1c 9x 2a 2b 2c"), clip(3, 6)], {"frames_duplicated": 1}, id="a foreign frame"),
        pytest.param([clip(1, 2, "2a 2b 2c 1a 1b 1c"), clip(3, 6)], {}, id="fragments out of order"),
        pytest.param([clip(3, 6), clip(1, 2)], {}, id="clips out of order"),
        pytest.param([clip(1, 2, ""), clip(3, 6)], {"fragments_lost": 2, "frames_lost": 6}, id="undecodable"),
    ],
)
def test_whatever_is_wrong_is_found(clips: list[ArchivedClip], wrong: dict[str, int]) -> None:
    result = compare(SENT, clips)
    assert not result.is_exact
    names = ("fragments_lost", "fragments_duplicated", "frames_lost", "frames_duplicated")
    assert {name: value for name in names if (value := result.summary()[name])} == wrong


def test_flagged_clips_are_counted_and_no_offence_by_themselves() -> None:
    result = compare(SENT, [clip(1, 3, flags="raw"), clip(4, 6)])
    assert (result.flagged, result.is_exact) == (1, True)


def test_raw_packets_stand_for_their_frames() -> None:
    raw = " ".join(f"packet:p{n}{place}" for n in (1, 2) for place in "abc")
    assert compare(SENT, [clip(1, 2, raw, "raw"), clip(3, 6)]).is_exact
    assert not compare(SENT, [clip(1, 2, raw.replace("p1b", "p1x"), "raw"), clip(3, 6)]).is_exact


def test_frames_that_come_again_are_told_apart_by_their_fragments() -> None:
    looped = [sent(number, ["x", "y"]) for number in range(1, 5)]
    assert compare(looped, [clip(1, 2, "x y x y"), clip(3, 4, "x y x y")]).is_exact
    result = compare(looped, [clip(1, 2, "x y x y"), clip(3, 4, "x y")])
    assert (result.frames_lost, result.is_exact) == (2, False)


def test_objects_are_read_from_the_bucket_and_summed_over_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    footage = {camera: SyntheticEncoder(camera).film(0, 0, 5) for camera in ("press-1", "oven", "kiln")}
    journal = [
        SentFragment(camera, "s", 8, 0, 1000, fragment.frames, fragment.packets)
        for camera, fragment in footage.items()
    ]
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="clips")
        raw = {camera: matroska.without_codec_private(each.document) for camera, each in footage.items()}
        bodies = {**raw, "press-1": footage["press-1"].document}
        folder = "factory=krakow/camera={}/year=2026/month=01/day=02/"
        for camera, name, kind in (
            ("press-1", "8.mp4", "video/mp4"),
            ("oven", "8.mkv", "video/x-matroska"),
            ("kiln", "8.mp4", "video/x-matroska"),  # as older archives have it
        ):
            s3.put_object(
                Bucket="clips",
                Key=folder.format(camera) + "20260102T030405.678Z-" + name,
                Body=bodies[camera],
                ContentType=kind,
                Metadata={"first-fragment": "8", "last-fragment": "8"},
            )
        for name in ("8.mp4", "9.mp4"):  # records in the place of an MP4 file
            s3.put_object(
                Bucket="clips",
                Key=folder.format("oven") + "20260102T030405.678Z-" + name,
                Body=b"{}",
                ContentType="application/json",
                Metadata={"resume-fragment": "8"},
            )
        s3.put_object(Bucket="clips", Key=folder.format("oven") + "20260102T030405.678Z-8.gap.json", Body=b"{}")
        exact = reconcile(journal, s3, "clips", "krakow")
        elsewhere = reconcile(journal, s3, "clips", "lyon")
        reached = [archived_to(s3, "clips", f"factory=krakow/camera={camera}/") for camera in ("oven", "none")]
    assert reached == [8, -1]
    assert exact.is_exact
    assert (exact.cameras, exact.clips, exact.frames) == (3, 3, 15)
    assert (elsewhere.fragments_lost, elsewhere.frames_lost) == (3, 15)
