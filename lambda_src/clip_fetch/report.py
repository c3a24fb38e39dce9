"""What a run tells: log lines, and metrics of each camera and of its factory."""

from __future__ import annotations

import threading
from typing import Callable, Mapping

from lambda_common import report
from lambda_common.report import now_ms, print_line

from .settings import Settings

#: Metrics of a camera and their CloudWatch units.
UNITS = {
    "BacklogSeconds": "Seconds",
    "SecondsToLoss": "Seconds",
    "SilentSeconds": "Seconds",
    "Clips": "Count",
    "Fragments": "Count",
    "Bytes": "Bytes",
    "Calls": "Count",
    "Flagged": "Count",
    "ExpiredSeconds": "Seconds",
    "Errors": "Count",
}


class Report(report.Report):
    """Log lines and metrics of one run, from any thread."""

    def __init__(
        self,
        settings: Settings,
        run: str,
        write: Callable[[str], None] = print_line,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        """Take what the report depends on, as ``lambda_common.report.Report`` does; ``run`` names the run."""
        fields = {"factory": settings.factory, "run": run}
        super().__init__(settings.log_level, fields, settings.namespace, write, clock)
        self._factory = settings.factory
        self._lock = threading.Lock()

    def camera_metrics(self, camera: str, values: Mapping[str, float]) -> None:
        """Write each value for the camera and for its factory; what is not known is left out."""
        known = {name: (values[name], unit) for name, unit in UNITS.items() if name in values}
        dimensions = {"Factory": self._factory, "Camera": camera}
        self.metrics(dimensions, known, (("Factory", "Camera"), ("Factory",)))

    def _write_line(self, line: Mapping[str, object]) -> None:
        with self._lock:
            super()._write_line(line)
