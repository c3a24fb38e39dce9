"""The camera's commands against a running local cloud: they film, or one line says why they cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_lake.cli import main
from harness.camera.journal import Journal
from localcloud import LocalCloud
from localcloud.testing.files import UNEVEN, made_file, uneven_file
from localcloud.testing.footage import ORDINARY_BEHAVIOUR, TestStream
from tests.support.local_lake import describe
from tests.unit.factory_lake.camera.test_frames import refusal, sound

pytestmark = pytest.mark.cloud


@pytest.fixture
def stream(cloud: LocalCloud) -> TestStream:
    """A new stream that retains a day, on a cloud without lag."""
    cloud.control("POST", "kinesisvideo/behaviour", ORDINARY_BEHAVIOUR)
    return TestStream.create(cloud)


def film(cloud: LocalCloud, stream: str, lake: Path, *options: str) -> int:
    """Run the command for a lake in this folder."""
    describe(cloud, lake, {"video": {"krakow": {"streams": {"press-1": stream}}}})
    return main(["local", "film", "krakow/press-1", "--lake", str(lake), *options])


def test_a_file_whose_key_frames_are_unevenly_spaced(
    cloud: LocalCloud, stream: TestStream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = uneven_file(tmp_path / "given.mp4", UNEVEN, 250)
    options = ("--hours", "0.01", "--file", str(video))
    assert film(cloud, stream.name, tmp_path / "lake", *options) == 0
    sent = list(Journal(tmp_path / "lake" / "cameras.jsonl").read())
    assert capsys.readouterr().out == f"{stream.name}: {len(sent)} fragments sent\n"
    assert [fragment.length_ms for fragment in sent[:5]] == [3040, 2440, 2000, 2200, 320]
    begin_ms = sent[0].start_ms + 150 - stream.begin_ms  # nothing is listed from before the stream's beginning
    listed = stream.page(begin_ms, begin_ms + 60_000)["Fragments"]
    assert {int(each["FragmentNumber"]) for each in listed} == {fragment.number for fragment in sent}


def test_an_unknown_stream(cloud: LocalCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = film(cloud, "nobody", tmp_path / "lake", "--hours", "0.01")
    assert "stream must be one of the local cloud, got 'nobody'" in refusal(capsys, status)


def test_footage_older_than_the_stream_s_newest(
    cloud: LocalCloud, stream: TestStream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "lake"
    assert film(cloud, stream.name, lake, "--hours", "0.002") == 0
    before = (lake / "cameras.jsonl").read_text()
    capsys.readouterr()
    line = refusal(capsys, film(cloud, stream.name, lake, "--hours", "0.01"))
    assert f"--hours: footage must begin after the newest of {stream.name}, got 0.01 (" in line
    assert (lake / "cameras.jsonl").read_text() == before


@pytest.mark.parametrize("name", ["notes.mp4", "none.mp4", "sound.wav", "folder"])
def test_a_file_that_is_no_video(
    name: str, cloud: LocalCloud, stream: TestStream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.mp4").write_text("no video\n" * 100)
    (tmp_path / "folder").mkdir()
    sound(tmp_path / "sound.wav")
    options = ("--hours", "0.01", "--file", str(tmp_path / name))
    line = refusal(capsys, film(cloud, stream.name, tmp_path / "lake", *options))
    assert f"{tmp_path / name} must " in line


def test_a_file_with_another_codec(
    cloud: LocalCloud, stream: TestStream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "picture.png"
    main(["camera", "frame", str(made_file(tmp_path / "given.mp4")), "0", str(picture)])
    capsys.readouterr()
    options = ("--hours", "0.01", "--file", str(picture))
    line = refusal(capsys, film(cloud, stream.name, tmp_path / "lake", *options))
    assert f"{picture}: the video must be H.264 or H.265, got png" in line


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fragment-ms", "3000", "2000"), "20000 ms, got 3000..2000"),
        (("--fragment-ms", "0", "2000"), "must be a whole number from 1 on, got '0'"),
    ],
)
def test_what_no_camera_does(
    options: tuple[str, ...],
    words: str,
    cloud: LocalCloud,
    stream: TestStream,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert words in refusal(capsys, film(cloud, stream.name, tmp_path / "lake", *options))


def test_a_journal_that_cannot_be_written(
    cloud: LocalCloud, stream: TestStream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cameras.jsonl").mkdir()
    line = refusal(capsys, film(cloud, stream.name, tmp_path, "--hours", "0.01"))
    assert f"{tmp_path}/cameras.jsonl must be a file that can be written" in line
