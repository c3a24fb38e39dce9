"""One Firehose event to one answer."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING

from . import schema
from .envelope import TIME_PREFIX, SuffixCache, open_envelope
from .errors import RESPONSE_TOO_LARGE, MessageError
from .events import Answer, FirehoseAnswer, FirehoseEvent, FirehoseRecord, PartitionMetadata
from .report import Report
from .response import FRAME, MAX_BYTES, MAX_ESCAPE, OK, failed, fit, size
from .settings import Settings

if TYPE_CHECKING:
    from .configuration import Configuration
    from .measurements import Measurements

#: Each step is taken for so many records in a row before the next: that is faster than all steps for
#: one record after the other, since the processor stays with the same few instructions.
_GROUP = 64


class Transform:
    """The transform of one lane of one factory."""

    __slots__ = ("_lane", "_report", "_suffixes")

    def __init__(self, settings: Settings, schemas: str = schema.PACKAGED, report: Report | None = None) -> None:
        """Prepare the lane; raise ``SchemaError`` where its schema is missing or bad."""
        self._lane = _lane(settings, schema.load(settings.lane, schemas))
        self._suffixes = SuffixCache()
        self._report = Report(settings) if report is None else report

    def answer(self, event: FirehoseEvent) -> FirehoseAnswer:
        """Transform a batch.

        Returns:
            An answer for each record, in the same order: ``Ok`` with its line and partition keys, or
            ``ProcessingFailed`` with the data that came.
        """
        records = event["records"]
        answers: list[Answer] = []
        rejected: dict[str, int] = {}
        upper = 0  # bytes that the answers may have, so that most batches need not be measured
        for start in range(0, len(records), _GROUP):
            group = records[start : start + _GROUP]
            opened = [self._open(record) for record in group]
            converted = [self._convert(opening) for opening in opened]
            for record, result in zip(group, converted):  # noqa: B905 - Python 3.8 has no strict zip
                if isinstance(result, Exception):
                    self._reject(record, result, rejected)
                    answer = failed(record)
                    upper += size(answer)
                else:
                    line, metadata = result
                    record_id = record["recordId"]
                    data = b2a_base64(line, newline=False).decode()
                    answer = {"recordId": record_id, "result": OK, "data": data, "metadata": metadata}
                    upper += len(data) + MAX_ESCAPE * len(record_id) + FRAME
                answers.append(answer)
        if upper > MAX_BYTES:
            for index in fit(records, answers):
                self._reject(records[index], MessageError(RESPONSE_TOO_LARGE), rejected)
        self._report.counted(len(records), rejected)
        return {"records": answers}

    # Whatever goes wrong with a record, the others of the batch must go on: errors are results, too.

    def _open(self, record: FirehoseRecord) -> tuple[bytes, int, str] | Exception:
        """Return a record's payload, its arrival in epoch milliseconds, and the end of its line."""
        try:
            received_at, gateway = open_envelope(record)
            suffix = f"{TIME_PREFIX}{received_at}{self._suffixes[gateway]}"
            return a2b_base64(record["data"]), received_at, suffix
        except Exception as error:
            return error

    def _convert(self, opened: tuple[bytes, int, str] | Exception) -> tuple[bytes, PartitionMetadata] | Exception:
        """Return a record's line and the metadata of its answer."""
        if isinstance(opened, Exception):
            return opened
        try:
            return self._lane.convert(*opened)
        except Exception as error:
            return error

    def _reject(self, record: FirehoseRecord, error: Exception, rejected: dict[str, int]) -> None:
        payload = received_at = gateway = None
        try:
            received_at, gateway = open_envelope(record)
            payload = a2b_base64(record["data"])
        except Exception as second:  # then the line says less, but it is still written
            self._report.log("DEBUG", "record cannot be described", exception=type(second).__name__)
        rule = self._report.rejected(record["recordId"], payload, received_at, gateway, error)
        rejected[rule] = rejected.get(rule, 0) + 1


def _lane(settings: Settings, table: schema.Schema) -> Measurements | Configuration:
    """Make the function's lane; a cold start does not compile the other lane's modules."""
    if settings.lane == "measurements":
        from .measurements import Measurements

        return Measurements(settings, table)
    from .configuration import Configuration

    return Configuration(settings, table)
