"""The commands as a user types them, against a running local cloud."""

import json
from collections import Counter
from pathlib import Path

import pytest

from factory_lake.gateway.cli import main
from factory_lake.gateway.identities import LANES, Source
from factory_lake.gateway.journal import read_journals
from tests.unit.factory_lake.gateway.fixtures import IotLake

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def arguments(lake: IotLake, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments that say where the lake is, less the journals."""
    lanes = {}
    for lane in LANES:
        source = Source("krakow", "typed", lane)
        certificate = lake.identity(source).certificate
        lanes[lane] = {
            "client_id": source.client_id,
            "topic": source.topic,
            "certificate_pems": {"first.pem": certificate},
        }
    outputs = tmp_path_factory.mktemp("outputs") / "outputs.json"
    outputs.write_text(json.dumps({"iot_endpoint": "unused", "gateways": {"krakow": {"typed": lanes}}}))
    return [
        *("--outputs", str(outputs), "--key-dir", str(lake.folder / "keys")),
        *("--local", str(lake.cloud.workdir)),
    ]


def test_simulate(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["simulate", "--messages", "60", "--seed", "5", "--journal-dir", str(tmp_path), *arguments]) == 0
    )
    assert "60 messages of " in capsys.readouterr().out
    entries = read_journals(tmp_path)
    assert Counter(entry.source.lane for entry in entries) == {"measurements": 54, "configuration": 6}
    assert all(entry.acked_ms for entry in entries)


def test_simulate_for_a_time(arguments: list[str], tmp_path: Path) -> None:
    command = [
        "simulate",
        "--seconds",
        "1",
        "--rate",
        "20",
        "--mqtt",
        "3.1.1",
        "--journal-dir",
        str(tmp_path),
    ]
    assert main([*command, *arguments]) == 0
    entries = read_journals(tmp_path)
    assert 2 <= len(entries) <= 60
    assert all(entry.acked_ms for entry in entries)


def test_publish(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b'{"a":1}\nnot JSON\n{"lane":"configuration","message":{"b":2.50}}\n')
    assert main(["publish", str(file), "--journal-dir", str(tmp_path / "journals"), *arguments]) == 0
    assert "krakow/typed/measurements: 2 messages sent and acknowledged" in capsys.readouterr().out
    sent = {(entry.source.lane, entry.payload) for entry in read_journals(tmp_path / "journals")}
    assert sent == {
        ("measurements", b'{"a":1}'),
        ("measurements", b"not JSON"),
        ("configuration", b'{"b":2.50}'),
    }


def test_a_file_with_an_error_sends_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("timestamp,tag,value\n1772600000000,t,1\nnoon,t,1\n")
    assert main(["publish", str(file), "--journal-dir", str(tmp_path / "journals"), *arguments]) == 1
    assert f"error: {file}:3: timestamp must be epoch milliseconds" in capsys.readouterr().err
    assert not (tmp_path / "journals").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("--rate", "101"), "must be at most 100"),
        (("--rate", "0"), "must be above 0"),
        (("--messages", "0"), "must be at least 1"),
        (("--broker", "localhost:mqtt"), "must be HOST or HOST:PORT"),
    ],
)
def test_arguments_that_cannot_work(
    change: tuple[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(
            [
                "simulate",
                "--messages",
                "1",
                *("--outputs", "x", "--key-dir", "x", "--journal-dir", "x"),
                *change,
            ]
        )
    assert told in capsys.readouterr().err


def test_no_local_cloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "outputs.json").write_text("{}")
    folders = ("--outputs", str(tmp_path / "outputs.json"), "--key-dir", "x", "--journal-dir", "x")
    assert main(["simulate", "--messages", "1", *folders, "--local", str(tmp_path)]) == 1
    assert "no local cloud runs here" in capsys.readouterr().err
