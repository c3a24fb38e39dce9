"""The frames of a video file.

av and Pillow are imported where a file is decoded: several commands may export a frame, and seldom do.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory_lake.camera.clips import ClipError

if TYPE_CHECKING:
    import av
    from PIL import Image


@dataclass(frozen=True)
class Frame:
    """A frame as it is shown."""

    index: int
    seconds: float | None  # when it is shown, from the file's beginning; None where the file does not say
    is_key: bool  # whether it decodes without others
    width: int
    height: int


def list_frames(file: Path, place: object) -> list[Frame]:
    """Every frame of a video, decoded.

    Raises:
        ClipError: When the file is no video, or does not decode to its end.
    """
    return [
        Frame(index, None if frame.time is None else round(frame.time, 3), frame.key_frame, frame.width, frame.height)
        for index, frame in enumerate(_decoded(file, place))
    ]


def export_frame(file: Path, index: int, picture: Path, place: object) -> None:
    """Write one frame as a picture, in the format that the picture's name says.

    Raises:
        ClipError: When the file is no video or has no such frame, or the picture's format is unknown.
    """
    from PIL import Image

    number = -1
    for number, frame in enumerate(_decoded(file, place)):
        if number == index:
            _save(Image.fromarray(frame.to_ndarray(format="rgb24")), picture)
            return
    raise ClipError(place, f"has frames 0..{number}", index)


def frame_at(seconds: Sequence[float | None], offset_ms: int) -> int:
    """Which frame is shown at an offset: the last one that has begun by then, or else the first.

    Args:
        seconds: When each frame is shown, from the file's beginning, in order; None where the file does not say.
        offset_ms: The offset.
    """
    known = [(round(one * 1000), at) for at, one in enumerate(seconds) if one is not None]
    found = bisect_right(known, (offset_ms, len(seconds))) - 1
    return known[found][1] if found >= 0 else 0


def export_frame_at(file: Path, offset_ms: int, picture: Path, place: object) -> int:
    """Write the frame that is shown at an offset, and give its index.

    Raises:
        ClipError: When the file is no video that decodes, or the picture cannot be written.
    """
    index = frame_at([frame.seconds for frame in list_frames(file, place)], offset_ms)
    export_frame(file, index, picture, place)
    return index


def _save(image: "Image.Image", picture: Path) -> None:
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        image.save(picture)
    except (OSError, ValueError) as error:  # the latter for an ending that is no format's
        raise ClipError(picture, f"must be a picture file that can be written: {error}") from error


def _decoded(file: Path, place: object) -> Iterator["av.VideoFrame"]:
    import av

    try:
        with av.open(str(file)) as container:
            if not container.streams.video:
                raise ClipError(place, "must have a video track")
            yield from container.decode(video=0)
    except av.FFmpegError as error:
        raise ClipError(place, f"must be a video that decodes: {error.strerror or error}") from error
