"""Contract of archived media as the documents state it, over boto3; each test holds one fact."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ResponseStreamingError

from localcloud import LocalCloud
from localcloud.kinesisvideo import matroska
from localcloud.settings import ACCESS_KEY, SECRET_KEY
from localcloud.testing.footage import TestStream, broken, film, frames_of, opened, padded, repeatedly, selector
from localcloud.testing.identity import packet_digests
from localcloud.testing.producer import PutMediaError
from localcloud.testing.refusals import refused

pytestmark = pytest.mark.cloud

SECOND = 1000


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


class TestClipRange:
    """Which fragments a range selects."""

    @pytest.mark.parametrize(
        ("sent", "begin", "end", "found"),
        [
            pytest.param((0, 1000, 2000, 3000), 1000, 2000, [1, 2], id="both ends are included"),
            pytest.param((0, 1000, 2000), 0, 1000, [0, 1], id="so is a border in the one range"),
            pytest.param((0, 1000, 2000), 1000, 2000, [1, 2], id="and in the other"),
            pytest.param((0, 1000, 2000), 1, 2000, [1, 2], id="one that straddles the start is not"),
            pytest.param((0, 1001, 2003), 0, 1000, [0], id="milliseconds count"),
            pytest.param((0, 1001, 2003), 0, 1001, [0, 1], id="milliseconds count at the end"),
            pytest.param((0, 1001, 2003), 1002, 2003, [2], id="milliseconds count at the start"),
        ],
    )
    def test_selects_by_fragment_start(
        self, stream: TestStream, sent: tuple[int, ...], begin: int, end: int, found: list[int]
    ) -> None:
        stream.put(*sent)
        assert stream.clipped(begin, end) == found
        assert sorted(stream.listed(begin, end)) == found

    def test_includes_whole_a_fragment_that_straddles_the_end(self, stream: TestStream) -> None:
        stream.put(0, SECOND)
        assert frames_of(stream.clip(0, SECOND + 1)) == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104]

    def test_end_must_be_later_than_start(self, stream: TestStream) -> None:
        stream.put(0)
        with refused("InvalidArgumentException"):
            stream.clip(0, 0)
        assert stream.clipped(0, 1) == [0]

    def test_server_end_must_be_in_the_past_and_producer_end_need_not(self, stream: TestStream) -> None:
        stream.put(0)
        with refused("InvalidArgumentException", "in the past"):
            stream.clip(0, 2 * 3600 * SECOND)
        assert stream.clipped(0, 2 * 3600 * SECOND, "PRODUCER_TIMESTAMP") == [0]

    @pytest.mark.parametrize("origin", ["SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"])
    def test_spans_at_most_a_day(self, cloud: LocalCloud, origin: str) -> None:
        stream = TestStream.create(cloud, hours=48, ago_ms=30 * 3600 * SECOND)
        stream.put(0)
        day = 24 * 3600 * SECOND
        assert stream.clipped(0, day, origin) == [0]
        with refused("InvalidArgumentException", "24 hours"):
            stream.clip(0, day + 1, origin)

    def test_an_empty_range_and_a_missing_stream_have_the_same_error(self, stream: TestStream) -> None:
        stream.put(0)
        with pytest.raises(ClientError) as empty:
            stream.clip(SECOND, 2 * SECOND)
        with pytest.raises(ClientError) as missing:
            stream.media.get_clip(StreamName="no_such_stream", ClipFragmentSelector=selector(1, 2))
        for caught in (empty, missing):
            assert code_of(caught) == "ResourceNotFoundException"
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        assert type(empty.value) is type(missing.value)

    def test_the_error_type_header_carries_the_code(self, stream: TestStream) -> None:
        stream.put(0)
        with pytest.raises(ClientError) as caught:
            stream.clip(0, 0)
        headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-amzn-errortype"].startswith("InvalidArgumentException:http")


class TestClipLimits:
    """How much of a range comes."""

    def test_two_hundred_fragments_come_and_the_rest_is_left_out_silently(self, stream: TestStream) -> None:
        stream.put(*range(0, 203 * SECOND, SECOND), frames=1)
        assert stream.clipped(0, 202 * SECOND) == list(range(200))

    def test_a_hundred_megabytes_come_and_the_rest_is_left_out_silently(self, stream: TestStream) -> None:
        size = 30_000_000
        small = [film(stream.begin_ms + i * SECOND, 100 * i) for i in range(5)]
        stream.send([padded(footage.document, size) for footage in small])
        body = stream.clip(0, 4 * SECOND)
        assert 85_000_000 <= len(body) <= 100_000_000
        assert {counter // 100 for counter in frames_of(body)} == {0, 1, 2}

    def test_other_calls_are_answered_while_a_large_clip_is_made(self, stream: TestStream) -> None:
        stream.send([padded(film(stream.begin_ms + i * SECOND).document, 30_000_000) for i in range(3)])
        chosen = selector(stream.begin_ms, stream.begin_ms + 3 * SECOND)

        def make_clip() -> None:  # its answer begins when it is made
            stream.media.get_clip(StreamName=stream.name, ClipFragmentSelector=chosen)["Payload"].close()

        sts = stream.cloud.client("sts")

        def answers_meanwhile() -> int:
            answers = 0
            with ThreadPoolExecutor(1) as pool:
                clip = pool.submit(make_clip)
                while not clip.done():
                    sts.get_caller_identity()
                    answers += 1
            return answers

        # One or two, when no other call is served. On a busy machine a clip may be made within three calls.
        assert any(answers_meanwhile() > 3 for _ in range(10))


class TestMedia:
    """What a clip is made of, and when it cannot be made."""

    def test_the_clip_is_an_mp4_that_holds_the_cameras_bytes(self, stream: TestStream) -> None:
        footage = [film(stream.begin_ms + i * SECOND, i * 5) for i in range(3)]
        stream.send([fragment.document for fragment in footage])
        with opened(stream.clip(0, 2 * SECOND)) as clip:
            assert "mp4" in clip.format.name
            assert clip.duration == 3 * av.time_base
            packets = packet_digests(bytes(p) for p in clip.demux(video=0) if p.size)
        assert packets == tuple(digest for fragment in footage for digest in fragment.packets)

    def test_the_index_stands_in_front_so_that_a_browser_can_begin_to_play(self, stream: TestStream) -> None:
        stream.put(0)
        body = stream.clip(0, 1)
        assert 0 < body.index(b"moov") < body.index(b"mdat")

    def test_samples_stand_where_the_producer_timed_them(self, stream: TestStream) -> None:
        stream.put(0, SECOND, 4500)
        with opened(stream.clip(0, 5 * SECOND)) as clip:
            times = [round(float(frame.time or 0) * 1000) for frame in clip.decode(video=0)]
        assert times == [0, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 4500, 4700, 4900, 5100, 5300]

    def test_a_producer_clock_that_is_set_back_does_not_turn_time_back(self, stream: TestStream) -> None:
        early, late = film(stream.begin_ms - 60_000, 0), film(stream.begin_ms - 90_000, 100)
        stream.send([early.document], 60_000)
        stream.send([late.document], 91_000)
        with opened(stream.clip(0, SECOND)) as clip:
            times = [round(float(frame.time or 0) * 1000) for frame in clip.decode(video=0)]
        assert times == [0, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800]

    def test_sound_goes_along(self, stream: TestStream) -> None:
        stream.put(0, SECOND, audio=True)
        with opened(stream.clip(0, SECOND)) as clip:
            assert [track.type for track in clip.streams] == ["video", "audio"]
            sound = clip.streams.audio[0]
            assert sound.codec_context.name == "aac"
            samples = sum(frame.samples for frame in clip.decode(sound))
        assert samples == pytest.approx(2 * 16_000, rel=0.1)

    @pytest.mark.parametrize(
        ("second", "code"),
        [
            ({"width": 192, "height": 112}, "InvalidCodecPrivateDataException"),
            ({"audio": True}, "UnsupportedStreamMediaTypeException"),
        ],
    )
    def test_codec_or_tracks_must_not_change_within_a_clip(
        self, stream: TestStream, second: dict[str, Any], code: str
    ) -> None:
        stream.put(0)
        stream.put(SECOND, **second)
        with refused(code):
            stream.clip(0, SECOND)
        assert stream.clipped(0, 1) == [0]
        assert stream.clipped(SECOND, SECOND + 1) == [1]

    def test_codec_changes_do_not_show_in_listings(self, stream: TestStream) -> None:
        stream.put(0)
        stream.put(SECOND, width=192, height=112)
        keys = [set(fragment) for fragment in stream.page(0, SECOND)["Fragments"]]
        known = {"FragmentNumber", "FragmentSizeInBytes", "ProducerTimestamp", "ServerTimestamp"}
        assert keys == [known | {"FragmentLengthInMilliseconds"}] * 2

    @pytest.mark.parametrize(
        ("spoil", "code"),
        [
            (matroska.without_codec_private, "MissingCodecPrivateDataException"),
            (broken, "InvalidMediaFrameException"),
            (lambda document: document.replace(b"ISO/AVC", b"ISO/ASP"), "UnsupportedStreamMediaTypeException"),
        ],
        ids=["no codec private data", "a frame that does not parse", "a codec that is not supported"],
    )
    def test_media_that_cannot_be_a_clip(self, stream: TestStream, spoil: Callable[[bytes], bytes], code: str) -> None:
        stream.send([spoil(film(stream.begin_ms).document)])
        with refused(code):
            stream.clip(0, 1)


class TestProducerTimestamps:
    """Ranges on the producer's clock."""

    def test_select_by_the_producers_clock(self, stream: TestStream) -> None:
        stream.put(0, SECOND, 2 * SECOND, transit_ms=400)
        assert stream.clipped(600, 1600, "PRODUCER_TIMESTAMP") == [1, 2]
        assert stream.clipped(600, 1600, "SERVER_TIMESTAMP") == [1]

    def test_of_equal_producer_timestamps_the_oldest_fragment_is_returned(self, stream: TestStream) -> None:
        first, second = film(stream.begin_ms, 0), film(stream.begin_ms, 100)
        stream.send([first.document], 0)
        stream.send([second.document], 5 * SECOND)
        assert stream.clipped(0, SECOND, "PRODUCER_TIMESTAMP") == [0]
        assert stream.listed(0, SECOND, "PRODUCER_TIMESTAMP") in ([0, 1], [1, 0])


