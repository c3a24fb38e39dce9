"""Patterns of dates and times as Java's formatters read them: those of IoT's SQL (Joda-Time) and Firehose's prefixes.

Only the letters that make dates and times of fixed width are known; any other is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z'\[\]{}#]+|.")
_FIELDS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


@lru_cache(maxsize=256)
def parse(pattern: str) -> Callable[[datetime], str]:
    """What formats a time by a pattern.

    Raises:
        ValueError: the pattern has a letter or a bracket that is not known here, or a quote without an end.
    """
    parts: list[Callable[[datetime], str]] = []
    for match in _PIECE.finditer(pattern):
        text = match[0]
        if text in _FIELDS:
            parts.append(lambda time, code=_FIELDS[text]: time.strftime(code))  # type: ignore[misc]
        elif text == "SSS":
            parts.append(lambda time: f"{time.microsecond // 1000:03d}")
        elif match[2] or text in "'[]{}#":
            raise ValueError(f"time pattern {pattern!r}: {text!r} is not supported")
        else:
            literal = text if match[1] is None else match[1].replace("''", "'") or "'"
            parts.append(lambda _, literal=literal: literal)  # type: ignore[misc]
    return lambda time: "".join(part(time) for part in parts)
