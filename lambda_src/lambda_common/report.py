"""Log lines and metrics, both JSON lines on standard output.

CloudWatch Logs makes metrics of lines in the embedded metric format (CloudWatch user guide, "Specification:
Embedded metric format"), so a function needs no permission and makes no call for them.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Callable, Mapping, Sequence

#: Log levels, the least severe first.
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


def now_ms() -> int:
    """Return the time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def print_line(line: str) -> None:
    """Write one line to standard output, as it is bound at this moment (a runtime may have replaced it)."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Report:
    """Writes log lines and metrics."""

    def __init__(
        self,
        level: str,
        fields: Mapping[str, str],
        namespace: str,
        write: Callable[[str], None] = print_line,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """Take the least level of ``LEVELS`` that is logged, what every log line says, and the metrics' namespace.

        ``write`` takes one line without its line feed; ``clock`` gives epoch milliseconds.
        """
        self._min_level = LEVELS[level]
        self._fields = fields
        self._namespace = namespace
        self._write = write
        self._clock = clock

    def log(self, level: str, message: str, /, **fields: object) -> None:
        """Write a log line, unless its level is below the one that is set."""
        if LEVELS[level] >= self._min_level:
            self._write_line({"level": level, "message": message, **self._fields, **fields})

    def metrics(
        self,
        dimensions: Mapping[str, str],
        values: Mapping[str, tuple[float, str]],
        sets: Sequence[Sequence[str]] = (),
    ) -> None:
        """Write metrics.

        Args:
            dimensions: Names and values.
            values: Value and CloudWatch unit of each metric.
            sets: The sets of dimensions under which each metric is kept; all dimensions together by default.
        """
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [list(names) for names in sets] or [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in values.items()],
        }
        envelope = {"Timestamp": self._clock(), "CloudWatchMetrics": [directive]}
        numbers = {name: value for name, (value, _) in values.items()}
        self._write_line({"_aws": envelope, **dimensions, **numbers})

    def _write_line(self, line: Mapping[str, object]) -> None:
        self._write(json.dumps(line, separators=(",", ":")))