class TestListFragments:
    """What a listing contains, and in which order."""

    def test_tells_number_times_length_and_size(self, stream: TestStream) -> None:
        (number,) = stream.put(0, frames=7, transit_ms=150)
        (fragment,) = stream.page(0, 1)["Fragments"]
        assert fragment["FragmentNumber"] == number
        assert round(fragment["ServerTimestamp"].timestamp() * 1000) == stream.begin_ms
        assert round(fragment["ProducerTimestamp"].timestamp() * 1000) == stream.begin_ms - 150
        assert fragment["FragmentLengthInMilliseconds"] == 1200  # without the last of seven frames
        assert fragment["FragmentSizeInBytes"] > 1000

    def test_a_fragment_of_one_frame_has_length_0_and_plays_all_the_same(self, stream: TestStream) -> None:
        stream.put(*range(0, 3 * SECOND, SECOND), frames=1, fps=1)
        page = stream.page(0, 2 * SECOND)
        assert [each["FragmentLengthInMilliseconds"] for each in page["Fragments"]] == [0, 0, 0]
        with opened(stream.clip(0, 2 * SECOND)) as clip:
            assert clip.duration == 3 * av.time_base

    def test_numbers_grow_as_integers_but_not_as_text(self, stream: TestStream) -> None:
        numbers = stream.put(*range(0, 50 * SECOND, SECOND), frames=1)
        assert sorted(numbers, key=int) == numbers
        assert sorted(numbers) != numbers

    def test_no_order_within_pages_or_across_them(self, stream: TestStream) -> None:
        stream.put(*range(0, 40 * SECOND, SECOND), frames=1)
        listed = stream.listed(0, 39 * SECOND)
        assert sorted(listed) == list(range(40))
        assert listed != sorted(listed)
        page = stream.page(0, 39 * SECOND, MaxResults=20)
        first = {int(fragment["FragmentNumber"]) for fragment in page["Fragments"]}
        assert len(first) <= 20
        page = stream.media.list_fragments(StreamName=stream.name, NextToken=page["NextToken"])
        second = {int(fragment["FragmentNumber"]) for fragment in page["Fragments"]}
        assert min(second) < max(first)

    def test_pages_hold_each_fragment_once(self, stream: TestStream) -> None:
        numbers = stream.put(*range(0, 30 * SECOND, SECOND), frames=1)
        page = stream.page(0, 29 * SECOND, MaxResults=7)
        found = [fragment["FragmentNumber"] for fragment in page["Fragments"]]
        while "NextToken" in page:
            page = stream.media.list_fragments(StreamName=stream.name, MaxResults=7, NextToken=page["NextToken"])
            assert len(page["Fragments"]) <= 7
            found += [fragment["FragmentNumber"] for fragment in page["Fragments"]]
        assert sorted(found, key=int) == numbers

    @pytest.mark.parametrize("results", [0, 1001])
    def test_max_results_has_limits(self, stream: TestStream, results: int) -> None:
        with pytest.raises(Exception, match=r"MaxResults"):
            stream.page(0, 1, MaxResults=results)

    def test_a_token_of_another_stream_is_refused(self, stream: TestStream, cloud: LocalCloud) -> None:
        stream.put(*range(0, 5 * SECOND, SECOND), frames=1)
        token = stream.page(0, 4 * SECOND, MaxResults=1)["NextToken"]
        other = TestStream.create(cloud)
        with refused("InvalidArgumentException", "NextToken"):
            other.media.list_fragments(StreamName=other.name, NextToken=token)

    def test_a_new_fragment_appears_with_a_lag(self, stream: TestStream, cloud: LocalCloud) -> None:
        lag_ms = 500
        cloud.control("POST", "kinesisvideo/behaviour", {"listing_lag_ms": lag_ms})
        stream.send([film(int(time.time() * 1000) - SECOND).document], None)
        created_ms = _created_ms(stream)
        lagging = 0
        for _ in range(6):
            number = stream.send([film(int(time.time() * 1000) - SECOND).document], None)[0]
            sent = time.time()
            while number not in {f["FragmentNumber"] for f in _listed_now(stream, created_ms)}:
                lagging += 1
                time.sleep(0.05)
                assert time.time() - sent < lag_ms / 1000 + 5
        assert lagging > 0


