"""The commands as a user types them, against a running local cloud."""

import re
from collections import Counter
from pathlib import Path

import pytest

from factory_lake.cli import main
from factory_lake.gateway.batches import join, samples_of
from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.journal import read_journals
from tests.support.local_lake import describe
from tests.unit.factory_lake.gateway.fixtures import IotLake

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def folder(lake: IotLake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lanes = {}
    for lane in LANES:
        source = Source("krakow", "typed", lane)
        basic = f"$aws/rules/lake__krakow__{lane}/{source.topic}"
        arn = f"arn:aws:iot:{lake.cloud.region}:{lake.cloud.account_id}"
        allowed = [("iot:Publish", f"{arn}:topic/{topic}") for topic in (source.topic, basic)]
        connect = ("iot:Connect", f"{arn}:client/{source.client_id}")
        certificate = lake.principal(source, [connect, *allowed]).certificate
        lanes[lane] = {
            "client_id": source.client_id,
            "topic": source.topic,
            "basic_ingest_topic": basic,
            "certificate_pems": {"first.pem": certificate},
        }
    outputs = {"iot_endpoint": "unused", "gateways": {"krakow": {"typed": lanes}}}
    return describe(lake.cloud, tmp_path_factory.mktemp("lake"), outputs, lake.folder / "keys")


@pytest.fixture
def arguments(folder: Path, tmp_path: Path) -> list[str]:
    """The arguments that say where the lake is, with journals of the test's own."""
    return ["--lake", str(folder), "--journal-dir", str(tmp_path / "journals")]


def test_simulate(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gateway", "simulate", "--messages", "60", "--seed", "5", *arguments]) == 0
    assert "60 messages sent and acknowledged" in capsys.readouterr().out
    entries = read_journals(tmp_path / "journals")
    assert Counter(entry.source.lane for entry in entries) == {"measurements": 54, "configuration": 6}
    assert all(entry.acked_ms for entry in entries)


def test_simulate_for_a_time_with_the_journals_of_the_lake(folder: Path) -> None:
    command = ["gateway", "simulate", "--seconds", "1", "--rate", "20", "--mqtt", "3.1.1"]
    assert main([*command, "--lake", str(folder)]) == 0
    entries = read_journals(folder / "journals")
    assert 2 <= len(entries) <= 60
    assert all(entry.acked_ms for entry in entries)


def test_publish(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b'{"a":1}\nnot JSON\n{"lane":"configuration","message":{"b":2.50}}\n')
    assert main(["gateway", "publish", str(file), "--format", "csv", *arguments]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "gateway,messages",
        "krakow/typed/measurements,2",
        "krakow/typed/configuration,1",
    ]
    sent = {(entry.source.lane, entry.payload) for entry in read_journals(tmp_path / "journals")}
    assert sent == {("measurements", b'{"a":1}'), ("measurements", b"not JSON"), ("configuration", b'{"b":2.50}')}


def test_publish_in_batches_over_basic_ingest(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    lines = [b'{"a": %d.50}' % number for number in range(30)]
    file.write_bytes(
        b"\n".join([*lines[:20], b"not JSON", *lines[20:], b'{"lane":"configuration","message":{"b":1}}'])
    )
    assert main(["gateway", "publish", str(file), "--batch", "14", "--basic-ingest", *arguments]) == 0
    assert "32 messages sent and acknowledged in 5 publishes; journals" in capsys.readouterr().out
    sent = [(entry.source.lane, entry.payload) for entry in read_journals(tmp_path / "journals")]
    assert sent == [
        ("configuration", b'{"b":1}'),
        ("measurements", join(lines[:14])),
        ("measurements", join(lines[14:20])),
        ("measurements", b"not JSON"),
        ("measurements", join(lines[20:])),
    ]


def test_simulate_takes_samples_at_a_pace_and_sends_what_has_waited(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At 200 samples a second, 100 ms gather some twenty of them: far fewer than fit into a batch."""
    command = [
        "gateway",
        "simulate",
        "--messages",
        "200",
        "--sample-rate",
        "200",
        "--batch",
        "500",
        "--batch-ms",
        "100",
    ]
    assert main([*command, *arguments]) == 0
    assert re.search(r"200 messages sent and acknowledged in \d+ publishes", capsys.readouterr().out)
    entries = [one for one in read_journals(tmp_path / "journals") if one.source.lane == "measurements"]
    assert sum(len(samples_of(one.payload)) for one in entries) == 180
    assert 3 <= len(entries) < 90


def test_a_file_with_an_error_sends_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("timestamp,tag,value\n1772600000000,t,1\nnoon,t,1\n")
    assert main(["gateway", "publish", str(file), *arguments]) == 2
    assert f"error: {file}:3: timestamp must be epoch seconds" in capsys.readouterr().err
    assert not (tmp_path / "journals").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("--rate", "101"), "at most 100, got"),
        (("--rate", "0"), "must be a number above 0"),
        (("--messages", "0"), "must be a whole number from 1 on, got '0'"),
        (("--broker", "localhost:mqtt"), "must be HOST or HOST:PORT"),
        (("--batch", "0"), "must be a whole number from 1 on, got '0'"),
        (("--batch-ms", "5"), "--batch-ms goes with --batch"),
        (("--sample-rate", "0"), "must be a number above 0"),
        (("--seconds", "3"), "must have one of --messages and --seconds"),
    ],
)
def test_arguments_that_cannot_work(
    change: tuple[str, str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gateway", "simulate", "--messages", "1", "--lake", "x", *change]) == 2
    assert complaint in capsys.readouterr().err
