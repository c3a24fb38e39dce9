"""Moments as numbers, as text for people, and for SQL."""

from datetime import datetime

from clip_fetch import keys

MINUTE_MS = 60_000


def instant_ms(at: datetime) -> int:
    """Epoch milliseconds of a time in an answer of AWS, which has a zone."""
    return round(at.timestamp() * 1000)


def iso(at_ms: int) -> str:
    """A moment as the commands print and take it: without a fraction that is none."""
    return keys.iso(at_ms).replace(".000Z", "Z")


def moment(at_ms: int) -> str:
    """A SQL literal of a time, as the tables have it: UTC, without a zone."""
    return f"TIMESTAMP '{keys.iso(at_ms)[:-1].replace('T', ' ')}'"


def text(value: str) -> str:
    """A SQL literal of a text."""
    return "'" + value.replace("'", "''") + "'"
