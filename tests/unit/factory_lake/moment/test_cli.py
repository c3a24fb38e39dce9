"""`factory-lake moment` over a lake in memory: the samples, the configuration, a clip's frame, and gaps by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from clip_fetch import keys
from factory_lake import query as athena
from factory_lake.cli import main
from factory_lake.clients import Clients
from localcloud.testing import picture
from localcloud.testing.encoder import SyntheticEncoder
from tests.support.strict import StrictClient
from tests.unit.factory_lake.coverage.test_sql import answer
from tests.unit.factory_lake.fixtures import aws_in_memory, whole_outputs
from tests.unit.factory_lake.moment.test_tables import AT, day, storage

STREAM = "lake_krakow_press-1"
Run = Callable[..., Any]


class FakeVideo:
    """Kinesis Video Streams with these fragments, by producer and server time."""

    def __init__(self, fragments: list[tuple[int, int]] | None) -> None:
        self.fragments = fragments

    def get_data_endpoint(self, **request: Any) -> Any:
        if self.fragments is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "none"}}, "GetDataEndpoint")
        assert request == {"StreamName": STREAM, "APIName": "LIST_FRAGMENTS"}
        return {"DataEndpoint": "https://video.example"}

    def list_fragments(self, **request: Any) -> Any:
        selector = request["FragmentSelector"]
        at = 0 if selector["FragmentSelectorType"] == "PRODUCER_TIMESTAMP" else 1
        begin, end = (selector["TimestampRange"][name] for name in ("StartTimestamp", "EndTimestamp"))
        found = []
        for times in self.fragments or []:
            producer, server = (datetime.fromtimestamp(each / 1000, UTC) for each in times)
            if begin <= (producer, server)[at] < end:
                found.append(
                    {
                        "FragmentNumber": str(times[1]),
                        "ProducerTimestamp": producer,
                        "ServerTimestamp": server,
                        "FragmentLengthInMilliseconds": 1800,
                    }
                )
        return {"Fragments": found}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on a lake whose camera has one clip, of 10 s from 4 s before the moment on."""
    lake = storage([("press", "oil", AT - 9_000, AT - 8_000, 2.5), ("press", "oil", AT + 1_000, AT + 1_500, 3.5)])
    video = FakeVideo([(AT + 20_000, AT + 22_000)])

    def ask(client: Any, sql: str, *_: Any, **__: Any) -> athena.Result:
        rows = answer(lake, sql)
        columns = tuple(rows[0]) if rows else ()
        return athena.Result(columns, tuple(tuple(row.values()) for row in rows), 0.0, 100, "query")

    monkeypatch.setattr(athena, "run", ask)
    real = Clients.client

    def client(self: Clients, service: str, **options: Any) -> Any:
        if service.startswith("kinesis"):
            return StrictClient(service, video)
        return real(self, service, **options)

    monkeypatch.setattr(Clients, "client", client)
    with aws_in_memory():
        outputs = whole_outputs(tmp_path)
        bucket, settings = outputs["buckets"]["clips"], outputs["buckets"]["configuration"]
        s3 = boto3.client("s3")
        for each in (bucket, settings):
            s3.create_bucket(Bucket=each, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for number, (at_ms, recipe) in enumerate([(AT - 60_000, "a"), (AT - 90_000, "old"), (AT + 1, "next")]):
            line = f'{{"recipe":"{recipe}","_received_at":{at_ms},"_gateway":"line-1"}}\n'
            s3.put_object(Bucket=settings, Key=f"{day(at_ms)}/{number}", Body=line.encode())
        start_ms = AT - 4_000
        s3.put_object(
            Bucket=bucket,
            Key=f"factory=krakow/camera=press-1/{keys.stem(start_ms + 500, 7)}.mkv",
            Body=SyntheticEncoder("press-1").film(0, 100, 50).document,
            Metadata={
                "format": "mkv",
                "start": keys.iso(start_ms + 500),
                "end": keys.iso(start_ms + 10_300),
                "producer-start": keys.iso(start_ms),
                "duration-ms": "10000",
                "fragments": "1",
            },
        )
        (tmp_path / "outputs.json").write_text(json.dumps(outputs))

        def command(*words: str, at_ms: int = AT) -> Any:
            lake_file = str(tmp_path / "outputs.json")
            assert main(["moment", "--at", keys.iso(at_ms), "--lake", lake_file, *words]) == 0
            said = capsys.readouterr()
            assert said.err == ""
            return json.loads(said.out) if "--json" in words else said.out

        command.video = video  # type: ignore[attr-defined]
        yield command


def test_samples_configuration_and_the_frame(run: Run, tmp_path: Path) -> None:
    found = run("--json", "--out", str(tmp_path / "frames"))

    assert [(one["side"], one["value"], one["age_ms"]) for one in found["samples"]] == [
        ("before", 2.5, 9_000),
        ("after", 3.5, -1_000),
    ]
    (held,) = found["configuration"]
    assert (held["gateway"], held["message"], held["age_ms"]) == ("line-1", '{"recipe":"a"}', 60_000)
    (camera,) = found["cameras"]
    assert (camera["state"], camera["offset_ms"], camera["frame"]) == ("clip", 4_000, 20)
    assert camera["calls"] <= 3
    luma = np.asarray(Image.open(camera["picture"]).convert("L"))
    # Pictures are in full range; the code's blocks are black and white in either.
    mark = picture.read(luma)
    assert mark is not None
    assert mark.counter == 120


def test_the_link_opens_the_clip_at_the_moment_and_expires(run: Run) -> None:
    (camera,) = run("--json")["cameras"]
    assert "X-Amz-Expires=3600" in camera["link"]
    assert camera["key"].rpartition("/")[2] in camera["link"]
    assert camera["link"].endswith("#t=4.000")
    assert "frame" not in camera
    assert camera["link_expires"] > keys.iso(AT)


@pytest.mark.parametrize(
    ("clock", "offset_ms", "video"),
    [("gateway", 4_000, "camera"), ("camera", 4_000, "camera"), ("arrival", 3_500, "arrival")],
)
def test_the_clock_is_chosen_and_told(run: Run, clock: str, offset_ms: int, video: str) -> None:
    found = run("--json", "--clock", clock)
    (camera,) = found["cameras"]
    assert found["clock"] == clock
    assert (camera["clock"], camera["offset_ms"]) == (video, offset_ms)
    ages = [9_000, -1_000] if clock != "arrival" else [8_000, -1_500]
    assert [one["age_ms"] for one in found["samples"]] == ages


@pytest.mark.parametrize(
    ("after_ms", "fragments", "state"),
    [
        (21_000, [(20_000, 22_000)], "waiting"),
        (30_000, [(20_000, 22_000)], "silent"),
        (60_000, [(20_000, 22_000)], "silent"),
        (21_000, None, "silent"),
    ],
)
def test_behind_the_archive_footage_waits_or_there_is_none(
    run: Any, after_ms: int, fragments: list[tuple[int, int]] | None, state: str
) -> None:
    run.video.fragments = None if fragments is None else [(AT + one, AT + other) for one, other in fragments]
    (camera,) = run("--json", at_ms=AT + after_ms)["cameras"]
    assert (camera["state"], "link" in camera) == (state, False)


@pytest.mark.parametrize("width", ["80", "200", ""])
def test_what_a_person_reads(run: Run, width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", width)
    shown = run()
    assert "9 s before" in shown
    assert '{"recipe":"a"}' in shown
    assert "4.000 s" in shown
    assert "gateways' clock" in shown
    assert "Without footage" not in shown
    gone = run(at_ms=AT + 60_000)
    assert "silent" in gone


def test_a_tag_that_is_not_there(run: Run) -> None:
    assert "none" in run("--tag", "pressure")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--camera", "press-9"), "--camera must be one of krakow/press-1, got 'press-9'"),
        (("--factory", "lyon"), "--factory must be one of krakow, got 'lyon'"),
        (("--around", "2d"), "must be a time like 500ms, 30s, 5m or 2h, at most 24h, got '2d'"),
        (("--around", "0s"), "got '0s'"),
        (("--clock", "mine"), "mine"),
    ],
)
def test_mistakes_end_in_one_line(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps(whole_outputs(tmp_path)))
    assert main(["moment", "--at", keys.iso(AT), "--lake", str(tmp_path / "outputs.json"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
