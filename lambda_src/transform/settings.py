"""The function's settings, from environment variables."""

from __future__ import annotations

import re
from typing import Mapping, NamedTuple

from lambda_common.settings import Environment

#: What a setting may be.
LANES = ("measurements", "configuration")
BLANK_POLICIES = ("reject", "null", "keep")

#: Rejections are logged at WARNING. A level above it would hide why a message went to the errors, so there is none.
LOG_LEVELS = ("DEBUG", "INFO", "WARNING")

#: A window that reached back further would promise what the table cannot keep: OpenX, Firehose's reader of
#: JSON, takes milliseconds of before 2001-09-09 for seconds. 9,000 days later it was May 2026, so the whole
#: window of what arrives now lies behind that day.
MAX_PAST_DAYS = 9_000
MAX_FUTURE_DAYS = 36_500

#: Kinesis, CreateStream.
_STREAM = re.compile(r"[a-zA-Z0-9_.-]+")
_STREAM_RULE = "the name of a data stream, of letters, digits and . _ -"


class Settings(NamedTuple):
    """How this function works, fixed at its cold start.

    Attributes:
        factory: ID of the factory whose messages come here.
        lane: ``measurements`` or ``configuration``.
        blank_strings: What happens to a string that is blank after trimming: ``reject``, ``null`` or ``keep``.
        past_days: How many days before its arrival a sample may have been taken.
        future_days: How many days after its arrival a sample may claim to have been taken.
        metrics_namespace: CloudWatch namespace of the metrics.
        log_level: ``DEBUG``, ``INFO`` or ``WARNING``.
        stream_name: The lane's data stream, on which the samples of batches are put back; None for configuration,
            which has no batches.
    """

    factory: str
    lane: str
    blank_strings: str = "reject"
    past_days: int = 400
    future_days: int = 1
    metrics_namespace: str = "FactoryLake"
    log_level: str = "INFO"
    stream_name: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; raise ``SettingsError`` for the first that is missing or breaks its rule."""
        env = Environment(environ)
        factory, lane = env.factory(), env.one_of("LANE", LANES)
        return cls(
            factory=factory,
            lane=lane,
            blank_strings=env.one_of("BLANK_STRINGS", BLANK_POLICIES, "reject"),
            past_days=env.whole("TIMESTAMP_PAST_DAYS", 400, 0, MAX_PAST_DAYS),
            future_days=env.whole("TIMESTAMP_FUTURE_DAYS", 1, 0, MAX_FUTURE_DAYS),
            metrics_namespace=env.metrics_namespace(),
            log_level=env.one_of("LOG_LEVEL", LOG_LEVELS, "INFO"),
            stream_name=env.matching("STREAM_NAME", _STREAM, _STREAM_RULE, 128) if lane == LANES[0] else None,
        )
