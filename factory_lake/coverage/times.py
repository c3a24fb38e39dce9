"""Moments as text, for people and for SQL."""

from datetime import UTC, datetime

MINUTE_MS = 60_000


def iso(at_ms: int) -> str:
    """A moment as the commands print and take it."""
    return f"{_utc(at_ms):%Y-%m-%dT%H:%M:%S}{_fraction(at_ms)}Z"


def moment(at_ms: int) -> str:
    """A SQL literal of a time, as the tables have it: UTC, without a zone."""
    return f"TIMESTAMP '{_utc(at_ms):%Y-%m-%d %H:%M:%S}.{at_ms % 1000:03d}'"


def text(value: str) -> str:
    """A SQL literal of a text."""
    return "'" + value.replace("'", "''") + "'"


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)


def _fraction(at_ms: int) -> str:
    return f".{at_ms % 1000:03d}" if at_ms % 1000 else ""
