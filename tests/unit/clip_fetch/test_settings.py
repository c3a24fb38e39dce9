"""Settings: what is taken, what is refused and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from clip_fetch.settings import Settings, Shard
from lambda_common.settings import SettingsError

REQUIRED = {"FACTORY": "krakow", "CLIPS_BUCKET": "lake-clips", "STREAM_PREFIX": "lake_krakow_"}


def test_defaults() -> None:
    settings = Settings.from_env(REQUIRED)
    assert settings == Settings("krakow", "lake-clips", "lake_krakow_")
    assert (settings.clip_ms, settings.settle_ms, settings.quiet_ms, settings.gap_ms) == (
        60_000,
        15_000,
        120_000,
        5_000,
    )
    assert (settings.streams_at_once, settings.start_from) == (4, "oldest")


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            **REQUIRED,
            "CLIP_SECONDS": "300",
            "SETTLE_SECONDS": "20",
            "QUIET_SECONDS": "90",
            "GAP_SECONDS": "7",
            "STREAMS_AT_ONCE": "8",
            "START_FROM": "now",
            "METRICS_NAMESPACE": "Plant",
            "LOG_LEVEL": "DEBUG",
        }
    )
    assert settings == Settings(
        "krakow", "lake-clips", "lake_krakow_", 300_000, 20_000, 90_000, 7_000, 8, "now", "Plant", "DEBUG"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"FACTORY": ""}, "FACTORY must be an ID of lower-case letters"),
        ({"FACTORY": "Krakow"}, "FACTORY must be an ID"),
        ({"FACTORY": "a" * 33}, "at most 32 characters"),
        ({"CLIPS_BUCKET": "x"}, "CLIPS_BUCKET must be a bucket name"),
        ({"STREAM_PREFIX": ""}, "STREAM_PREFIX must be"),
        ({"STREAM_PREFIX": "lake krakow"}, "got 'lake krakow'"),
        ({"CLIP_SECONDS": "0"}, "CLIP_SECONDS must be a whole number from 1 to 3600, got '0'"),
        ({"CLIP_SECONDS": "3601"}, "CLIP_SECONDS must be a whole number from 1 to 3600, got '3601'"),
        ({"CLIP_SECONDS": "60.5"}, "got '60.5'"),
        ({"CLIP_SECONDS": ""}, "got ''"),
        ({"CLIP_SECONDS": "٦٠"}, "CLIP_SECONDS must be"),
        ({"SETTLE_SECONDS": "601"}, "SETTLE_SECONDS must be a whole number from 1 to 600"),
        ({"QUIET_SECONDS": "10"}, r"QUIET_SECONDS must be at least SETTLE_SECONDS \(15\), got 10"),
        ({"GAP_SECONDS": "-1"}, "GAP_SECONDS must be a whole number from 1 to 3600"),
        ({"STREAMS_AT_ONCE": "65"}, "STREAMS_AT_ONCE must be a whole number from 1 to 64"),
        ({"START_FROM": "yesterday"}, "START_FROM must be one of oldest, now, got 'yesterday'"),
        ({"METRICS_NAMESPACE": " "}, "METRICS_NAMESPACE must be"),
        ({"LOG_LEVEL": "info"}, "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, got 'info'"),
    ],
)
def test_a_refusal_names_variable_rule_and_value(change: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.from_env({**REQUIRED, **change})


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_what_has_no_default_is_required(name: str) -> None:
    env = {key: value for key, value in REQUIRED.items() if key != name}
    with pytest.raises(SettingsError, match=name) as raised:
        Settings.from_env(env)
    assert raised.value.name == name
    assert raised.value.value is None


@pytest.mark.parametrize(
    ("event", "shard"),
    [
        ({}, Shard(0, 1)),
        ({"detail-type": "Scheduled Event", "detail": {}}, Shard(0, 1)),
        ({"shard": 3, "shards": 4}, Shard(3, 4)),
    ],
)
def test_the_event_may_name_a_shard(event: Any, shard: Shard) -> None:
    assert Shard.from_event(event) == shard


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"shard": 0}, "event.shards must be a whole number from 1 to 1000, got nothing"),
        ({"shards": 2}, "event.shard must be a whole number from 0 to shards - 1, got nothing"),
        ({"shard": 2, "shards": 2}, "event.shard must be .* got 2"),
        ({"shard": -1, "shards": 2}, "event.shard must be"),
        ({"shard": 0, "shards": 0}, "event.shards must be"),
        ({"shard": True, "shards": 2}, "event.shard must be"),
        ({"shard": "0", "shards": 2}, "event.shard must be"),
    ],
)
def test_a_wrong_shard_is_refused(event: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Shard.from_event(event)
