"""What the function says about its work: log lines and metrics, both JSON lines on standard output.

CloudWatch Logs makes metrics of lines in the embedded metric format, so the function needs no permission and
makes no call for them. Lines name rules and keys; they never hold values, because a log is read by more
people than the data is.
"""

from __future__ import annotations

import json
import sys
import time

from . import errors

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Any, Callable

    from .errors import MessageError
    from .settings import Settings

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_MOST_OF_A_NAME = 64

RECEIVED = "RecordsReceived"
ACCEPTED = "RecordsAccepted"
REJECTED = "RecordsRejected"


def print_line(line: str) -> None:
    """Write one line to standard output, as it is bound at this moment (a runtime may have replaced it)."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Report:
    """Log lines and metrics of one function."""

    __slots__ = ("_clock", "_level", "_settings", "_write")

    def __init__(
        self,
        settings: Settings,
        write: Callable[[str], None] = print_line,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take what the report depends on.

        Args:
            settings: Factory, lane, log level and the metrics' namespace.
            write: Takes one line without its line feed.
            clock: Gives the time as ``time.time`` does.
        """
        self._settings = settings
        self._write = write
        self._clock = clock
        self._level = _LEVELS[settings.log_level]

    def log(self, level: str, message: str, **fields: Any) -> None:
        """Write a log line, if its level is worth one."""
        if _LEVELS[level] < self._level:
            return
        line = {
            "level": level,
            "message": message,
            "factory": self._settings.factory,
            "lane": self._settings.lane,
            **fields,
        }
        self._write(json.dumps(line))

    def rejected(
        self,
        record_id: str,
        payload: bytes | None,
        received_at: int | None,
        gateway: str | None,
        error: MessageError | Exception,
    ) -> str:
        """Log why a record was given back, and return the name of the rule.

        The error object that Firehose writes for the record has its bytes, but neither reason nor gateway.
        The SHA-256 of the payload joins it to this line.

        Args:
            record_id: Firehose's ID of the record.
            payload: Its bytes; None if they could not be decoded.
            received_at: When it arrived, in epoch milliseconds, if that is known.
            gateway: Its gateway, if that is known.
            error: The rule that it broke, or an error that nobody expected.
        """
        import hashlib  # loads OpenSSL, which a cold start without rejections can do without

        fields: dict[str, Any] = {
            "record_id": record_id,
            "gateway": gateway,
            "received_at": received_at,
            "sha256": None if payload is None else hashlib.sha256(payload).hexdigest(),
        }
        if isinstance(error, errors.MessageError):
            field = None if error.field is None else error.field[:_MOST_OF_A_NAME]
            self.log("WARNING", "record rejected", **fields, field=field, rule=error.rule)
            return error.rule
        self.log(
            "ERROR",
            "record rejected",
            **fields,
            field=None,
            rule=errors.INTERNAL_ERROR,
            exception=type(error).__name__,
            place=_place(error),
        )
        return errors.INTERNAL_ERROR

    def counted(self, received: int, rejected: dict[str, int]) -> None:
        """Write a batch's metrics: how many records came, were accepted and rejected, and rejections by rule.

        Args:
            received: The number of records.
            rejected: The number of rejections by rule.
        """
        lost = sum(rejected.values())
        self._metrics({}, {RECEIVED: received, ACCEPTED: received - lost, REJECTED: lost})
        for rule, count in rejected.items():
            self._metrics({"Rule": rule}, {REJECTED: count})

    def _metrics(self, dimensions: dict[str, str], values: dict[str, int]) -> None:
        dimensions = {"Factory": self._settings.factory, "Lane": self._settings.lane, **dimensions}
        definition = {
            "Namespace": self._settings.metrics_namespace,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": "Count"} for name in values],
        }
        envelope = {"Timestamp": int(self._clock() * 1000), "CloudWatchMetrics": [definition]}
        self._write(json.dumps({"_aws": envelope, **dimensions, **values}))


def _place(error: Exception) -> str | None:
    """Name the module and line that raised an error; its text might hold a value."""
    trace = error.__traceback__
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
