"""Video files as users bring them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from localcloud.testing.picture import FrameMark, draw

#: Key frames of a real video, unevenly spaced.
UNEVEN = (0, 30, 76, 137, 187, 242)


def made_file(path: Path, frames: int = 60, gop: int = 12, bframes: int = 2, **options: str) -> Path:
    """A video file with B frames and a key frame every ``gop`` frames, 24 frames a second."""
    with av.open(str(path), "w") as container:
        settings = {"x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}:open-gop=0"}
        stream: Any = container.add_stream("libx264", rate=24, options=settings | options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(frames):
            picture = draw(FrameMark(index, 0, 0), 160, 96)
            picture[:64, :128] = picture[:64, :128][::-1]  # no code that anybody could read
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def uneven_file(path: Path, keys: Sequence[int], frames: int, rate: int = 25) -> Path:
    """A video with key frames at these, which are worth more than a few bytes as those of a real one are."""
    noise = np.random.default_rng(1).integers(16, 235, (88, 160), np.uint8)
    with av.open(str(path), "w") as container:
        settings = {"x264-params": "keyint=infinite:scenecut=0:bframes=2:open-gop=0"}
        stream: Any = container.add_stream("libx264", rate=rate, options=settings)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(frames):
            picture = draw(FrameMark(index, 0, 0), 160, 96)
            picture[8:96] = noise
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = index
            if index in keys:
                frame.pict_type = PictureType.I
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
