"""A picture's mark survives the codec, and damage to it does not pass unseen."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.testing.encoder import SyntheticEncoder
from localcloud.testing.identity import luma
from localcloud.testing.picture import CODE_HEIGHT, CODE_WIDTH, FrameMark, camera_tag, draw, read

MARKS = st.builds(FrameMark, st.integers(0, 2**32 - 1), st.integers(0, 2**48 - 1), st.integers(0, 2**16 - 1))


@given(MARKS)
def test_a_mark_reads_back(mark: FrameMark) -> None:
    assert read(draw(mark, 160, 96)[:96]) == mark


@given(MARKS, st.integers(0, 127))
def test_a_flipped_block_makes_the_mark_unreadable(mark: FrameMark, block: int) -> None:
    picture = draw(mark, 128, 64)
    row, column = divmod(block, 16)
    area = picture[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
    area[:] = 251 - area
    assert read(picture[:64]) is None


def test_noise_has_no_mark() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (2000, CODE_HEIGHT, CODE_WIDTH), np.uint8)
    assert [read(picture) for picture in noise] == [None] * 2000


def test_a_picture_that_is_smaller_than_the_code_has_no_mark() -> None:
    assert read(np.zeros((32, 32), np.uint8)) is None


@pytest.mark.parametrize(("width", "height"), [(160, 96), (192, 112), (640, 360), (1280, 720)])
def test_marks_survive_encoding(width: int, height: int) -> None:
    footage = SyntheticEncoder("press-1", width, height, fps=25).film(1_700_000_000_000, 4_000_000_000, 20)
    with av.open(io.BytesIO(footage.document), "r") as video:
        marks = [read(luma(frame)) for frame in video.decode(video=0)]
    assert marks == [
        FrameMark(4_000_000_000 + n, 1_700_000_000_000 + 40 * n, camera_tag("press-1")) for n in range(20)
    ]


def test_marks_survive_hard_compression() -> None:
    marks = [FrameMark(n * 77_777, 1_700_000_000_000 + n, 0x5A5A) for n in range(50)]
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream: Any = container.add_stream("libx264", rate=5, options={"crf": "45", "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for mark in marks:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(mark, 160, 96), format="yuv420p")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as video:
        assert [read(luma(frame)) for frame in video.decode(video=0)] == marks


@pytest.mark.parametrize(
    ("mark", "width", "height"),
    [
        (FrameMark(0, 0, 0), 126, 96),
        (FrameMark(0, 0, 0), 160, 62),
        (FrameMark(0, 0, 0), 161, 96),
        (FrameMark(2**32, 0, 0), 160, 96),
        (FrameMark(0, 2**48, 0), 160, 96),
    ],
)
def test_what_cannot_be_drawn_is_refused(mark: FrameMark, width: int, height: int) -> None:
    with pytest.raises(ValueError, match="must"):
        draw(mark, width, height)
