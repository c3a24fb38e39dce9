"""The benchmark compares what can be compared, and writes what others read."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from harness.bench import transform as bench
from harness.bench.measuring import Target, print_targets


def rows(answer: Any) -> list[Any]:
    """Read the lines of an answer."""
    return [json.loads(base64.b64decode(record["data"])) for record in answer["records"]]


def test_the_peers_do_the_same_with_clean_messages() -> None:
    """But for what only the transform does: empty metadata goes, the envelope comes."""
    event = bench.batch(bench.clean, size=20_000)
    expected = rows(bench.plain(event))
    assert rows(bench.powertools(event)) == expected
    for row, plain in zip(rows(bench.ours()(event)), expected, strict=True):
        assert row.pop("_gateway") in ("line-1", "line-2")
        assert row.pop("_received_at") == bench.ARRIVAL_MS
        assert plain.pop("metadata") == {}
        assert row == plain


def test_the_floor_gives_the_messages_back() -> None:
    event = bench.batch(bench.typical, size=20_000)
    answer: Any = bench.floor(event)
    assert [each["data"] for each in answer["records"]] == [each["data"] for each in event["records"]]


def test_batches_have_their_size_and_are_the_same_in_every_run() -> None:
    for kind in (bench.clean, bench.typical, bench.dirty):
        event = bench.batch(kind, size=50_000)
        assert event == bench.batch(kind, size=50_000)
        payload = sum(len(base64.b64decode(record["data"])) for record in event["records"])
        assert 49_000 < payload <= 50_000


def test_batches_hold_the_same_samples() -> None:
    alone = bench.batch(bench.typical, size=20_000)
    together = bench.batched(alone)
    assert len(together["records"]) == -(-len(alone["records"]) // 14)
    lines = [
        line for record in together["records"] for line in json.loads(base64.b64decode(record["data"]))["samples"]
    ]
    assert lines == rows(alone)


def test_the_typical_mix_is_what_it_says() -> None:
    messages = [json.loads(base64.b64decode(each["data"])) for each in bench.batch(bench.typical)["records"]]
    kinds = [message["datatype"] for message in messages]
    for kind, share in (("float64", 0.60), ("bool", 0.15), ("string", 0.15), ("int64", 0.10)):
        assert kinds.count(kind) / len(kinds) == pytest.approx(share, abs=0.02)
    for what, share in (
        (lambda m: m["description"] == "", 0.5),
        (lambda m: m["deviceName"] != m["deviceName"].strip(), 0.02),
        (lambda m: "unit" in m, 0.01),
    ):
        assert sum(map(what, messages)) / len(messages) == pytest.approx(share, abs=0.02)


def test_every_dirty_message_is_dirty() -> None:
    for record in bench.batch(bench.dirty, size=100_000)["records"]:
        message = json.loads(base64.b64decode(record["data"]))
        assert message["deviceName"] != message["deviceName"].strip()


def test_a_rejected_message_stops_the_benchmark() -> None:
    event = bench.batch(bench.clean, size=1_000)
    event["records"][0]["data"] = base64.b64encode(b"x").decode()
    with pytest.raises(AssertionError, match="1 of the benchmark's messages were rejected"):
        bench.ours()(event)


def test_the_result_has_what_was_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench" / "transform.json"
    status = bench.main(["--rounds", "1", "--processes", "1", "--result", str(path)])
    result = json.loads(path.read_text())
    printed = capsys.readouterr().out
    assert status == ("MISSED" in printed)
    for target in bench.TARGETS:
        assert result[target.key] > 0
        assert f"{target.key} = {result[target.key]:.2f}" in printed
    assert result["import_ms"] < result["powertools_import_ms"]
    assert {name: set(rates) for name, rates in result["records_per_second"].items()} == {
        "clean": {"transform", "powertools", "floor"},
        "typical": {"transform", "powertools"},
        "dirty": {"transform", "naive"},
    }


@pytest.mark.parametrize(
    ("value", "at_least", "met"), [(2.9, True, False), (3, True, True), (3, False, True), (3.1, False, False)]
)
def test_what_falls_short_is_said_to(
    value: float, at_least: bool, met: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = [Target("other", 0, True, "any"), Target("key", 3, at_least, "what")]
    assert print_targets(targets, {"key": value, "other": 1}) == (not met)
    said, bound = "met   " if met else "MISSED", "at least" if at_least else "at most"
    assert capsys.readouterr().out.splitlines()[1] == f"{said} key = {value:.2f} ({bound} 3: what)"
