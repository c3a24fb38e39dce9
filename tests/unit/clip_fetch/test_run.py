"""A run over several cameras: order, threads, shards, metrics, summary."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clip_fetch import video
from clip_fetch.events import Summary
from clip_fetch.model import Stream
from clip_fetch.run import in_shard, run
from clip_fetch.settings import Settings, Shard
from tests.support.clip_fetch_aws import HOUR, SETTINGS, T0, Aws, error, footage


def plant(*cameras: str, fragments: int = 10) -> Aws:
    """Cameras that have all sent the same."""
    aws = Aws()
    for camera in cameras:
        aws.fragments["lake_krakow_" + camera] = footage(fragments)
    aws.now_ms = T0 + 100_000
    return aws


def archive(aws: Aws, settings: Settings = SETTINGS, shard: Shard = Shard()) -> Summary:  # noqa: B008
    """One run; its summary."""
    return run(settings, shard, aws.dependencies(), aws.timing(), aws.report(), "run-1")


def test_every_stream_with_the_prefix_is_found_and_no_other() -> None:
    aws = plant("a", "b", "c", "d", "e")
    aws.fragments["lake_krakow-two_a"] = aws.fragments["lake_lyon_a"] = footage(10)
    found = video.find_streams(aws.video, "lake_krakow_", aws.timing().retry)
    assert [(stream.name, stream.camera) for stream in found] == [("lake_krakow_" + x, x) for x in "abcde"]
    assert found[0] == Stream("lake_krakow_a", "a", aws.created_ms, 24 * HOUR)
    assert aws.calls == ["ListStreams"] * 3


def test_a_stream_that_retains_nothing_or_has_no_camera_is_left_out() -> None:
    aws = plant("a", "")
    assert [stream.camera for stream in video.find_streams(aws.video, "lake_krakow_", aws.timing().retry)] == ["a"]
    aws.retention_hours = 0
    assert video.find_streams(aws.video, "lake_krakow_", aws.timing().retry) == []


@pytest.mark.parametrize("member", ["CreationTime", "DataRetentionInHours"])
def test_a_stream_that_is_listed_incompletely_is_an_error_of_its_camera_alone(member: str) -> None:
    aws = plant("a", "b")
    whole = Aws.list_streams

    def list_streams(self: Aws, **request: Any) -> dict[str, Any]:
        page = whole(self, **request)
        del page["StreamInfoList"][0][member]
        return page

    aws.list_streams = list_streams.__get__(aws)  # type: ignore[method-assign]
    summary = archive(aws)
    assert (summary["errors"], summary["clips"]) == ({"a": "IncompleteListing"}, 2)
    failed = [line for line in aws.lines() if line.get("message") == "camera failed"]
    assert [(line["camera"], line["error"]) for line in failed] == [("a", f"its stream is listed without {member}")]
    assert [line["Errors"] for line in aws.lines() if line.get("Camera") == "a"] == [1]


@pytest.mark.parametrize("at_once", [1, 4])
def test_one_broken_camera_never_stops_the_others(at_once: int) -> None:
    aws = plant("a", "b", "c")
    whole = Aws.list_fragments

    def list_fragments(self: Aws, **request: Any) -> dict[str, Any]:
        if request["StreamName"].endswith("_b"):
            raise error("NotAuthorizedException", 401)
        return whole(self, **request)

    aws.list_fragments = list_fragments.__get__(aws)  # type: ignore[method-assign]
    summary = archive(aws, SETTINGS._replace(streams_at_once=at_once))
    assert summary["errors"] == {"b": "NotAuthorizedException"}
    assert summary["clips"] == 4


def test_the_camera_whose_footage_is_lost_first_is_next() -> None:
    aws = Aws()
    aws.fragments["lake_krakow_new"] = footage(10, start_ms=T0 + 60_000, first=3000)
    aws.fragments["lake_krakow_old"] = footage(15, start_ms=T0, first=1000)
    aws.fragments["lake_krakow_mid"] = footage(10, start_ms=T0 + 15_000, first=2000)
    aws.now_ms = T0 + 200_000
    archive(aws)
    order = [int(line["first-fragment"]) for line in aws.lines() if line.get("message") == "clip"]
    assert order == [1000, 1005, 2000, 1010, 2005, 3000, 3005]


def test_several_streams_at_once_in_as_many_threads() -> None:
    """All four must be in GetClip at one time for the first of them to get on."""
    aws = plant("a", "b", "c", "d")
    meeting = threading.Barrier(4, timeout=60)
    once = threading.local()

    def meet(operation: str) -> None:
        if operation == "GetClip" and not getattr(once, "met", False):
            once.met = True
            meeting.wait()

    aws.hook = meet
    summary = archive(aws, SETTINGS._replace(streams_at_once=4))
    assert (summary["clips"], summary["errors"]) == (8, {})


def test_more_threads_than_storage_take_turns() -> None:
    aws = plant("a", "b", "c", "d")
    dependencies = aws.dependencies(capacity=2_000_000)
    settings = SETTINGS._replace(streams_at_once=4)
    summary = run(settings, Shard(), dependencies, aws.timing(), aws.report(), "run-1")
    assert (summary["clips"], summary["errors"]) == (8, {})


def test_when_streams_cannot_be_listed_the_run_fails() -> None:
    aws = plant("a")
    aws.faults["ListStreams"] = [error("AccessDeniedException", 403)]
    with pytest.raises(Exception, match="AccessDenied"):
        archive(aws)


def test_an_empty_factory() -> None:
    assert archive(Aws()) == {
        "factory": "krakow",
        "cameras": 0,
        "clips": 0,
        "fragments": 0,
        "bytes": 0,
        "flagged": 0,
        "gap_records": 0,
        "expired_seconds": 0.0,
        "calls": 0,
        "errors": {},
        "unfinished": [],
        "seconds_to_loss": None,
    }


@given(st.lists(st.text("abc-", min_size=1), unique=True), st.integers(1, 7))
def test_shards_share_all_cameras_between_them(cameras: list[str], count: int) -> None:
    for camera in cameras:
        stream = Stream("lake_krakow_" + camera, camera, T0, HOUR)
        assert [in_shard(stream, Shard(index, count)) for index in range(count)].count(True) == 1


def test_a_shard_is_known_by_the_name_alone_on_any_python() -> None:
    names = ["press-1", "press-2", "oven", "gate"]
    shares = [[in_shard(Stream("lake_krakow_" + n, n, T0, HOUR), Shard(i, 2)) for n in names] for i in range(2)]
    assert shares == [[False, False, True, True], [True, True, False, False]]


def test_a_camera_whose_rows_are_refused_is_archived_and_counts_as_failed() -> None:
    aws = plant("press-1")
    aws.faults["PutRow"] = [error("AccessDenied", 403)] * 100
    summary = archive(aws)
    assert summary["clips"] > 1
    assert summary["errors"] == {"press-1": "AccessDenied"}
    (line,) = [line for line in aws.lines() if line.get("message") == "camera failed"]
    assert "no row of the table clips" in line["error"]


def test_a_run_works_on_its_shard_only() -> None:
    aws = plant("press-1", "press-2", "oven", "gate")
    assert archive(aws, shard=Shard(0, 2))["cameras"] == 2
    assert {key.split("/")[1] for key, _ in aws.clips()} == {"camera=oven", "camera=gate"}


def test_metrics_of_each_camera_in_the_embedded_format() -> None:
    aws = plant("a", fragments=12)
    aws.now_ms = T0 + 30_000
    archive(aws)
    (line,) = [line for line in aws.lines() if "_aws" in line]
    directive = line["_aws"]["CloudWatchMetrics"][0]
    assert line["_aws"]["Timestamp"] == aws.now_ms
    assert directive["Namespace"] == "FactoryLake"
    assert directive["Dimensions"] == [["Factory", "Camera"], ["Factory"]]
    assert (line["Factory"], line["Camera"]) == ("krakow", "a")
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "BacklogSeconds": "Seconds",
        "SecondsToLoss": "Seconds",
        "SilentSeconds": "Seconds",
        "Clips": "Count",
        "Fragments": "Count",
        "Bytes": "Bytes",
        "Calls": "Count",
        "Flagged": "Count",
        "ExpiredSeconds": "Seconds",
        "Errors": "Count",
    }
    assert (line["Clips"], line["Fragments"], line["Flagged"], line["Errors"]) == (2, 10, 0, 0)
    assert (line["BacklogSeconds"], line["SecondsToLoss"]) == (10.0, 86390.0)
    assert line["SilentSeconds"] == (aws.now_ms - aws.fragments["lake_krakow_a"][-1].end_ms) / 1000
    assert line["Calls"] == len(aws.calls) - 1  # all but the listing of streams, which is no camera's


def test_what_is_not_known_is_not_a_metric() -> None:
    """A camera that could not even be looked at must not look safe."""
    aws = plant("a")
    aws.faults["ListObjectsV2"] = [error("AccessDenied", 403)]
    archive(aws)
    (line,) = [line for line in aws.lines() if "_aws" in line]
    assert line["Errors"] == 1
    assert "SecondsToLoss" not in line
    assert "BacklogSeconds" not in line
    assert "SecondsToLoss" not in {m["Name"] for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def silence(aws: Aws, settings: Settings = SETTINGS) -> float | None:
    """Seconds without footage as a run reports them, None where it says nothing of them."""
    aws.out.seek(0)
    aws.out.truncate()
    archive(aws, settings)
    (line,) = [line for line in aws.lines() if "_aws" in line]
    assert ("SilentSeconds" in line) == (
        "SilentSeconds" in {m["Name"] for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    )
    return line.get("SilentSeconds")


def test_a_camera_that_stopped_is_silent_from_the_end_of_its_footage_on() -> None:
    """Whether that waits, is archived, or is gone from the stream; no call is made for it."""
    aws = plant("a")
    end_ms = aws.fragments["lake_krakow_a"][-1].end_ms
    assert silence(aws) == (aws.now_ms - end_ms) / 1000
    calls = len(aws.calls)
    aws.now_ms += 600_000
    assert silence(aws) == (aws.now_ms - end_ms) / 1000
    assert aws.calls[calls:] == ["ListStreams", "ListObjectsV2", "GetDataEndpoint", *["ListFragments"] * 2]
    aws.now_ms += 30 * HOUR  # the retention is a day
    assert silence(aws) == (aws.now_ms - end_ms) / 1000


def test_a_camera_that_goes_on_is_silent_no_longer_than_its_fragment_under_way() -> None:
    aws = plant("a", fragments=60)
    for elapsed_ms in (31_500, 61_500, 91_500):
        aws.now_ms = T0 + elapsed_ms
        assert silence(aws) == 1.5


def test_the_silence_of_a_camera_that_never_sent_is_not_known() -> None:
    """It may be new, or on its way to the plant; an archive that begins with now has no footage either."""
    aws = plant("a", fragments=0)
    assert silence(aws) is None
    assert silence(aws, SETTINGS._replace(start_from="now")) is None
    aws.now_ms += 10_000
    assert silence(aws, SETTINGS._replace(start_from="now")) is None


def test_the_silence_of_a_camera_is_not_known_before_its_present_was_listed() -> None:
    """Far behind, the newest footage that was listed is not the newest there is."""
    aws = plant("a", fragments=900)
    aws.created_ms = T0
    aws.now_ms = T0 + 900 * 2000 + 500
    aws.hook = lambda operation: setattr(aws, "remaining_ms", 0) if operation == "GetClip" else None
    assert silence(aws) is None
    aws.hook = lambda _operation: None
    aws.remaining_ms = 900_000
    assert silence(aws) == 0.5


def test_lines_below_the_level_are_left_out_but_metrics_are_not() -> None:
    aws = plant("a")
    report = aws.report("ERROR")
    run(SETTINGS, Shard(), aws.dependencies(), aws.timing(), report, "run-1")
    assert ["_aws" in line for line in aws.lines()] == [True]
