"""The MP4 parser: durations of both forms, and files that are not whole."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch import mp4
from clip_fetch.errors import InvalidMediaError
from harness import media
from harness.media import box, full_box, sample_table, track


def duration_ms(content: bytes) -> int:
    """Of a file with this content."""
    return playback(content).duration_ms


def playback(content: bytes) -> mp4.Playback:
    """Of a file with this content."""
    return mp4.playback(io.BytesIO(content), len(content))


def test_the_video_track_s_samples_make_the_duration() -> None:
    video = track(sample_table((50, 3600), (1, 1800)), timescale=90_000)
    audio = track(sample_table((1000, 1024)), 2, b"soun", 8000)
    assert duration_ms(box(b"moov", video + audio) + box(b"mdat", b"")) == 2020


def test_frames_are_counted_by_how_long_they_are_shown() -> None:
    video = track(sample_table((2, 3600), (1, 90_000), (3, 3600), (2, 2970)), timescale=90_000)
    found = playback(box(b"moov", video) + box(b"mdat", b""))
    assert found == (1266, 8, ((40.0, 5), (33.0, 2), (1000.0, 1)))


def test_the_movie_box_may_come_last() -> None:
    video = track(sample_table((2, 500)))
    assert duration_ms(box(b"mdat", bytes(1000)) + box(b"moov", video)) == 1000


def test_wide_headers_and_boxes() -> None:
    tkhd = full_box(b"tkhd", struct.pack(">QQIIQ", 0, 0, 1, 0, 0) + bytes(60), version=1)
    mdhd = full_box(b"mdhd", struct.pack(">QQIQHH", 0, 0, 1000, 0, 0, 0), version=1)
    hdlr = full_box(b"hdlr", struct.pack(">I4s12x", 0, b"vide") + b"\0")
    tables = box(b"minf", box(b"stbl", full_box(b"stts", sample_table((2, 500)))))
    video = box(b"trak", tkhd + box(b"mdia", mdhd + hdlr + tables))
    wide_mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + 5) + b"media"
    assert duration_ms(box(b"moov", video) + wide_mdat) == 1000


def test_a_last_box_of_size_zero_reaches_to_the_end() -> None:
    video = track(sample_table((2, 500)))
    assert duration_ms(box(b"moov", video) + struct.pack(">I4s", 0, b"mdat") + b"media") == 1000


def fragmented(*fragments: bytes) -> bytes:
    """A movie without samples, then movie fragments."""
    trex = full_box(b"trex", struct.pack(">IIIII", 1, 1, 40, 0, 0))
    moov = box(b"moov", track(sample_table()) + box(b"mvex", trex))
    return moov + b"".join(box(b"moof", box(b"traf", each)) + box(b"mdat", b"x") for each in fragments)


def test_movie_fragments_with_a_duration_for_each_sample() -> None:
    tfhd = full_box(b"tfhd", struct.pack(">I", 1))
    trun = full_box(b"trun", struct.pack(">II", 2, 0) + struct.pack(">IIII", 40, 9, 60, 9), flags=0x301)
    assert playback(fragmented(tfhd + trun, tfhd + trun)) == (200, 4, ((40.0, 2), (60.0, 2)))


def test_movie_fragments_with_the_track_s_default_duration() -> None:
    tfhd = full_box(b"tfhd", struct.pack(">I", 1))
    assert playback(fragmented(tfhd + full_box(b"trun", struct.pack(">I", 25)))) == (1000, 25, ((40.0, 25),))


def test_movie_fragments_with_a_default_of_their_own() -> None:
    tfhd = full_box(b"tfhd", struct.pack(">IQII", 1, 0, 1, 20), flags=0x0B)
    assert duration_ms(fragmented(tfhd + full_box(b"trun", struct.pack(">I", 25)))) == 500


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="not a box"),
        pytest.param(box(b"ftyp", b"isom"), id="no movie"),
        pytest.param(box(b"moov", track(sample_table((1, 1)))), id="no media"),
        pytest.param(box(b"moov", track(sample_table((1, 1)), handler=b"soun")) + box(b"mdat", b""), id="no video"),
        pytest.param(box(b"moov", track(sample_table((1, 1)), timescale=0)) + box(b"mdat", b""), id="no time scale"),
        pytest.param(box(b"moov", track(struct.pack(">I", 9))) + box(b"mdat", b""), id="short table"),
        pytest.param(struct.pack(">I4s", 7, b"moov"), id="a size below its header"),
        pytest.param(struct.pack(">I4sQ", 1, b"mdat", 2**60), id="a size beyond the file"),
        pytest.param(fragmented(full_box(b"tfhd", struct.pack(">I", 7))), id="an unknown track"),
    ],
)
def test_what_is_not_a_whole_movie_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidMediaError, match="damaged"):
        duration_ms(content)


@given(st.integers(0, 10**6), st.data())
def test_no_cut_goes_unnoticed(length_ms: int, data: st.DataObject) -> None:
    """A download that ends early never passes for whole."""
    content = media.mp4([(1, length_ms)], data.draw(st.binary(max_size=50)))
    assert duration_ms(content) == length_ms
    shorter = content[: data.draw(st.integers(0, len(content) - 1))]
    with pytest.raises(InvalidMediaError):
        duration_ms(shorter)


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    with pytest.raises(InvalidMediaError):
        duration_ms(noise)


@pytest.mark.parametrize("options", [{}, {"movflags": "frag_keyframe+empty_moov"}, {"movflags": "faststart"}])
def test_a_real_encoder_s_file(tmp_path: Path, options: dict[str, str]) -> None:
    av = pytest.importorskip("av", reason="there is no PyAV for this Python")
    path = tmp_path / "real.mp4"
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "25", "bf": "0"})
        stream.width = stream.height = 64
        for index in range(75):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert playback(path.read_bytes())[:2] == (3000, 75)
