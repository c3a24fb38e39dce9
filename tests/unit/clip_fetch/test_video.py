"""What a run asks of Kinesis Video Streams."""

from __future__ import annotations

import tempfile

import pytest

from clip_fetch.model import Fragment
from clip_fetch.spool import Spool
from clip_fetch.video import Endpoints, Video
from tests.support.clip_fetch_aws import HOUR, STREAM, T0, Aws, error, footage, plant_of


def video_of(aws: Aws, endpoints: Endpoints) -> Video:
    """To that camera."""
    timing = aws.timing()
    return Video(STREAM, aws, endpoints, timing.deadline, timing.retry)


def test_a_listing_is_complete_and_in_the_order_of_numbers_as_integers() -> None:
    aws = plant_of(STREAM)
    aws.page = 3
    aws.fragments[STREAM.name] = footage(12, first=995)  # 995 to 1006: as texts, 1000 comes first
    assert video_of(aws, Endpoints()).list_fragments(T0, T0 + HOUR) == aws.fragments[STREAM.name]
    assert aws.calls == ["GetDataEndpoint"] + ["ListFragments"] * 4


def test_a_listing_keeps_milliseconds() -> None:
    aws = plant_of(STREAM)
    odd = Fragment(7, T0 + 123, T0 - 456, 1999, 5)
    aws.fragments[STREAM.name] = [odd]
    assert video_of(aws, Endpoints()).list_fragments(T0 + 123, T0 + 123) == [odd]
    assert video_of(aws, Endpoints()).list_fragments(T0 + 124, T0 + HOUR) == []


def test_an_endpoint_is_asked_for_once_for_each_operation() -> None:
    aws, endpoints = plant_of(STREAM), Endpoints()
    for _ in range(3):
        video_of(aws, endpoints).list_fragments(T0, T0 + HOUR)
    assert aws.calls.count("GetDataEndpoint") == 1
    with Spool(tempfile.gettempdir(), 10**9).files(1, 1000, aws.timing().deadline) as (file,):
        video_of(aws, endpoints).get_clip((T0, T0 + 1000), file)
    assert aws.calls.count("GetDataEndpoint") == 2


def test_an_endpoint_that_fails_is_asked_for_again() -> None:
    aws, endpoints = plant_of(STREAM), Endpoints()
    video_of(aws, endpoints).list_fragments(T0, T0 + HOUR)
    aws.faults["ListFragments"] = [error("NotAuthorizedException", 401)]
    with pytest.raises(Exception, match="NotAuthorized"):
        video_of(aws, endpoints).list_fragments(T0, T0 + HOUR)
    video_of(aws, endpoints).list_fragments(T0, T0 + HOUR)
    assert aws.calls.count("GetDataEndpoint") == 2


def test_a_refusal_of_the_range_does_not_doubt_the_endpoint() -> None:
    aws, endpoints = plant_of(STREAM), Endpoints()
    video_of(aws, endpoints).list_fragments(T0, T0 + HOUR)
    aws.faults["ListFragments"] = [error("InvalidArgumentException")]
    with pytest.raises(Exception, match="InvalidArgument"):
        video_of(aws, endpoints).list_fragments(T0, T0 + HOUR)
    video_of(aws, endpoints).list_fragments(T0, T0 + HOUR)
    assert aws.calls.count("GetDataEndpoint") == 1