def _listed_now(stream: TestStream, since_ms: float) -> list[dict[str, Any]]:
    chosen = selector(since_ms, time.time() * 1000 + 60_000)
    page = stream.media.list_fragments(StreamName=stream.name, FragmentSelector=chosen)
    found: list[dict[str, Any]] = page["Fragments"]
    return found


def _created_ms(stream: TestStream) -> float:
    info = stream.cloud.client("kinesisvideo").describe_stream(StreamName=stream.name)["StreamInfo"]
    created: float = info["CreationTime"].timestamp() * 1000
    return created


class TestFragmentList:
    """Fragments as they were ingested."""

    def test_gives_matroska_with_the_documented_tags(self, stream: TestStream) -> None:
        numbers = stream.put(0, SECOND, 2 * SECOND, transit_ms=150)
        answer = stream.media.get_media_for_fragment_list(StreamName=stream.name, Fragments=numbers[1:])
        body = answer["Payload"].read()
        assert frames_of(body) == [100, 101, 102, 103, 104, 200, 201, 202, 203, 204]
        assert matroska.tags_of(body) == [
            {
                "AWS_KINESISVIDEO_FRAGMENT_NUMBER": numbers[index],
                "AWS_KINESISVIDEO_SERVER_SIDE_TIMESTAMP": _seconds(stream.begin_ms + index * SECOND),
                "AWS_KINESISVIDEO_PRODUCER_SIDE_TIMESTAMP": _seconds(stream.begin_ms + index * SECOND - 150),
            }
            for index in (1, 2)
        ]

    def test_gives_what_get_clip_never_will(self, stream: TestStream) -> None:
        document = broken(film(stream.begin_ms).document)
        numbers = stream.send([document])
        answer = stream.media.get_media_for_fragment_list(StreamName=stream.name, Fragments=numbers)
        body = answer["Payload"].read()
        assert [bytes(frame.data) for frame in next(matroska.clusters(body)).frames] == [
            bytes(frame.data) for frame in next(matroska.clusters(document)).frames
        ]

    def test_a_fragment_that_has_expired_is_an_exception_in_its_place(self, cloud: LocalCloud) -> None:
        stream = TestStream.create(cloud, hours=1, ago_ms=3_600_000 - 20_000)
        numbers = stream.put(0, 15 * SECOND)
        cloud.control("POST", "kinesisvideo/behaviour", {"clock_offset_ms": 25_000})
        answer = stream.media.get_media_for_fragment_list(StreamName=stream.name, Fragments=numbers)
        gone, there = matroska.tags_of(answer["Payload"].read())
        assert gone["AWS_KINESISVIDEO_FRAGMENT_NUMBER"] == numbers[0]
        assert "AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE" in gone
        assert there["AWS_KINESISVIDEO_FRAGMENT_NUMBER"] == numbers[1]


