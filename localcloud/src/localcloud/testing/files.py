"""Video files as users bring them."""

from pathlib import Path
from typing import Any

import av

from localcloud.testing.picture import FrameMark, draw


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
