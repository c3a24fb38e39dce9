"""What the function says about its work: log lines of rejections, and metrics of each event.

Lines name rules and keys; they never hold values, because a log is read by more people than the data is.
"""

from __future__ import annotations

from typing import Any, Callable

from lambda_common import report
from lambda_common.report import now_ms, print_line

from .errors import INTERNAL_ERROR, MessageError
from .settings import Settings

#: How many characters of a key's path enter the log.
MAX_FIELD_CHARACTERS = 64

#: Names of the metrics.
RECEIVED = "RecordsReceived"
ACCEPTED = "RecordsAccepted"
REJECTED = "RecordsRejected"
SAMPLES_RECEIVED = "SamplesReceived"
SAMPLES_REJECTED = "SamplesRejected"
SAMPLES_PUT_BACK = "SamplesPutBack"


class Counts:
    """What an event's records and their samples came to.

    A record that is no batch counts as one sample. Samples that are put back count when they come again.

    Attributes:
        records: How many came.
        rejected: How many were rejected, by the rule that they broke.
        samples: How many were delivered or rejected.
    """

    __slots__ = ("records", "rejected", "samples", "samples_put_back", "samples_rejected")

    def __init__(self, records: int) -> None:
        """Begin with records that are no batches; ``split`` and ``reject`` correct that for others."""
        self.records = self.samples = records
        self.rejected: dict[str, int] = {}
        self.samples_rejected = 0
        self.samples_put_back = 0

    def reject(self, rule: str, samples: int = 1) -> None:
        """Count a record that is rejected with all its samples."""
        self.rejected[rule] = self.rejected.get(rule, 0) + 1
        self.samples += samples - 1
        self.samples_rejected += samples

    def split(self, delivered: int, put_back: int = 0) -> None:
        """Count a batch that is not rejected."""
        self.samples += delivered - 1
        self.samples_put_back += put_back


class Report(report.Report):
    """Log lines and metrics of one function."""

    def __init__(
        self, settings: Settings, write: Callable[[str], None] = print_line, clock: Callable[[], int] = now_ms
    ) -> None:
        """Take what the report depends on, as ``lambda_common.report.Report`` does."""
        fields = {"factory": settings.factory, "lane": settings.lane}
        super().__init__(settings.log_level, fields, settings.metrics_namespace, write, clock)
        self._dimensions = {"Factory": settings.factory, "Lane": settings.lane}

    def rejected(
        self, record_id: str, payload: bytes | None, received_at: int | None, gateway: str | None, error: Exception
    ) -> str:
        """Log why a record was rejected, and return the code of the rule.

        The error object that Firehose writes for the record has its bytes, but neither reason nor gateway. The
        SHA-256 of the payload joins it to this line; the payload is None if it could not be decoded. The arrival
        is in epoch milliseconds.
        """
        import hashlib  # loads OpenSSL, which a cold start without rejections can do without

        fields: dict[str, Any] = {
            "record_id": record_id,
            "gateway": gateway,
            "received_at": received_at,
            "sha256": None if payload is None else hashlib.sha256(payload).hexdigest(),
        }
        if isinstance(error, MessageError):
            field = None if error.field is None else error.field[:MAX_FIELD_CHARACTERS]
            self.log("WARNING", "record rejected", **fields, field=field, rule=error.rule)
            return error.rule
        name, place = type(error).__name__, _place(error)
        fields.update(field=None, rule=INTERNAL_ERROR, exception=name, place=place)
        self.log("ERROR", "record rejected", **fields)
        return INTERNAL_ERROR

    def counted(self, counts: Counts) -> None:
        """Write an event's metrics: its records, their samples, and rejected records by rule."""
        rejected = sum(counts.rejected.values())
        totals = {
            RECEIVED: counts.records,
            ACCEPTED: counts.records - rejected,
            REJECTED: rejected,
            SAMPLES_RECEIVED: counts.samples,
            SAMPLES_REJECTED: counts.samples_rejected,
            SAMPLES_PUT_BACK: counts.samples_put_back,
        }
        self.metrics(self._dimensions, {name: (count, "Count") for name, count in totals.items()})
        for rule, count in counts.rejected.items():
            self.metrics({**self._dimensions, "Rule": rule}, {REJECTED: (count, "Count")})


def _place(error: Exception) -> str | None:
    """Name the module and line that raised an error; its text might hold a value."""
    trace = error.__traceback__
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
