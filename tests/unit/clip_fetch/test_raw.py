"""Raw media: what comes is looked through for what it holds."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest

from clip_fetch.errors import InvalidMediaError
from clip_fetch.raw import get_media
from clip_fetch.spool import CHUNK, Spool
from clip_fetch.video import Endpoints, Video
from tests.support.clip_fetch_aws import STREAM, Aws, Body, plant_of


class TestRawMedia:
    """GetMediaForFragmentList's answer is looked through for what it holds."""

    def get(self, aws: Aws, numbers: list[int]) -> bytes:
        deadline, retry, _ = aws.timing()
        with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, deadline) as (file,):
            get_media(Video(STREAM, aws, Endpoints(), deadline, retry), numbers, file, deadline)
            return file.rewound().read()

    def answer(self, aws: Aws, body: bytes) -> None:
        def answered(**_: Any) -> dict[str, Any]:
            return {"ContentType": "video/webm", "Payload": Body(body)}

        aws.get_media_for_fragment_list = answered  # type: ignore[method-assign]

    def test_the_code_of_an_exception_is_read_wherever_chunks_end(self) -> None:
        aws = plant_of(STREAM)
        tag = b"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE\x44\x87\x844503"
        for cut in range(1, len(tag)):
            self.answer(aws, bytes(CHUNK - cut) + tag + bytes(100))
            with pytest.raises(InvalidMediaError, match="exception 4503"):
                self.get(aws, [1003])

    @pytest.mark.parametrize("body", [b"AWS_KINESISVIDEO_FRAGMENT_NUMBER 1003", b"1003 1004"])
    def test_what_lacks_a_fragment_or_is_none_is_noticed(self, body: bytes) -> None:
        aws = plant_of(STREAM)
        self.answer(aws, body)
        with pytest.raises(InvalidMediaError, match="incomplete"):
            self.get(aws, [1003, 1004])

    def test_a_tag_across_two_chunks_is_seen(self) -> None:
        aws = plant_of(STREAM)
        tag = b"AWS_KINESISVIDEO_FRAGMENT_NUMBER 1003"
        for cut in range(1, len(tag)):
            self.answer(aws, bytes(CHUNK - cut) + tag + bytes(100))
            self.get(aws, [1003])
