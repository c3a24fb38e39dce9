"""What an archived object really holds, read from its bytes: frames decoded, packets as they are."""

from __future__ import annotations

from pathlib import Path

import av
from PIL import Image

from localcloud.testing.encoder import video_packets
from localcloud.testing.identity import frame_identity


def decoded_frames(clip: Path) -> list[str]:
    """Decodes a clip and returns its frames' identities in the order in which they are shown.

    Raises:
        av.FFmpegError: the clip does not decode to its end.
    """
    with av.open(str(clip)) as container:
        return [frame_identity(frame) for frame in container.decode(video=0)]


def raw_packets(document: Path) -> tuple[str, ...]:
    """Digests of the video packets of a Matroska file of fragments, whether they decode or not.

    Raises:
        localcloud.kinesisvideo.matroska.MatroskaError: it is no such file.
    """
    return video_packets(document.read_bytes())


def export_frame(clip: Path, index: int, picture: Path) -> None:
    """Writes one frame of a clip as a picture, in the format that the file name says.

    Args:
        clip: video file.
        index: which frame, counted from 0.
        picture: where to.

    Raises:
        IndexError: the clip has fewer frames.
    """
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                picture.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(frame.to_ndarray(format="rgb24")).save(picture)
                return
    raise IndexError(f"{clip} has {number + 1} frames, so none has the index {index}")
