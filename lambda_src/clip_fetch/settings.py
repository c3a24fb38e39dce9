"""Settings from environment variables, read at every run so that a change is live with the next one."""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple

from lambda_common.settings import Environment, SettingsError

from .events import ScheduleEvent

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # S3 user guide, bucket naming rules
_PREFIX = re.compile(r"[a-zA-Z0-9_.-]{1,255}")  # API model kinesisvideo, StreamName

#: The least severe level that is logged.
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

#: Where an empty archive begins.
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
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; raise ``SettingsError`` for the first that is missing or breaks its rule."""
        env = Environment(environ)
        letters = "letters, digits, underscores, dots or hyphens"
        settings = cls(
            factory=env.factory(),
            bucket=env.matching("CLIPS_BUCKET", _BUCKET, "a bucket name", 63),
            stream_prefix=env.matching("STREAM_PREFIX", _PREFIX, letters, 255),
            clip_ms=env.whole("CLIP_SECONDS", 60, 1, 3600) * 1000,
            settle_ms=env.whole("SETTLE_SECONDS", 15, 1, 600) * 1000,
            quiet_ms=env.whole("QUIET_SECONDS", 120, 1, 86400) * 1000,
            gap_ms=env.whole("GAP_SECONDS", 5, 1, 3600) * 1000,
            streams_at_once=env.whole("STREAMS_AT_ONCE", 4, 1, 64),
            start_from=env.one_of("START_FROM", (OLDEST, NOW), OLDEST),
            namespace=env.metrics_namespace(),
            log_level=env.one_of("LOG_LEVEL", LOG_LEVELS, "INFO"),
        )
        if settings.quiet_ms < settings.settle_ms:
            rule = f"at least SETTLE_SECONDS ({settings.settle_ms // 1000})"
            raise SettingsError("QUIET_SECONDS", rule, settings.quiet_ms // 1000)
        return settings


class Shard(NamedTuple):
    """Which share of the cameras an invocation works on: ``number`` of ``total``, counted from 0."""

    number: int = 0
    total: int = 1

    @classmethod
    def from_event(cls, event: ScheduleEvent) -> Shard:
        """Read ``{"shard": 0, "shards": 1}``; an event with neither key means all cameras, with one it is wrong."""
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
