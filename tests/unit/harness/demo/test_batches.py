"""What the demonstration sends in batches, and what it says of them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from factory_lake.gateway.batches import batched, split
from factory_lake.gateway.bucket import BYTES_PER_PUBLISH, FASTEST
from factory_lake.gateway.identities import Source
from harness.demo import cost, messages
from harness.demo.run import _show_batches
from harness.demo.summary import Summary

PRESS = Source("krakow", "line-2", "measurements")
# Samples a second on one connection.
LEAST_RATE = 1800


def days(payloads: list[bytes]) -> list[str]:
    """The days of the samples that have one, in their order."""
    found = []
    for payload in payloads:
        try:
            at_ms = json.loads(payload)["timestamp"]
            found.append(datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d"))
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
    return found


def test_samples_lie_on_both_sides_of_midnight_and_on_other_days() -> None:
    today = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d")
    sent = [one for one in batched(messages._over_midnight(PRESS, 1000), messages._BATCH) if one is not None]

    together = [set(days(split(one.payload) or [])) for one in sent]

    assert today in set().union(*together)
    assert any(len(each) > 1 for each in together)


def test_a_connection_is_not_limited_to_less_than_it_is_to_show() -> None:
    samples = messages._over_midnight(PRESS, messages.CATCHING_UP, days_ago=1)
    publishes = [one for one in batched(samples, messages._LARGE_BATCH) if one is not None]
    size = sum(len(one.payload) for one in publishes)

    seconds = max(len(publishes) / FASTEST, size / (FASTEST * BYTES_PER_PUBLISH))

    assert len(samples) / seconds > LEAST_RATE


def test_each_way_costs_less_than_the_one_before() -> None:
    amounts = cost.by_million_samples()
    assert list(amounts) == ["single", "basic_ingest", "batch14", "best"]
    assert list(amounts.values()) == sorted(amounts.values(), reverse=True)
    assert amounts["best"] > 0


def test_the_figures_of_batches_fit_the_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = ("messages", "samples", "put_back", "delivered", "rejected", "lost", "duplicated", "samples_per_second")
    summary = Summary(batches=dict.fromkeys(names, 123456))

    _show_batches(summary)
    summary.write(tmp_path / "summary.json")

    shown = capsys.readouterr().out
    assert "123,456" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    written = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert tuple(written["batches"]) == names
    assert set(written["cost"]) == {"usd_per_million_samples"}
