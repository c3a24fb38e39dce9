"""A mistake of the user's ends in one line that names place, rule and value, and in status 2."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import pytest

from tests.camera.test_encoder import made_file
from tools.camera.__main__ import main


def refusal(capsys: pytest.CaptureFixture[str], status: int) -> str:
    """The one line that was said."""
    assert status == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line


def sound(path: Path) -> None:
    """A second of silence."""
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000))
    path.write_bytes(data.getvalue())


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "soon"])
def test_spans_of_time_are_numbers_from_0_on(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["film", f"--hours={value}"])
    assert stopped.value.code == 2
    assert f"argument --hours: must be a number from 0 on, got '{value}'" in capsys.readouterr().err


def test_a_folder_without_a_local_cloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--workdir", str(tmp_path), "--stream", "s", "--camera", "c", "--journal", str(tmp_path / "j")]
    assert f"film: {tmp_path}: no local cloud runs here" in refusal(capsys, main(["film", *where]))


@pytest.mark.parametrize("command", ["frames", "frame"])
@pytest.mark.parametrize("name", ["notes.mp4", "none.mp4", "sound.wav", "folder", "half.mkv"])
def test_a_clip_that_is_no_video(
    name: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.mp4").write_text("no video\n" * 100)
    (tmp_path / "folder").mkdir()
    sound(tmp_path / "sound.wav")
    whole = made_file(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) // 2])
    rest = ["5", str(tmp_path / "frame.png")] if command == "frame" else []
    line = refusal(capsys, main([command, str(tmp_path / name), *rest]))
    assert f"{command}: {tmp_path / name}: " in line
    assert "must " in line


@pytest.mark.parametrize("name", ["frame.txt", "whole.mp4/frame.png", ""])
def test_a_picture_that_cannot_be_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = made_file(tmp_path / "whole.mp4")
    line = refusal(capsys, main(["frame", str(clip), "0", str(tmp_path / name)]))
    assert f"frame: {tmp_path / name}: must be a picture file that can be written" in line


def test_a_frame_that_a_clip_does_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = made_file(tmp_path / "whole.mp4")
    line = refusal(capsys, main(["frame", str(clip), "60", str(tmp_path / "frame.png")]))
    assert f"{clip}: the frame's index must be 0..59, got 60" in line
