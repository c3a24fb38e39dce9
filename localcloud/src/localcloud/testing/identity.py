"""How frames and packets are identified, from the camera's side and from the archive's side alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, cast

import av

from localcloud.testing import picture

_DIGEST_BYTES = 8


def frame_identity(frame: av.VideoFrame) -> str:
    """The identity of a decoded frame: the counter in its code, or else a digest of its pixels."""
    mark = picture.read(luma(frame))
    return pixels_digest(frame) if mark is None else str(mark.counter)


def luma(frame: av.VideoFrame) -> picture.Plane:
    """The luma plane of a decoded frame, shape (height, width)."""
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    planes = cast(picture.Plane, frame.to_ndarray())
    return planes[: frame.height]


def pixels_digest(frame: Any) -> str:
    """A digest of a decoded frame's pixels; H.264 decoding is exact, so it is the same everywhere."""
    return "px-" + hashlib.blake2b(frame.to_ndarray().tobytes(), digest_size=_DIGEST_BYTES).hexdigest()


def packet_digests(packets: Iterable[bytes]) -> tuple[str, ...]:
    """Digests of encoded video frames, which an archive that does not re-encode keeps."""
    return tuple(hashlib.blake2b(packet, digest_size=_DIGEST_BYTES).hexdigest() for packet in packets)
