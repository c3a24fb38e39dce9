"""Footage from cameras to clips, by the packaged function in its own role; the clips are decoded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from factory_lake.camera.reindex import reindex
from harness.camera.archiver import crash_while_storing, run_archiver, schedule_off
from harness.camera.journal import Journal
from harness.camera.reconciliation import VideoReport, archived_to, clip_keys, reconcile
from harness.lake import LocalLake
from harness.lake.functions import function_environment
from tests.e2e.plant import PATIENCE, film, wait_until

FACTORY = "genoa"


@dataclass(frozen=True)
class Filmed:
    """A camera that Terraform did not make, and what it has sent: as long as it likes, in no time."""

    lake: LocalLake
    name: str
    journal: Journal

    @property
    def prefix(self) -> str:
        """Where its clips are."""
        return f"factory={FACTORY}/camera={self.name}/"

    def film(self, seconds: float) -> None:
        """Send so much footage that began an hour ago."""
        stream = self.lake.outputs["video"][FACTORY]["stream_prefix"] + self.name
        film(self.lake.cloud, stream, self.journal, seconds, ago=3600)

    def reconcile(self) -> VideoReport:
        """Of all its frames."""
        s3, bucket = self.lake.cloud.client("s3"), self.lake.outputs["buckets"]["clips"]
        return reconcile(self.journal.read(), s3, bucket, FACTORY)

    def is_archived(self) -> bool:
        """Whether the archive has its last fragment."""
        *_, last = self.journal.read()
        s3, bucket = self.lake.cloud.client("s3"), self.lake.outputs["buckets"]["clips"]
        return archived_to(s3, bucket, self.prefix) == last.number

    def rows_to_mend(self) -> int:
        """How many rows of the table of clips are missing, wrong or of nothing."""
        s3, bucket = self.lake.cloud.client("s3"), self.lake.outputs["buckets"]["clips"]
        done = reindex(s3, bucket, FACTORY, self.name)
        assert done.rows > 0
        return done.written + done.removed

    def clip_seconds(self) -> list[float]:
        """How long its clips are, oldest first, by the fragments that they claim to hold."""
        s3, bucket = self.lake.cloud.client("s3"), self.lake.outputs["buckets"]["clips"]
        by_number = {fragment.number: fragment.length_ms for fragment in self.journal.read()}
        lengths = []
        for key in clip_keys(s3, bucket, self.prefix):
            claimed = s3.head_object(Bucket=bucket, Key=key)["Metadata"]
            first, last = int(claimed["first-fragment"]), int(claimed["last-fragment"])
            lengths.append(sum(ms for number, ms in by_number.items() if first <= number <= last) / 1000)
        return lengths


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
        summary = run_archiver(lake.cloud, lake.outputs["video"][FACTORY]["clip_function"])
        assert "errorMessage" not in summary, summary
        return summary

    return invoke


def test_the_schedule_catches_up_after_missed_runs(lake: LocalLake, camera: Filmed) -> None:
    with schedule_off(lake.cloud, lake.outputs["video"][FACTORY]["schedule_rules"]):
        camera.film(120)

    wait_until(camera.is_archived, every=0.5)

    report = camera.reconcile()
    assert report.discrepancies == []
    assert report.clips == len(camera.clip_seconds()) > 1


def test_a_clip_length_may_change_while_a_run_is_under_way(
    lake: LocalLake, camera: Filmed, run: Callable[[], dict[str, Any]]
) -> None:
    video = lake.outputs["video"][FACTORY]
    at_put = partial(lake.cloud.faults.add, service="s3", operation="PutObject", resource=camera.name)
    at_put()  # lets one clip pass
    held = at_put(delay=PATIENCE)
    under_way = threading.Thread(target=run)
    with schedule_off(lake.cloud, video["schedule_rules"]):
        camera.film(180)
        under_way.start()
        try:
            wait_until(lambda: lake.cloud.faults.hits(held) == 1)
            with function_environment(lake.cloud, video["clip_function"], CLIP_SECONDS="10"):
                run()  # beside the one that still cuts long clips, and has one of them on its way
                lake.cloud.faults.clear()
                under_way.join()
                run()
        finally:
            lake.cloud.faults.clear()

    assert camera.reconcile().discrepancies == []
    first, *rest = camera.clip_seconds()
    assert first >= 30
    assert max(rest) < 20
    assert camera.rows_to_mend() == 0


def test_a_run_killed_in_the_middle_of_a_clip_leaves_nothing_behind(
    lake: LocalLake, camera: Filmed, run: Callable[[], dict[str, Any]]
) -> None:
    camera.film(90)
    crash_while_storing(lake.cloud, lake.outputs["video"][FACTORY]["clip_function"], lake.outputs["buckets"]["clips"])
    run()

    assert camera.reconcile().discrepancies == []
    assert camera.rows_to_mend() == 0


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


def test_two_runs_at_once_archive_every_fragment_once(camera: Filmed, run: Callable[[], dict[str, Any]]) -> None:
    camera.film(180)
    runs = [threading.Thread(target=run) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    run()

    assert camera.reconcile().discrepancies == []
