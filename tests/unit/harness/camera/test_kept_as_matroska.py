"""What GetClip does not give is archived so that it plays, and one command makes an MP4 file of it."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import av
import pytest

from clip_fetch.archive import Cache
from clip_fetch.clients import send_conditions, send_milliseconds
from clip_fetch.events import Summary
from clip_fetch.report import Report
from clip_fetch.run import Dependencies, Timing, run
from clip_fetch.settings import Settings, Shard
from clip_fetch.spool import Spool
from clip_fetch.video import Endpoints
from localcloud import LocalCloud
from localcloud.testing.footage import TestStream, broken, film, frames_of, opened

pytestmark = pytest.mark.cloud

PREFIX = "factory=krakow/camera=press-1/"


class Clients:
    """What the function's own clients are, towards the local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.video = cloud.client("kinesisvideo")
        self.s3 = cloud.client("s3")
        self._media = cloud.client("kinesis-video-archived-media")
        send_conditions(self.s3)
        send_milliseconds(self._media)

    def media(self, _endpoint: str) -> Any:
        """One endpoint serves all."""
        return self._media


def archive(cloud: LocalCloud, bucket: str, folder: Path) -> Summary:
    """One run of the function."""
    settings = Settings("krakow", bucket, "kept_krakow_", clip_ms=60_000, settle_ms=1000, quiet_ms=1000)
    dependencies = Dependencies(Clients(cloud), Endpoints(), Cache.empty(), Spool(str(folder), 10**9))
    timing = Timing.start(lambda: time.time_ns() // 1_000_000, lambda: 600_000, time.sleep, random.Random(1))
    return run(settings, Shard(), dependencies, timing, Report(settings, "run", lambda _line: None), "run")


@pytest.fixture
def objects(cloud: LocalCloud, bucket: str, tmp_path: Path) -> dict[str, Any]:
    """By the end of its key, all that comes of a fragment sent twice and of one that no codec takes."""
    name = "kept_krakow_press-1"
    video = cloud.client("kinesisvideo")
    if name not in {each["StreamName"] for each in video.list_streams(MaxResults=1000)["StreamInfoList"]}:
        video.create_stream(StreamName=name, DataRetentionInHours=24)
        stream = TestStream(cloud, name, int(time.time() * 1000) - 3_600_000)
        begin = stream.begin_ms
        documents = [film(begin + 1000 * index, 100 * index).document for index in range(4)]
        stream.send([documents[0], documents[1], documents[1], documents[2], broken(documents[3])])
    summary = archive(cloud, bucket, tmp_path)
    assert (summary["errors"], summary["fragments"]) == ({}, 5)
    s3 = cloud.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=PREFIX)["Contents"]
    return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"]) for each in found}


def test_a_fragment_that_was_sent_twice_plays_twice(objects: dict[str, Any]) -> None:
    kept = [each for key, each in objects.items() if key.endswith(".mkv")]
    assert [each["ContentType"] for each in kept] == ["video/x-matroska"] * 2
    body = kept[0]["Body"].read()
    assert kept[0]["Metadata"]["duration-ms"] == "2000"
    assert frames_of(body) == [*range(100, 105), *range(100, 105)]
    with opened(body) as container:
        assert (container.start_time, container.duration) == (0, 2_000_000)
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert times == pytest.approx([index * 0.2 for index in range(10)])


def test_one_command_makes_an_mp4_file_of_it(objects: dict[str, Any], tmp_path: Path) -> None:
    """What ``ffmpeg -i clip.mkv -c copy clip.mp4`` does, by the library that the program is made of."""
    kept = next(each for key, each in objects.items() if key.endswith(".mkv"))
    with opened(kept["Body"].read()) as source, av.open(str(tmp_path / "clip.mp4"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    made = (tmp_path / "clip.mp4").read_bytes()
    assert frames_of(made) == [*range(100, 105), *range(100, 105)]
    with opened(made) as container:
        assert container.duration == 2_000_000


def test_a_key_in_mp4_that_is_no_mp4_file_says_so(objects: dict[str, Any]) -> None:
    for key, each in objects.items():
        if key.endswith(".mp4"):
            is_clip = "first-fragment" in each["Metadata"]
            assert each["ContentType"] == ("video/mp4" if is_clip else "application/json"), key
            assert is_clip != (key[: -len("mp4")] + "mkv" in objects), key