def _seconds(time_ms: int) -> str:
    return f"{time_ms // 1000}.{time_ms % 1000:03d}"


class TestRetention:
    """Footage that is no longer there."""

    def test_footage_expires(self, cloud: LocalCloud) -> None:
        stream = TestStream.create(cloud, hours=1, ago_ms=3_600_000 - 20_000)
        stream.put(0, SECOND, 15 * SECOND)
        files = list((cloud.workdir / "kinesisvideo" / "streams").glob(f"{stream.name}-*/*.mkv"))
        assert len(files) == 3
        cloud.control("POST", "kinesisvideo/behaviour", {"clock_offset_ms": 25_000})
        assert stream.listed(0, 20 * SECOND) == [2]
        assert [file.exists() for file in sorted(files)].count(True) == 1

    @pytest.mark.parametrize("operation", ["clip", "page"])
    def test_a_server_range_beyond_it_is_an_invalid_argument(self, cloud: LocalCloud, operation: str) -> None:
        stream = TestStream.create(cloud, hours=1)
        stream.put(10 * SECOND)
        with refused("InvalidArgumentException", "retention period") as caught:
            getattr(stream, operation)(-20 * SECOND, -10 * SECOND)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400

    def test_a_producer_range_beyond_it_finds_nothing(self, cloud: LocalCloud) -> None:
        stream = TestStream.create(cloud, hours=1)
        stream.put(10 * SECOND)
        with refused("ResourceNotFoundException"):
            stream.clip(-20 * SECOND, -10 * SECOND, "PRODUCER_TIMESTAMP")

    def test_a_stream_without_retention_has_no_clips(self, cloud: LocalCloud) -> None:
        stream = TestStream.create(cloud, hours=0)
        with refused("NoDataRetentionException"):
            stream.clip(0, 1)

    def test_lowering_it_deletes_at_once(self, cloud: LocalCloud) -> None:
        stream = TestStream.create(cloud, hours=5, ago_ms=3 * 3_600_000)
        stream.put(0, 2 * 3_600_000 + 60 * SECOND)
        _change_retention(stream, "DECREASE_DATA_RETENTION", 4)
        (file,) = (cloud.workdir / "kinesisvideo" / "streams").glob(f"{stream.name}-*/*.mkv")
        assert stream.clipped(2 * 3_600_000 + 30 * SECOND, 3 * 3_600_000 - 1) == [1]
        assert file.exists()

    def test_a_listing_that_begins_before_its_last_change_is_empty(self, stream: TestStream) -> None:
        stream.put(0, SECOND)
        assert sorted(stream.listed(0, SECOND)) == [0, 1]
        _change_retention(stream, "INCREASE_DATA_RETENTION", 24)
        assert stream.listed(0, 3_600_000) == []
        assert stream.clipped(0, SECOND) == [0, 1]
        begun = int(time.time() * 1000)
        stream.send([film(begun).document], 0)
        assert stream.listed(0, begun + SECOND - stream.begin_ms) == []
        assert stream.listed(begun - stream.begin_ms, begun + SECOND - stream.begin_ms) == [2]

    def test_listings_that_begin_early_may_be_asked_to_be_complete(
        self, stream: TestStream, cloud: LocalCloud
    ) -> None:
        cloud.control("POST", "kinesisvideo/behaviour", {"policy": {"early_list_is_empty": False}})
        try:
            stream.put(0, SECOND)
            _change_retention(stream, "INCREASE_DATA_RETENTION", 24)
            assert sorted(stream.listed(0, SECOND)) == [0, 1]
        finally:
            cloud.control("POST", "kinesisvideo/behaviour", {"policy": {"early_list_is_empty": True}})


