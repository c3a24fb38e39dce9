"""The edge to Kinesis Video Streams."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from clip_fetch.errors import UnfitMedia
from clip_fetch.model import Fragment, Stream
from clip_fetch.spool import CHUNK, Spool
from clip_fetch.video import Endpoints, Video

from tests.clip_fetch.aws import HOUR, T0, Aws, Body, error, footage

STREAM = Stream("lake_krakow_a", "a", T0 - HOUR, 24 * HOUR)


def plant(fragments: int = 10) -> Aws:
    """One camera."""
    aws = Aws()
    aws.fragments[STREAM.name] = footage(fragments)
    aws.now_ms = T0 + HOUR
    return aws


def edge(aws: Aws, endpoints: Endpoints) -> Video:
    """To that camera."""
    return Video(STREAM, aws, endpoints, aws.pace())


def test_a_listing_is_complete_and_in_the_order_of_numbers_as_integers() -> None:
    aws = plant()
    aws.page = 3
    aws.fragments[STREAM.name] = footage(12, first=995)  # 995 to 1006: as texts, 1000 comes first
    assert edge(aws, Endpoints()).list_fragments(T0, T0 + HOUR) == aws.fragments[STREAM.name]
    assert aws.calls == ["GetDataEndpoint"] + ["ListFragments"] * 4


def test_a_listing_keeps_milliseconds() -> None:
    aws = plant()
    odd = Fragment(7, T0 + 123, T0 - 456, 1999, 5)
    aws.fragments[STREAM.name] = [odd]
    assert edge(aws, Endpoints()).list_fragments(T0 + 123, T0 + 123) == [odd]
    assert edge(aws, Endpoints()).list_fragments(T0 + 124, T0 + HOUR) == []


def test_an_endpoint_is_asked_for_once_for_each_operation() -> None:
    aws, endpoints = plant(), Endpoints()
    for _ in range(3):
        edge(aws, endpoints).list_fragments(T0, T0 + HOUR)
    assert aws.calls.count("GetDataEndpoint") == 1
    with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, aws.pace()) as (file,):
        edge(aws, endpoints).get_clip((T0, T0 + 1000), file)
    assert aws.calls.count("GetDataEndpoint") == 2


def test_an_endpoint_that_fails_is_asked_for_again() -> None:
    aws, endpoints = plant(), Endpoints()
    edge(aws, endpoints).list_fragments(T0, T0 + HOUR)
    aws.faults["ListFragments"] = [error("NotAuthorizedException", 401)]
    with pytest.raises(Exception, match="NotAuthorized"):
        edge(aws, endpoints).list_fragments(T0, T0 + HOUR)
    edge(aws, endpoints).list_fragments(T0, T0 + HOUR)
    assert aws.calls.count("GetDataEndpoint") == 2


def test_a_refusal_of_the_range_does_not_doubt_the_endpoint() -> None:
    aws, endpoints = plant(), Endpoints()
    edge(aws, endpoints).list_fragments(T0, T0 + HOUR)
    aws.faults["ListFragments"] = [error("InvalidArgumentException")]
    with pytest.raises(Exception, match="InvalidArgument"):
        edge(aws, endpoints).list_fragments(T0, T0 + HOUR)
    edge(aws, endpoints).list_fragments(T0, T0 + HOUR)
    assert aws.calls.count("GetDataEndpoint") == 1


class TestRawMedia:
    """GetMediaForFragmentList's answer is looked through for what it holds."""

    def get(self, aws: Aws, numbers: list[int]) -> bytes:
        with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, aws.pace()) as (file,):
            edge(aws, Endpoints()).get_media(numbers, file)
            return file.rewound().read()

    def answer(self, aws: Aws, body: bytes) -> None:
        def answered(**_: Any) -> dict[str, Any]:
            return {"ContentType": "video/webm", "Payload": Body(body)}

        aws.get_media_for_fragment_list = answered  # type: ignore[method-assign]

    def test_all_that_was_asked_for(self) -> None:
        assert b"1003" in self.get(plant(), [1003, 1004])

    def test_an_exception_in_the_stream_is_noticed(self) -> None:
        aws = plant()
        aws.withheld = {1004}
        with pytest.raises(UnfitMedia, match="exception 4000"):
            self.get(aws, [1003, 1004])

    def test_the_code_of_an_exception_is_read_wherever_chunks_end(self) -> None:
        aws = plant()
        tag = b"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE\x44\x87\x844503"
        for cut in range(1, len(tag)):
            self.answer(aws, bytes(CHUNK - cut) + tag + bytes(100))
            with pytest.raises(UnfitMedia, match="exception 4503"):
                self.get(aws, [1003])

    def test_a_fragment_that_is_not_there_is_noticed(self) -> None:
        aws = plant()
        self.answer(aws, b"AWS_KINESISVIDEO_FRAGMENT_NUMBER 1003")
        with pytest.raises(UnfitMedia, match="incomplete"):
            self.get(aws, [1003, 1004])

    def test_something_that_is_no_fragment_is_noticed(self) -> None:
        aws = plant()
        self.answer(aws, b"1003 1004")
        with pytest.raises(UnfitMedia, match="incomplete"):
            self.get(aws, [1003, 1004])

    def test_a_tag_across_two_chunks_is_seen(self) -> None:
        aws = plant()
        tag = b"AWS_KINESISVIDEO_FRAGMENT_NUMBER 1003"
        for cut in range(1, len(tag)):
            self.answer(aws, bytes(CHUNK - cut) + tag + bytes(100))
            self.get(aws, [1003])
