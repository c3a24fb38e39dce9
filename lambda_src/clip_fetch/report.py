"""What a run tells: JSON log lines, and metrics in CloudWatch's embedded metric format."""

from __future__ import annotations

import json
import threading
from typing import Any, Dict, List, Sequence, TextIO, Tuple

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}

#: Metrics of a camera and their CloudWatch units.
_UNITS: Sequence[Tuple[str, str]] = (
    ("BacklogSeconds", "Seconds"),
    ("SecondsToLoss", "Seconds"),
    ("SilentSeconds", "Seconds"),
    ("Clips", "Count"),
    ("Fragments", "Count"),
    ("Bytes", "Bytes"),
    ("Calls", "Count"),
    ("Flagged", "Count"),
    ("ExpiredSeconds", "Seconds"),
    ("Errors", "Count"),
)


class Report:
    """Writes whole lines, from any thread."""

    def __init__(self, out: TextIO, level: str, factory: str, run: str) -> None:
        self._out = out
        self._least = _LEVELS[level]
        self._common = {"factory": factory, "run": run}
        self._lock = threading.Lock()

    def log(self, level: str, event: str, fields: Dict[str, Any]) -> None:
        """One JSON line, unless its level is below the one that is set."""
        if _LEVELS[level] >= self._least:
            self._write({"level": level, "message": event, **self._common, **fields})

    def metrics(self, namespace: str, camera: str, now_ms: int, values: Dict[str, float]) -> None:
        """One embedded-metric line: each value for the camera and for its factory.

        The format is that of the CloudWatch user guide, "Specification: Embedded metric format". What is not
        known is left out.
        """
        known = [(name, unit) for name, unit in _UNITS if name in values]
        metrics: List[Dict[str, str]] = [{"Name": name, "Unit": unit} for name, unit in known]
        directive = {
            "Namespace": namespace,
            "Dimensions": [["Factory", "Camera"], ["Factory"]],
            "Metrics": metrics,
        }
        self._write(
            {
                "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]},
                "Factory": self._common["factory"],
                "Camera": camera,
                **{name: values[name] for name, _ in known},
            }
        )

    def _write(self, line: Dict[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":")) + "\n"
        with self._lock:
            self._out.write(text)
            self._out.flush()