def _change_retention(stream: TestStream, operation: str, hours: int) -> None:
    video = stream.cloud.client("kinesisvideo")
    version = video.describe_stream(StreamName=stream.name)["StreamInfo"]["Version"]
    video.update_data_retention(
        StreamName=stream.name, CurrentVersion=version, Operation=operation, DataRetentionChangeInHours=hours
    )


class TestQuotas:
    """Points a second for one stream."""

    def test_media_points_are_one_a_fragment(self, cloud: LocalCloud) -> None:
        cloud.control("POST", "kinesisvideo/behaviour", {"quotas": {"media_points": 20, "metadata_points": 10_000}})
        stream = TestStream.create(cloud)
        stream.put(*range(0, 21 * SECOND, SECOND), frames=1)
        with refused("ClientLimitExceededException"):
            stream.clip(0, 20 * SECOND)  # 21 fragments are more than any second allows
        assert len(stream.clipped(0, 19 * SECOND)) == 20
        with refused("ClientLimitExceededException"):
            repeatedly(lambda: stream.clip(0, 19 * SECOND))  # one such clip a second is allowed

    def test_listings_cost_their_max_results(self, cloud: LocalCloud) -> None:
        cloud.control("POST", "kinesisvideo/behaviour", {"quotas": {"media_points": 500, "metadata_points": 10_000}})
        stream = TestStream.create(cloud)
        stream.put(0)
        for _ in range(30):
            stream.page(0, 1, MaxResults=100)
        with refused("ClientLimitExceededException"):
            repeatedly(lambda: stream.page(0, 1, MaxResults=1000))


