"""Footage from cameras to clips, by the packaged function in its own role; decoded frames are the witness."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from harness.camera.camera import Camera
from harness.camera.journal import Journal
from harness.camera.reconciliation import VideoReport, archived_clips, reconcile
from harness.camera.script import Script
from harness.demo.video import crash_while_storing
from harness.lake import LocalLake
from localcloud.testing.producer import Producer
from tests.e2e.plant import PATIENCE, wait_until

FACTORY, FOREIGN = "genoa", "krakow"


@dataclass(frozen=True)
class Filmed:
    """A camera that Terraform did not make, and what it has sent: as long as it likes, in no time.

    Attributes:
        lake: Where it sends.
        name: Camera ID.
        journal: What it sent.
    """

    lake: LocalLake
    name: str
    journal: Journal

    @property
    def prefix(self) -> str:
        """Where its clips are."""
        return f"factory={FACTORY}/camera={self.name}/"

    def film(self, seconds: float, *, seed: int = 1, ago: float = 3600.0) -> None:
        """Send `seconds` of footage that began `ago` seconds ago."""
        stream = self.lake.outputs["video"][FACTORY]["stream_prefix"] + self.name
        cloud = self.lake.cloud
        producer = Producer(cloud.client("kinesisvideo"), stream)
        begin_ms = int((time.time() - ago) * 1000)
        script = Script(seed=seed, shortest_ms=1_000, longest_ms=3_000)
        camera = Camera(self.name, producer, self.journal, script, begin_ms)
        assert camera.backfill(begin_ms + int(seconds * 1000)) > 0

    def reconcile(self) -> VideoReport:
        """Of all its frames."""
        s3, bucket = self.lake.cloud.client("s3"), self.lake.outputs["buckets"]["clips"]
        return reconcile(self.journal.read(), s3, bucket, FACTORY)

    def clip_seconds(self) -> list[float]:
        """How long its clips are, oldest first."""
        s3, bucket = self.lake.cloud.client("s3"), self.lake.outputs["buckets"]["clips"]
        by_number = {fragment.number: fragment for fragment in self.journal.read()}
        return [
            sum(f.length_ms for number, f in by_number.items() if clip.first <= number <= clip.last) / 1000
            for clip in archived_clips(s3, bucket, self.prefix)
        ]


@pytest.fixture
def camera(lake: LocalLake, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Filmed]:
    """A camera of the test's own."""
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:24].strip("-")
    video, stream = lake.cloud.client("kinesisvideo"), lake.outputs["video"][FACTORY]["stream_prefix"] + name
    arn = video.create_stream(StreamName=stream, DataRetentionInHours=24)["StreamARN"]
    yield Filmed(lake, name, Journal(tmp_path / "camera.jsonl"))
    video.delete_stream(StreamARN=arn)


@pytest.fixture
def run(lake: LocalLake) -> Callable[[], dict[str, Any]]:
    """Invokes the factory's clip function and gives its summary."""

    def invoke() -> dict[str, Any]:
        name = lake.outputs["video"][FACTORY]["clip_function"]
        answer = lake.cloud.client("lambda").invoke(FunctionName=name, Payload=b"{}")
        summary: dict[str, Any] = json.load(answer["Payload"])
        assert "FunctionError" not in answer, summary
        return summary

    return invoke


@contextmanager
def schedule_off(lake: LocalLake) -> Iterator[None]:
    """Nobody but the test starts the factory's function."""
    events, rules = lake.cloud.client("events"), lake.outputs["video"][FACTORY]["schedule_rules"]
    for rule in rules:
        events.disable_rule(Name=rule)
    try:
        yield
    finally:
        for rule in rules:
            events.enable_rule(Name=rule)


def test_the_schedule_catches_up_after_missed_runs(lake: LocalLake, camera: Filmed) -> None:
    with schedule_off(lake):
        camera.film(120)

    wait_until(lambda: camera.reconcile().is_exact)

    assert camera.reconcile().clips == len(camera.clip_seconds()) > 1


