"""What an archived object really holds, read from its bytes: frames decoded, packets as they are."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from localcloud.testing.encoder import opened_video, video_packets
from localcloud.testing.errors import InputError
from localcloud.testing.identity import frame_identity


def decoded_frames(clip: Path) -> list[str]:
    """Decode a clip and return its frames' identities in the order in which they are shown.

    Raises:
        InputError: there is no such file, or it holds no video.
        av.FFmpegError: the clip does not decode to its end.
    """
    with opened_video(clip) as container:
        return [frame_identity(frame) for frame in container.decode(video=0)]


def raw_packets(document: Path) -> tuple[str, ...]:
    """Digests of the video packets of a Matroska file of fragments, whether they decode or not.

    Raises:
        localcloud.kinesisvideo.matroska.MatroskaError: it is no such file.
    """
    return video_packets(document.read_bytes())


def export_frame(clip: Path, index: int, picture: Path) -> None:
    """Write one frame of a clip as a picture, in the format that the file name says.

    Args:
        clip: video file.
        index: which frame, counted from 0.
        picture: where to.

    Raises:
        InputError: there is no such file, it holds no video or fewer frames, or the picture cannot be
            written.
        av.FFmpegError: the clip does not decode so far.
    """
    number = -1
    with opened_video(clip) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                _save(Image.fromarray(frame.to_ndarray(format="rgb24")), picture)
                return
    raise InputError(f"{clip}: the frame's index must be 0..{number}, got {index}")


def _save(image: Image.Image, picture: Path) -> None:
    try:
        picture.parent.mkdir(parents=True, exist_ok=True)
        image.save(picture)
    except (OSError, ValueError) as error:  # the latter for an ending that is no format's
        raise InputError(f"{picture}: must be a picture file that can be written, got {error}") from error
