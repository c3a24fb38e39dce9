"""Pictures that say which frame they are, and the way back from decoded pixels.

The top left 128 x 64 pixels are a code of 16 x 8 blocks, black for 0 and white for 1. A block is 8 x 8
pixels, as large as the largest transform of H.264, so it stays readable at any quality at which anything
does. Read row by row it holds, most significant bit first: frame counter (32 bits), wall time in epoch
milliseconds (48 bits), the camera's tag (16 bits), and the CRC-32 of these twelve bytes (32 bits). The rest
of the picture is a scene that moves, so that the encoder has something to do and a person something to see.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 8
COLUMNS = 16
ROWS = 8
CODE_WIDTH = BLOCK * COLUMNS
CODE_HEIGHT = BLOCK * ROWS

Plane = npt.NDArray[np.uint8]

_BLACK, _WHITE = 16, 235  # limited range, as cameras send it
_COUNTER_MAX = 2**32
_TIME_MAX = 2**48


@dataclass(frozen=True)
class FrameMark:
    """What a picture says about itself: its number, the wall time (epoch milliseconds), and the camera's 16 bits."""

    counter: int
    time_ms: int
    tag: int


def camera_tag(camera: str) -> int:
    """The 16 bits that stand for a camera's name in its pictures."""
    return zlib.crc32(camera.encode()) & 0xFFFF


def draw(mark: FrameMark, width: int, height: int) -> Plane:
    """A picture of this frame as one array of the planes Y, U and V (yuv420p), shape (height * 3 / 2, width).

    Raises:
        ValueError: the picture is too small for the code, its sides are odd, or the mark does not fit the
            code.
    """
    if width < CODE_WIDTH or height < CODE_HEIGHT or width % 2 or height % 2:
        raise ValueError(
            f"picture must be at least {CODE_WIDTH} x {CODE_HEIGHT} with even sides, got {width} x {height}"
        )
    planes = np.empty((height * 3 // 2, width), np.uint8)
    luma = planes[:height]
    _scene(luma, planes[height:], mark.counter, width, height)
    luma[:CODE_HEIGHT, :CODE_WIDTH] = _bits(mark).repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
    return planes


def read(luma: Plane) -> FrameMark | None:
    """Read the mark from a decoded picture's luma plane; None when the picture has no intact code."""
    if luma.shape[0] < CODE_HEIGHT or luma.shape[1] < CODE_WIDTH:
        return None
    blocks = luma[:CODE_HEIGHT, :CODE_WIDTH].reshape(ROWS, BLOCK, COLUMNS, BLOCK)
    # The middle of a block is out of reach of what the codec does at its edges.
    means = blocks[:, 2:-2, :, 2:-2].mean(axis=(1, 3))
    packed = np.packbits(means > (_BLACK + _WHITE) / 2).tobytes()
    content, checksum = packed[:12], int.from_bytes(packed[12:], "big")
    if zlib.crc32(content) != checksum:
        return None
    return FrameMark(
        counter=int.from_bytes(content[:4], "big"),
        time_ms=int.from_bytes(content[4:10], "big"),
        tag=int.from_bytes(content[10:], "big"),
    )


def _bits(mark: FrameMark) -> Plane:
    if not (0 <= mark.counter < _COUNTER_MAX and 0 <= mark.time_ms < _TIME_MAX):
        raise ValueError(f"frame mark must have a 32-bit counter and a 48-bit time, got {mark}")
    content = mark.counter.to_bytes(4, "big") + mark.time_ms.to_bytes(6, "big") + mark.tag.to_bytes(2, "big")
    packed = content + zlib.crc32(content).to_bytes(4, "big")
    bits = np.unpackbits(np.frombuffer(packed, np.uint8)).reshape(ROWS, COLUMNS)
    return np.where(bits, np.uint8(_WHITE), np.uint8(_BLACK))


def _scene(luma: Plane, chroma: Plane, counter: int, width: int, height: int) -> None:
    """A conveyor: a belt at the bottom with parts that travel, a lamp at the right that blinks."""
    luma[:] = 150
    chroma[:] = 128
    belt = max(CODE_HEIGHT, height * 3 // 4)
    luma[belt:] = 60
    pitch = max(24, width // 5)
    for left in range(counter * 2 % pitch - pitch, width, pitch):
        luma[belt : belt + (height - belt) // 2, max(0, left) : max(0, left + pitch // 2)] = 200
    lamp = luma[: height // 8, width - width // 10 :]
    lamp[:] = 220 if counter // 5 % 2 else 90