def test_a_clip_length_may_change_while_a_run_is_under_way(
    lake: LocalLake, camera: Filmed, run: Callable[[], dict[str, Any]]
) -> None:
    functions, name = lake.cloud.client("lambda"), lake.outputs["video"][FACTORY]["clip_function"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    shorter = {**variables, "CLIP_SECONDS": "10"}
    at_put = partial(lake.cloud.faults.add, service="s3", operation="PutObject", resource=camera.name)
    at_put()  # lets one clip pass
    held = at_put(delay=PATIENCE)
    under_way = threading.Thread(target=run)
    with schedule_off(lake):
        camera.film(180)
        under_way.start()
        try:
            wait_until(lambda: lake.cloud.faults.hits(held) == 1)
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": shorter})
            run()  # beside the one that still cuts long clips, and has one of them on its way
            lake.cloud.faults.clear()
            under_way.join()
            run()
        finally:
            lake.cloud.faults.clear()
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    assert camera.reconcile().discrepancies == []
    first, *rest = camera.clip_seconds()
    assert first >= 30
    assert max(rest) < 20


def test_a_run_killed_in_the_middle_of_a_clip_leaves_nothing_behind(
    lake: LocalLake, camera: Filmed, run: Callable[[], dict[str, Any]]
) -> None:
    camera.film(90)
    crash_while_storing(lake, lake.outputs["video"][FACTORY]["clip_function"])
    run()

    assert camera.reconcile().discrepancies == []


def test_a_run_that_times_out_loses_nothing(
    lake: LocalLake, camera: Filmed, run: Callable[[], dict[str, Any]]
) -> None:
    camera.film(90)
    functions, name = lake.cloud.client("lambda"), lake.outputs["video"][FACTORY]["clip_function"]
    timeout = functions.get_function_configuration(FunctionName=name)["Timeout"]
    held = lake.cloud.faults.add(
        service="s3", operation="PutObject", resource=camera.name, error="InternalError", times=None, delay=30
    )
    functions.update_function_configuration(FunctionName=name, Timeout=12)
    try:
        functions.invoke(FunctionName=name, Payload=b"{}")
        assert lake.cloud.faults.hits(held) > 0
    finally:
        lake.cloud.faults.clear()
        functions.update_function_configuration(FunctionName=name, Timeout=timeout)
    assert camera.reconcile().clips == 0
    run()

    assert camera.reconcile().discrepancies == []


def test_two_runs_at_once_archive_every_fragment_once(
    camera: Filmed, run: Callable[[], dict[str, Any]]
) -> None:
    camera.film(180)
    runs = [threading.Thread(target=run) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    run()

    assert camera.reconcile().discrepancies == []


def test_another_factory_is_out_of_reach(lake: LocalLake) -> None:
    video = lake.outputs["video"]
    cloud = lake.cloud
    function = f"arn:aws:lambda:{cloud.region}:{cloud.account_id}:function:{video[FACTORY]['clip_function']}"
    wanted = {"role_arn": video[FACTORY]["role"], "service": "lambda.amazonaws.com", "source_arn": function}
    role = cloud.control("POST", "service-credentials", wanted)
    streams, s3 = cloud.client("kinesisvideo", role), cloud.client("s3", role)
    bucket = lake.outputs["buckets"]["clips"]
    own, foreign = video[FACTORY]["streams"]["gate"], video[FOREIGN]["streams"]["press-1"]

    streams.get_data_endpoint(StreamName=own, APIName="GET_CLIP")
    s3.list_objects_v2(Bucket=bucket, Prefix=f"factory={FACTORY}/")
    for call, arguments in (
        (streams.get_data_endpoint, {"StreamName": foreign, "APIName": "GET_CLIP"}),
        (
            streams.delete_stream,
            {
                "StreamARN": cloud.client("kinesisvideo").describe_stream(StreamName=own)["StreamInfo"][
                    "StreamARN"
                ]
            },
        ),
        (s3.put_object, {"Bucket": bucket, "Key": f"factory={FOREIGN}/x.mp4", "Body": b""}),
        (s3.list_objects_v2, {"Bucket": bucket, "Prefix": f"factory={FOREIGN}/"}),
        (s3.list_objects_v2, {"Bucket": bucket}),
        (s3.delete_object, {"Bucket": bucket, "Key": f"factory={FACTORY}/x.mp4"}),
    ):
        with pytest.raises(ClientError) as denied:
            call(**arguments)
        assert "AccessDenied" in denied.value.response["Error"]["Code"], arguments
