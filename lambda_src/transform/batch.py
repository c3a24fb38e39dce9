"""One Firehose event to one answer."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Callable, Union

from . import schema
from .envelope import TIME_PREFIX, SuffixCache, open_envelope
from .errors import BATCH_NOT_SPLIT, RESPONSE_TOO_LARGE, MessageError
from .events import Answer, FirehoseAnswer, FirehoseEvent, FirehoseRecord
from .lines import Delivered
from .report import Counts, Report
from .response import DROPPED, FRAME, MAX_BYTES, MAX_ESCAPE, OK, failed, fit, size
from .settings import Settings

if TYPE_CHECKING:
    from .configuration import Configuration
    from .measurements import Measurements
    from .planning import Split
    from .put_back import DataStream, Entry

#: What a lane makes of a record, or what goes wrong with it.
_Converted = Union[Delivered, "Split", Exception]

#: Each step is taken for so many records in a row before the next: that is faster than all steps for
#: one record after the other, since the processor stays with the same few instructions.
_GROUP = 64


class Transform:
    """The transform of one lane of one factory."""

    __slots__ = ("_lane", "_make_stream", "_report", "_stream", "_suffixes")

    def __init__(
        self,
        settings: Settings,
        schemas: str = schema.PACKAGED,
        report: Report | None = None,
        make_stream: Callable[[], DataStream] | None = None,
    ) -> None:
        """Prepare the lane; raise ``SchemaError`` where its schema is missing or bad.

        What makes the stream is called once samples have to be put back. Without it, their batch is rejected.
        """
        self._lane = _lane(settings, schema.load(settings.lane, schemas))
        self._suffixes = SuffixCache()
        self._report = Report(settings) if report is None else report
        self._make_stream = make_stream
        self._stream: DataStream | None = None

    def answer(self, event: FirehoseEvent, left_ms: Callable[[], int] = lambda: 900_000) -> FirehoseAnswer:
        """Transform an event's records.

        Args:
            event: The event.
            left_ms: Tells how many milliseconds are left to answer in.

        Returns:
            An answer for each record, in the same order: ``Ok`` with its lines and partition keys,
            ``ProcessingFailed`` with the data that came, or ``Dropped`` where all its samples were put back.
        """
        records = event["records"]
        answers: list[Answer] = []
        counts = Counts(len(records))
        samples: dict[int, int] = {}  # of batches that are delivered whole
        splits: dict[int, Split] = {}
        upper = 0  # bytes that the answers may have, so that most events need not be measured
        for start in range(0, len(records), _GROUP):
            group = records[start : start + _GROUP]
            opened = [self._open(record) for record in group]
            for record, result in zip(group, self._convert(opened)):  # noqa: B905 - Python 3.8 has no strict zip
                answer: Answer
                if isinstance(result, tuple):
                    lines, metadata, delivered = result
                    record_id = record["recordId"]
                    data = b2a_base64(lines, newline=False).decode()
                    answer = {"recordId": record_id, "result": OK, "data": data, "metadata": metadata}
                    upper += len(data) + MAX_ESCAPE * len(record_id) + FRAME
                    if delivered > 1:
                        samples[len(answers)] = delivered
                elif isinstance(result, Exception):
                    self._reject(record, result, counts)
                    answer = failed(record)
                    upper += size(answer)
                else:
                    splits[len(answers)] = result
                    answer = _split_answer(record, result)
                    upper += size(answer) + size(failed(record))  # since what is put back may fail
                answers.append(answer)
        if upper > MAX_BYTES:
            for index in fit(records, answers, undecided=splits):
                split = splits.pop(index, None)
                number = samples.pop(index, 1) if split is None else split.delivered + split.waiting
                self._reject(records[index], MessageError(RESPONSE_TOO_LARGE), counts, number)
        for number in samples.values():
            counts.split(number)
        if splits:
            self._put_back(records, answers, splits, counts, left_ms)
        self._report.counted(counts)
        return {"records": answers}

    def _put_back(
        self,
        records: list[FirehoseRecord],
        answers: list[Answer],
        splits: dict[int, Split],
        counts: Counts,
        left_ms: Callable[[], int],
    ) -> None:
        """Put back what cannot go on in its record; reject the records of which something could not be put back.

        This is the last step, so that nothing is put back of a record that is rejected for another reason. The
        records with the least to put back come first: one with thousands of rejected samples may meet the
        deadline, and the others should not.
        """
        waiting = sorted(splits, key=lambda index: splits[index].waiting)
        refused = set(waiting)
        if self._stream is None and self._make_stream is not None:
            self._stream = self._make_stream()
        if self._stream is not None:
            from .put_back import entries

            every: list[Entry] = []
            for index in waiting:
                every += entries(records[index], index, splits[index].put_backs)
            left, code = self._stream.put(every, left_ms)
            refused = {entry.origin for entry in left}
            if left:
                self._report.log("WARNING", "put-back failed", records=len(refused), puts=len(left), error=code)
        for index in sorted(refused):
            answers[index] = failed(records[index])
            split = splits.pop(index)
            self._reject(records[index], MessageError(BATCH_NOT_SPLIT), counts, split.delivered + split.waiting)
        for split in splits.values():
            counts.split(split.delivered, split.waiting)

    # Whatever goes wrong with a record, the others of the batch must go on: errors are results, too.

    def _open(self, record: FirehoseRecord) -> tuple[bytes, int, str] | Exception:
        """Return a record's payload, its arrival in epoch milliseconds, and the end of its line."""
        try:
            received_at, gateway = open_envelope(record)
            suffix = f"{TIME_PREFIX}{received_at}{self._suffixes[gateway]}"
            return a2b_base64(record["data"]), received_at, suffix
        except Exception as error:
            return error

    def _convert(self, opened: list[tuple[bytes, int, str] | Exception]) -> list[_Converted]:
        """Return what the lane makes of each record."""
        convert = self._lane.convert
        converted: list[_Converted] = []
        for opening in opened:
            if isinstance(opening, tuple):
                try:
                    converted.append(convert(*opening))
                except Exception as error:
                    converted.append(error)
            else:
                converted.append(opening)
        return converted

    def _reject(self, record: FirehoseRecord, error: Exception, counts: Counts, samples: int = 1) -> None:
        """Log and count a record with its samples."""
        payload = received_at = gateway = None
        try:
            received_at, gateway = open_envelope(record)
            payload = a2b_base64(record["data"])
        except Exception as second:  # then the line says less, but it is still written
            self._report.log("DEBUG", "record cannot be described", exception=type(second).__name__)
        rule = self._report.rejected(record["recordId"], payload, received_at, gateway, error)
        counts.reject(rule, samples)


def _split_answer(record: FirehoseRecord, split: Split) -> Answer:
    """Return the answer of a batch, once what has to be put back is."""
    if split.metadata is None:
        return {"recordId": record["recordId"], "result": DROPPED}
    data = b2a_base64(split.lines, newline=False).decode()
    return {"recordId": record["recordId"], "result": OK, "data": data, "metadata": split.metadata}


def _lane(settings: Settings, table: schema.Schema) -> Measurements | Configuration:
    """Make the function's lane; a cold start does not compile the other lane's modules."""
    if settings.lane == "measurements":
        from .measurements import Measurements

        return Measurements(settings, table)
    from .configuration import Configuration

    return Configuration(settings, table)
