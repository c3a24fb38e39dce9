"""Media of simulated fragments: files that a parser takes for MP4 and Matroska, with the fragments' names in them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness import media

_NUMBERS = b"fragments:"


def mp4(runs: Sequence[tuple[int, int]], numbers: Sequence[int]) -> bytes:
    """A movie of so many frames that are shown for so many milliseconds each, run by run."""
    return media.mp4(runs, _named(*numbers))


def mkv(numbers: Sequence[int]) -> bytes:
    """Documents as GetMediaForFragmentList gives them: the fragment's number, a cluster of one frame."""
    return b"".join(
        media.mkv(0, [(0, _named(number))], {"AWS_KINESISVIDEO_FRAGMENT_NUMBER": str(number)}) for number in numbers
    )


def numbers_in(body: bytes) -> list[int]:
    """The fragments of either."""
    lists = (part[: part.index(b"]") + 1] for part in body.split(_NUMBERS)[1:])
    return [int(text) for each in lists for text in json.loads(each)]


def _named(*numbers: int) -> bytes:
    return _NUMBERS + json.dumps([str(number) for number in numbers]).encode()
