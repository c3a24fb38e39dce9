"""Fragments as they were ingested: Matroska from GetMediaForFragmentList, looked through for what it holds.

The answer is a chunk for each fragment, and errors are inside it, as a tag in the fragment's place (API
model, GetMediaForFragmentListOutput.Payload).
"""

from __future__ import annotations

import re
from typing import Any, Sequence

from .deadline import Deadline
from .errors import InvalidMediaError
from .spool import SpooledFile
from .video import Video

_NUMBER_TAG = b"AWS_KINESISVIDEO_FRAGMENT_NUMBER"
_EXCEPTION_TAG = b"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE"

#: The tag's value follows its name, behind the value's own element ID and length.
_CODE_REACH = 16
_EXCEPTION = re.compile(re.escape(_EXCEPTION_TAG) + rb"[^0-9]{0,12}?([0-9]{4})", re.DOTALL)


def get_media(video: Video, numbers: Sequence[int], file: SpooledFile, deadline: Deadline) -> None:
    """Download fragments; raise ``InvalidMediaError`` where the answer tells of an error or lacks a fragment."""

    def download(client: Any) -> None:
        answer = client.get_media_for_fragment_list(
            StreamName=video.stream.name, Fragments=[str(number) for number in numbers]
        )
        marks = _Marks([_EXCEPTION_TAG, _NUMBER_TAG] + [str(number).encode() for number in numbers])
        file.fill(answer["Payload"], deadline, marks.look)
        if _EXCEPTION_TAG in marks.seen:
            raise InvalidMediaError("exception " + marks.code)
        if marks.missing:
            raise InvalidMediaError("incomplete")

    video.ask("GET_MEDIA_FOR_FRAGMENT_LIST", download)


class _Marks:
    """Which of some byte strings occur in a stream of chunks, and the code of its first exception tag."""

    def __init__(self, marks: Sequence[bytes]) -> None:
        self._wanted = set(marks)
        self._longest = max(len(mark) for mark in marks) + _CODE_REACH
        self._tail = b""
        self.code = ""
        self.seen: set[bytes] = set()

    def look(self, chunk: bytes) -> None:
        text = self._tail + chunk
        self.seen |= {mark for mark in self._wanted - self.seen if mark in text}
        if not self.code:
            code = _EXCEPTION.search(text)
            self.code = code.group(1).decode() if code else ""
        self._tail = text[-self._longest :]

    @property
    def missing(self) -> set[bytes]:
        return self._wanted - self.seen - {_EXCEPTION_TAG}
