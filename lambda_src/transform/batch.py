"""One Firehose event to one answer."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

from . import schema
from .envelope import TIME_LEAD, Closings, open_envelope
from .errors import RESPONSE_TOO_LARGE, MessageError
from .report import Report
from .response import FRAME, MOST_BYTES, OK, WORST_ESCAPE, failed, fit, size

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Any

    from .configuration import Configuration
    from .measurements import Measurements
    from .settings import Settings

# Each step is taken for so many records in a row before the next: that is faster than all steps for
# one record after the other, since the processor stays with the same few instructions.
_GROUP = 64


class Transform:
    """The transform of one lane of one factory."""

    __slots__ = ("_closings", "_lane", "_report")

    def __init__(
        self, settings: Settings, schemas: str = schema.PACKAGED, report: Report | None = None
    ) -> None:
        """Prepare the lane.

        Args:
            settings: The function's settings.
            schemas: The folder of the schema files.
            report: Where log lines and metrics go; standard output by default.

        Raises:
            SchemaError: The lane's schema is missing or bad.
        """
        self._lane = _lane(settings, schema.load(settings.lane, schemas))
        self._closings = Closings()
        self._report = Report(settings) if report is None else report

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """Transform a batch.

        Args:
            event: What Firehose sends ("Amazon Data Firehose data transformation"): ``records``, each with
                ``recordId``, base64 ``data``, ``approximateArrivalTimestamp`` (epoch ms) and, from a Kinesis
                stream, ``kinesisRecordMetadata``.

        Returns:
            An answer for each record, in the same order: ``Ok`` with its line and partition keys, or
            ``ProcessingFailed`` with the data that came.
        """
        records = event["records"]
        answers: list[dict[str, Any]] = []
        rejected: dict[str, int] = {}
        most = 0  # bytes that the answers may have, so that most batches need not be measured
        for start in range(0, len(records), _GROUP):
            group = records[start : start + _GROUP]
            opened = [self._open(record) for record in group]
            converted = [self._convert(opening) for opening in opened]
            for record, result in zip(group, converted):  # noqa: B905 - Python 3.8 has no strict zip
                if isinstance(result, Exception):
                    self._reject(record, result, rejected)
                    answer = failed(record)
                    most += size(answer)
                else:
                    line, metadata = result
                    record_id = record["recordId"]
                    data = b2a_base64(line, newline=False).decode()
                    answer = {"recordId": record_id, "result": OK, "data": data, "metadata": metadata}
                    most += len(data) + WORST_ESCAPE * len(record_id) + FRAME
                answers.append(answer)
        if most > MOST_BYTES:
            for index in fit(records, answers):
                self._reject(records[index], MessageError(RESPONSE_TOO_LARGE), rejected)
        self._report.counted(len(records), rejected)
        return {"records": answers}

    # Whatever goes wrong with a record, the others of the batch must go on: errors are results, too.

    def _open(self, record: dict[str, Any]) -> tuple[bytes, int, str] | Exception:
        """Return a record's payload, its arrival in epoch milliseconds, and the end of its line."""
        try:
            received_at, gateway = open_envelope(record)
            closing = f"{TIME_LEAD}{received_at}{self._closings[gateway]}"
            return a2b_base64(record["data"]), received_at, closing
        except Exception as error:
            return error

    def _convert(
        self, opened: tuple[bytes, int, str] | Exception
    ) -> tuple[bytes, dict[str, dict[str, str]]] | Exception:
        """Return a record's line and the metadata of its answer."""
        if isinstance(opened, Exception):
            return opened
        try:
            return self._lane.convert(*opened)
        except Exception as error:
            return error

    def _reject(self, record: dict[str, Any], error: Exception, rejected: dict[str, int]) -> None:
        payload = received_at = gateway = None
        try:
            received_at, gateway = open_envelope(record)
            payload = a2b_base64(record["data"])
        except Exception as second:  # then the line says less, but it is still written
            self._report.log("DEBUG", "record cannot be described", exception=type(second).__name__)
        rule = self._report.rejected(record["recordId"], payload, received_at, gateway, error)
        rejected[rule] = rejected.get(rule, 0) + 1


def _lane(settings: Settings, table: schema.Schema) -> Measurements | Configuration:
    """Make the function's lane; the other lane's modules stay out of its cold start."""
    if settings.lane == "measurements":
        from .measurements import Measurements

        return Measurements(settings, table)
    from .configuration import Configuration

    return Configuration(settings, table)
