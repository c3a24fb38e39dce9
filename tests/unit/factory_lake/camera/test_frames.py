"""Frames of a clip are listed and written; a mistake ends in one line that names place, rule and value."""

from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import pytest
from PIL import Image

from factory_lake.cli import main
from localcloud.testing.files import made_file


def refusal(capsys: pytest.CaptureFixture[str], status: int) -> str:
    assert status == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def sound(path: Path) -> None:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000))
    path.write_bytes(data.getvalue())


@pytest.mark.parametrize("command", ["frames", "frame"])
@pytest.mark.parametrize("name", ["notes.mp4", "none.mp4", "sound.wav", "folder", "half.mkv"])
def test_a_clip_that_is_no_video(name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.mp4").write_text("no video\n" * 100)
    (tmp_path / "folder").mkdir()
    sound(tmp_path / "sound.wav")
    whole = made_file(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) // 2])
    rest = ["5", str(tmp_path / "frame.png")] if command == "frame" else []
    line = refusal(capsys, main(["camera", command, str(tmp_path / name), *rest]))
    assert f"error: {'CLIP' if name in ('none.mp4', 'folder') else tmp_path / name} must " in line
    assert str(tmp_path / name) in line


@pytest.mark.parametrize("name", ["frame.txt", "whole.mp4/frame.png", ""])
def test_a_picture_that_cannot_be_written(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = made_file(tmp_path / "whole.mp4")
    line = refusal(capsys, main(["camera", "frame", str(clip), "0", str(tmp_path / name)]))
    assert f"error: {tmp_path / name} must be a picture file that can be written" in line


def test_a_frame_that_a_clip_does_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = made_file(tmp_path / "whole.mp4")
    line = refusal(capsys, main(["camera", "frame", str(clip), "60", str(tmp_path / "frame.png")]))
    assert f"error: {clip} has frames 0..59, got 60" in line


def test_frames_are_listed_with_their_times_and_written_as_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = made_file(tmp_path / "whole.mp4")
    assert main(["camera", "frames", str(clip), "--format", "json"]) == 0
    frames = json.loads(capsys.readouterr().out)
    assert [frame["frame"] for frame in frames] == list(range(60))
    assert frames[0]["seconds"] == 0
    assert frames[0]["key frame"] is True
    assert [frame["seconds"] for frame in frames] == sorted(frame["seconds"] for frame in frames)
    picture = tmp_path / "pictures" / "frame.png"
    assert main(["camera", "frame", str(clip), "59", str(picture)]) == 0
    with Image.open(picture) as image:
        assert image.size == (frames[59]["width"], frames[59]["height"])
