"""The function's settings, from environment variables."""

from __future__ import annotations

import re

from .errors import SettingsError

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Mapping

LANES = ("measurements", "configuration")
BLANK_POLICIES = ("reject", "null", "keep")
# Rejections are logged at WARNING. A level above it would hide why a message went to the errors, so there is
# none.
LOG_LEVELS = ("DEBUG", "INFO", "WARNING")

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_ID_LENGTH = 32
_DAYS = re.compile(r"[0-9]{1,5}\Z")
# A window that reached back further would promise what the table cannot keep: OpenX, Firehose's reader of
# JSON, takes milliseconds of before 2001-09-09 for seconds. 9,000 days later it was May 2026, so the whole
# window of what arrives now lies behind that day.
_MOST_PAST_DAYS = 9_000
_MOST_FUTURE_DAYS = 36_500
# CloudWatch, PutMetricData: 1 to 255 of these characters; names that begin with "AWS/" are Amazon's own.
_NAMESPACE = re.compile(r"(?!AWS/)[0-9A-Za-z.\-_/#:]{1,255}\Z")


class Settings:
    """How this function works, fixed at its cold start.

    Attributes:
        factory: ID of the factory whose messages come here.
        lane: ``measurements`` or ``configuration``.
        blank_strings: What happens to a string that is blank after trimming: ``reject``, ``null`` or
            ``keep``.
        past_days: How many days before its arrival a sample may have been taken.
        future_days: How many days after its arrival a sample may claim to have been taken.
        metrics_namespace: CloudWatch namespace of the metrics.
        log_level: ``DEBUG``, ``INFO`` or ``WARNING``.
    """

    __slots__ = (
        "blank_strings",
        "factory",
        "future_days",
        "lane",
        "log_level",
        "metrics_namespace",
        "past_days",
    )

    def __init__(
        self,
        *,
        factory: str,
        lane: str,
        blank_strings: str = "reject",
        past_days: int = 400,
        future_days: int = 1,
        metrics_namespace: str = "FactoryLake",
        log_level: str = "INFO",
    ) -> None:
        self.factory = factory
        self.lane = lane
        self.blank_strings = blank_strings
        self.past_days = past_days
        self.future_days = future_days
        self.metrics_namespace = metrics_namespace
        self.log_level = log_level

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check every variable.

        Args:
            environ: The environment, as ``os.environ``.

        Raises:
            SettingsError: A variable is missing or breaks its rule; the message names variable, rule and
                value.
        """
        return cls(
            factory=_factory(environ),
            lane=_one_of(environ, "LANE", LANES),
            blank_strings=_one_of(environ, "BLANK_STRINGS", BLANK_POLICIES, "reject"),
            past_days=_days(environ, "TIMESTAMP_PAST_DAYS", 400, _MOST_PAST_DAYS),
            future_days=_days(environ, "TIMESTAMP_FUTURE_DAYS", 1, _MOST_FUTURE_DAYS),
            metrics_namespace=_namespace(environ),
            log_level=_one_of(environ, "LOG_LEVEL", LOG_LEVELS, "INFO"),
        )


def _factory(environ: Mapping[str, str]) -> str:
    value = environ.get("FACTORY")
    if value is None or len(value) > _ID_LENGTH or not _ID.match(value):
        rule = f"lower-case letters and digits in groups joined by '-', at most {_ID_LENGTH} characters"
        raise SettingsError("FACTORY", rule, value)
    return value


def _one_of(
    environ: Mapping[str, str], variable: str, choices: tuple[str, ...], default: str | None = None
) -> str:
    value = environ.get(variable, default)
    if value is None or value not in choices:
        raise SettingsError(variable, "one of " + ", ".join(choices), value)
    return value


def _days(environ: Mapping[str, str], variable: str, default: int, most: int) -> int:
    value = environ.get(variable, str(default))
    if not _DAYS.match(value) or int(value) > most:
        raise SettingsError(variable, f"a whole number of days from 0 to {most}", value)
    return int(value)


def _namespace(environ: Mapping[str, str]) -> str:
    value = environ.get("METRICS_NAMESPACE", "FactoryLake")
    if not _NAMESPACE.match(value):
        rule = "1 to 255 of 0-9 A-Z a-z . - _ / # : that do not begin with 'AWS/'"
        raise SettingsError("METRICS_NAMESPACE", rule, value)
    return value
