"""The entry point, with the clients replaced."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from clip_fetch import handler as entry
from lambda_common.settings import SettingsError
from tests.support.clip_fetch_aws import HOUR, Aws, footage

ENVIRONMENT = {"FACTORY": "krakow", "CLIPS_BUCKET": "clips", "STREAM_PREFIX": "lake_krakow_", "CLIP_SECONDS": "10"}


class Context:
    """What Lambda passes."""

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 60_000


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Footage of an hour ago on the machine's own clock."""
    made = Aws()
    made.now_ms = time.time_ns() // 1_000_000
    made.created_ms = made.now_ms - 2 * HOUR
    made.fragments["lake_krakow_press-1"] = footage(10, start_ms=made.now_ms - HOUR)
    made.fragments["lake_krakow_press-2"] = footage(5, start_ms=made.now_ms - HOUR)
    monkeypatch.setattr(entry, "make_clients", lambda _streams_at_once: made)
    monkeypatch.setattr(entry, "_kept", None)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return made


def test_an_invocation_archives_and_answers_with_plain_data(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    summary = entry.handler({}, Context())
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["clips"], summary["fragments"], summary["errors"]) == (3, 15, {})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines if "message" in line].count("clip") == 3
    assert sum("_aws" in line for line in lines) == 2
    assert len({line["run"] for line in lines if "run" in line}) == 1


def test_a_setting_is_live_with_the_next_invocation(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    entry.handler({}, Context())
    monkeypatch.setenv("CLIP_SECONDS", "0")
    with pytest.raises(SettingsError, match="CLIP_SECONDS"):
        entry.handler({}, Context())


def test_the_event_names_the_shard(aws: Aws) -> None:
    shares = [entry.handler({"shard": index, "shards": 2}, Context())["cameras"] for index in (0, 1)]
    assert sum(shares) == 2


@pytest.mark.parametrize("event", [None, [], {"detail-type": "Scheduled Event", "resources": []}])
def test_an_event_that_names_no_shard_means_all(aws: Aws, event: Any) -> None:
    assert entry.handler(event, Context())["cameras"] == 2


def test_connections_are_kept_between_invocations(aws: Aws) -> None:
    answers: dict[int, Any] = {}
    for index in range(2):
        aws.calls.clear()
        answers[index] = (entry.handler({}, Context()), list(aws.calls))
    assert "GetDataEndpoint" in answers[0][1]
    assert "GetDataEndpoint" not in answers[1][1]
    assert answers[0][0]["clips"] == 3
    assert answers[1][0]["clips"] == 0