class TestTrouble:
    """Failures on demand."""

    @pytest.mark.parametrize("content_length", [False, True])
    def test_a_connection_that_breaks_is_not_a_short_clip(
        self, stream: TestStream, cloud: LocalCloud, content_length: bool
    ) -> None:
        stream.put(*range(0, 20 * SECOND, SECOND))
        cloud.control("POST", "kinesisvideo/behaviour", {"content_length": content_length})
        cloud.control("POST", "kinesisvideo/cut", {"operation": "GetClip", "after_bytes": 10_000})
        with pytest.raises(ResponseStreamingError):
            stream.clip(0, 20 * SECOND)
        assert stream.clipped(0, 20 * SECOND) == list(range(20))

    def test_throttling_on_demand(self, stream: TestStream, cloud: LocalCloud) -> None:
        stream.put(0)
        cloud.faults.add(
            service="kinesis-video-archived-media",
            operation="GetClip",
            error="ClientLimitExceededException",
            resource=stream.name,
        )
        with refused("ClientLimitExceededException"):
            stream.clip(0, 1)
        assert stream.clipped(0, 1) == [0]


class TestPutMedia:
    """What a producer may send."""

    def test_a_fragment_lasts_at_most_twenty_seconds(self, stream: TestStream) -> None:
        stream.put(0, frames=100)
        with pytest.raises(PutMediaError, match="MAX_FRAGMENT_DURATION_REACHED"):
            stream.put(20 * SECOND, frames=101)

    def test_a_fragment_has_at_most_fifty_megabytes(self, stream: TestStream) -> None:
        with pytest.raises(PutMediaError, match="MAX_FRAGMENT_SIZE_REACHED"):
            stream.send([padded(film(stream.begin_ms).document, 50_010_000)])

    def test_what_is_not_matroska_is_refused(self, stream: TestStream) -> None:
        with pytest.raises(PutMediaError, match="INVALID_MKV_DATA"):
            stream.send([b"no such thing"])

    def test_a_fragment_is_acknowledged_three_times_before_one_that_is_not_taken(self, stream: TestStream) -> None:
        video = stream.cloud.client("kinesisvideo")
        endpoint = video.get_data_endpoint(StreamName=stream.name, APIName="PUT_MEDIA")["DataEndpoint"]
        headers = {"x-amzn-stream-name": stream.name, "x-amzn-fragment-timecode-type": "ABSOLUTE"}
        url = f"{endpoint}/putMedia"
        request = AWSRequest("POST", url, headers=headers)
        SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "kinesisvideo", stream.cloud.region).add_auth(request)
        documents = [film(stream.begin_ms + n * SECOND).document for n in range(2)]
        body = b"".join([*documents, film(stream.begin_ms, frames=101).document])
        answer = urllib3.request("POST", url, body=body, headers=dict(request.headers.items()))
        said = [json.loads(line) for line in answer.data.splitlines()]
        # The first is persisted while the second comes in.
        assert [(one["EventType"], one["FragmentTimecode"] - stream.begin_ms) for one in said] == [
            ("BUFFERING", 0),
            ("RECEIVED", 0),
            ("BUFFERING", SECOND),
            ("PERSISTED", 0),
            ("RECEIVED", SECOND),
            ("PERSISTED", SECOND),
            ("ERROR", 0),
        ]
        assert said[-1]["ErrorCode"] == "MAX_FRAGMENT_DURATION_REACHED"
        assert said[1]["FragmentNumber"] == said[0]["FragmentNumber"] == said[3]["FragmentNumber"]

    def test_footage_that_is_older_than_its_stream_makes_the_stream_older(self, stream: TestStream) -> None:
        video = stream.cloud.client("kinesisvideo")
        before = video.describe_stream(StreamName=stream.name)["StreamInfo"]
        stream.put(0)
        after = video.describe_stream(StreamName=stream.name)["StreamInfo"]
        assert round(after["CreationTime"].timestamp() * 1000) == stream.begin_ms
        assert after["StreamARN"] == before["StreamARN"]

    def test_footage_of_the_past_appears_at_once(self, stream: TestStream) -> None:
        documents = [film(stream.begin_ms + n * SECOND, 100 * n).document for n in range(4)]
        stream.producer.put(documents[:2], 0, more=True)
        with refused("ResourceNotFoundException"):
            stream.clip(0, 5 * SECOND)
        stream.producer.put(documents[2:], 0)
        assert stream.clipped(0, 5 * SECOND) == [0, 1, 2, 3]

    def test_live_footage_began_when_it_began_and_not_when_it_was_whole(self, stream: TestStream) -> None:
        begun = int(time.time() * 1000) - SECOND
        stream.send([film(begun).document], None)
        (fragment,) = _listed_now(stream, _created_ms(stream))
        now = time.time() * 1000
        assert begun <= fragment["ServerTimestamp"].timestamp() * 1000 <= now - SECOND
