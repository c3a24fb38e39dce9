"""A delivery stream's error log in CloudWatch Logs, written with the destination's role.

Source: Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose Using CloudWatch Logs". As on AWS
nothing depends on it: an entry that cannot be written is left out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.firehose.clients import CALL_ERRORS
from localcloud.firehose.settings import Settings

log = logging.getLogger(__name__)

QUIET_SECONDS = 60.0
"""The same error is logged once in this time."""


@dataclass
class ErrorLog:
    """Writes entries while logging is enabled.

    Attributes:
        clock: Monotonic seconds.
    """

    settings: Settings
    client: Callable[[], Any]
    clock: Callable[[], float]
    now: Callable[[], datetime]
    _written: dict[str, float] = field(default_factory=dict)

    def write(self, code: str, message: str) -> None:
        """Log an error under its code."""
        settings = self.settings
        if settings.error_log is None or self.clock() - self._written.get(code, float("-inf")) < QUIET_SECONDS:
            return
        self._written[code] = self.clock()
        entry = {
            "deliveryStreamARN": settings.arn,
            "destination": f"arn:aws:s3:::{settings.bucket}",
            "deliveryStreamVersionId": int(settings.version),
            "message": message,
            "errorCode": code,
        }
        if code.startswith("Lambda.") and settings.transform is not None:
            entry["processor"] = settings.transform.function_arn
        group, stream = settings.error_log
        event = {"timestamp": round(self.now().timestamp() * 1000), "message": json.dumps(entry)}
        try:
            self.client().put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
        except CALL_ERRORS as error:
            log.warning("%s: the error log %s:%s cannot be written: %s", settings.name, group, stream, error)
