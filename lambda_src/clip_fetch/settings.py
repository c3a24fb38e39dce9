"""Settings from environment variables, read at every run so that a change is live with the next one."""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple, Tuple

from clip_fetch.errors import SettingsError

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3 user guide, bucket naming rules
_PREFIX = re.compile(r"[a-zA-Z0-9_.-]{1,255}")  # API model kinesisvideo, StreamName
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

OLDEST = "oldest"
NOW = "now"


class Settings(NamedTuple):
    """Checked settings; all durations in milliseconds.

    Attributes:
        factory: Factory ID, first part of every key.
        bucket: The clips bucket.
        stream_prefix: What the names of the factory's streams begin with; the rest of a name is its camera.
        clip_ms: Footage that a clip should hold.
        settle_ms: How long after its end a fragment is taken to be listed, and all before it as well.
        quiet_ms: A camera that has sent nothing for this long is taken to have stopped.
        gap_ms: A jump in the camera's own time beyond this ends a clip.
        streams_at_once: Cameras worked on at the same time.
        start_from: Where an empty archive begins: ``oldest`` retained footage or ``now``.
        namespace: CloudWatch namespace of the metrics.
        log_level: Least level that is logged.
    """

    factory: str
    bucket: str
    stream_prefix: str
    clip_ms: int = 60_000
    settle_ms: int = 15_000
    quiet_ms: int = 120_000
    gap_ms: int = 5_000
    streams_at_once: int = 4
    start_from: str = OLDEST
    namespace: str = "FactoryLake"
    log_level: str = "INFO"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check the variables.

        Raises:
            SettingsError: The first variable that is missing or breaks its rule.
        """
        settings = cls(
            factory=_matching(
                env, "FACTORY", _ID, "an ID of lower-case letters, digits and single hyphens", 32
            ),
            bucket=_matching(env, "CLIPS_BUCKET", _BUCKET, "a bucket name", 63),
            stream_prefix=_matching(
                env, "STREAM_PREFIX", _PREFIX, "1..255 letters, digits, underscores, dots or hyphens", 255
            ),
            clip_ms=_seconds(env, "CLIP_SECONDS", 60, 1, 3600),
            settle_ms=_seconds(env, "SETTLE_SECONDS", 15, 1, 600),
            quiet_ms=_seconds(env, "QUIET_SECONDS", 120, 1, 86400),
            gap_ms=_seconds(env, "GAP_SECONDS", 5, 1, 3600),
            streams_at_once=_whole(env, "STREAMS_AT_ONCE", 4, 1, 64),
            start_from=_one_of(env, "START_FROM", OLDEST, (OLDEST, NOW)),
            namespace=_text(env, "METRICS_NAMESPACE", "FactoryLake", 255),
            log_level=_one_of(env, "LOG_LEVEL", "INFO", _LEVELS),
        )
        if settings.quiet_ms < settings.settle_ms:
            raise SettingsError(
                "QUIET_SECONDS",
                f"at least SETTLE_SECONDS ({settings.settle_ms // 1000})",
                settings.quiet_ms // 1000,
            )
        return settings


class Shard(NamedTuple):
    """Which share of the cameras an invocation works on: ``number`` of ``total``, counted from 0."""

    number: int = 0
    total: int = 1

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Shard:
        """Read ``{"shard": 0, "shards": 1}``; an event that has neither key means all cameras.

        Raises:
            SettingsError: One key without the other, or numbers out of range.
        """
        if "shard" not in event and "shards" not in event:
            return cls()
        total = event.get("shards")
        if not _is_whole(total, 1, 1000):
            raise SettingsError("event.shards", "a whole number from 1 to 1000", total)
        number = event.get("shard")
        if not _is_whole(number, 0, int(str(total)) - 1):
            raise SettingsError("event.shard", "a whole number from 0 to shards - 1", number)
        return cls(int(str(number)), int(str(total)))


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _matching(env: Mapping[str, str], name: str, pattern: re.Pattern[str], rule: str, longest: int) -> str:
    value = env.get(name, "")
    if not pattern.fullmatch(value) or len(value) > longest:
        raise SettingsError(name, f"{rule} (at most {longest} characters)", value)
    return value


def _text(env: Mapping[str, str], name: str, default: str, longest: int) -> str:
    value = env.get(name, default)
    if not value.strip() or len(value) > longest:
        raise SettingsError(name, f"1..{longest} characters that are not all blank", value)
    return value


def _whole(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise SettingsError(name, f"a whole number from {low} to {high}", text)
    return int(text)


def _seconds(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    return _whole(env, name, default, low, high) * 1000


def _one_of(env: Mapping[str, str], name: str, default: str, choices: Tuple[str, ...]) -> str:
    value = env.get(name, default)
    if value not in choices:
        raise SettingsError(name, f"one of {', '.join(choices)}", value)
    return value
