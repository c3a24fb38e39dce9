"""Keeping the answer within what Lambda can return."""

from __future__ import annotations

import json
from typing import Container

from .events import Answer, FirehoseRecord

#: Lambda, quotas: 6 MB for the request and for the response of a synchronous invocation.
MAX_BYTES = 6 * 1024 * 1024
#: What becomes of a record.
OK = "Ok"
FAILED = "ProcessingFailed"
DROPPED = "Dropped"

#: The most that a record adds, beside its ID and data, to an answer with the spaces that json.dumps puts.
FRAME = len(
    json.dumps(
        {
            "recordId": "",
            "result": FAILED,
            "data": "",
            "metadata": {"partitionKeys": {"year": "2026", "month": "01", "day": "01"}},
        }
    )
    + ", "
)
#: The characters that one may become in JSON: an emoji is spelled as a pair of \u escapes.
MAX_ESCAPE = 12
_ENVELOPE = len(json.dumps({"records": []}))


def failed(record: FirehoseRecord) -> Answer:
    """Give a record back to Firehose exactly as it came."""
    return {"recordId": record["recordId"], "result": FAILED, "data": record.get("data", "")}


def fit(
    records: list[FirehoseRecord], answers: list[Answer], limit: int = MAX_BYTES, undecided: Container[int] = ()
) -> list[int]:
    """Give back the last records as they came, changing the answers in place, until the answer fits.

    Firehose's request holds every record's data and more about it than the answer does, so an answer of
    untouched records always fits if the request did.

    Args:
        records: The event's records.
        answers: Their answers.
        limit: How many bytes the answer may have.
        undecided: Indices of records that may still have to go back as they came, for which there must be room.

    Returns:
        The indices of the returned records, last first.
    """
    sizes = [size(answer) for answer in answers]
    for index, record in enumerate(records):
        if index in undecided:
            sizes[index] = max(sizes[index], size(failed(record)))
    total = _ENVELOPE + sum(sizes)
    given_back: list[int] = []
    for index in reversed(range(len(answers))):
        if total <= limit:
            break
        original = failed(records[index])
        saved = sizes[index] - size(original)
        # Nothing is saved where the record failed already, or where white space made it longer than its line.
        if saved > 0:
            answers[index] = original
            total -= saved
            given_back.append(index)
    return given_back


def size(answer: Answer) -> int:
    """Return how many bytes a record's answer is in JSON, with what separates it from the next."""
    return len(json.dumps(answer)) + len(", ")
