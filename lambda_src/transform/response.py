"""Keeping the answer within what Lambda can return."""

from __future__ import annotations

import json

TYPE_CHECKING = False  # spares the import of typing
if TYPE_CHECKING:
    from typing import Any

# Lambda, quotas: 6 MB for the request and for the response of a synchronous invocation.
MOST_BYTES = 6 * 1024 * 1024
OK = "Ok"
FAILED = "ProcessingFailed"

# An upper bound of what one record adds, beside its ID and data, when the answer is spelled with json.dumps'
# spaces.
_FRAME = len(
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
_ENVELOPE = len(json.dumps({"records": []}))
_WORST_ESCAPE = 12  # characters that one may become in JSON: an emoji is spelled as a pair of \u escapes


def failed(record: dict[str, Any]) -> dict[str, Any]:
    """Give a record back to Firehose exactly as it came."""
    return {"recordId": record["recordId"], "result": FAILED, "data": record.get("data", "")}


def fit(records: list[dict[str, Any]], answers: list[dict[str, Any]], limit: int = MOST_BYTES) -> list[int]:
    """Give back the last records as they came, until the answer fits.

    Firehose's request holds every record's data and more about it than the answer does, so an answer of
    untouched records always fits if the request did.

    Args:
        records: The records of the event.
        answers: Their answers, in the same order; changed in place.
        limit: The most bytes of the answer.

    Returns:
        The indices of the records that were given back, last first.
    """
    # Base64 is spelled as it is, so this bound is near enough for all but the largest batches.
    accepted = [answer for answer in answers if answer["result"] == OK]
    bound = sum([len(answer["data"]) + _WORST_ESCAPE * len(answer["recordId"]) for answer in accepted])
    if len(accepted) < len(answers):
        bound += sum([_size(answer) for answer in answers if answer["result"] == FAILED])
    if _ENVELOPE + len(accepted) * _FRAME + bound <= limit:
        return []
    sizes = [_size(answer) for answer in answers]
    total = _ENVELOPE + sum(sizes)
    given_back: list[int] = []
    for index in reversed(range(len(answers))):
        if total <= limit:
            break
        original = failed(records[index])
        saved = sizes[index] - _size(original)
        # Nothing is saved where the record failed already, or where white space made it longer than its line.
        if saved > 0:
            answers[index] = original
            total -= saved
            given_back.append(index)
    return given_back


def _size(answer: dict[str, Any]) -> int:
    return len(json.dumps(answer)) + len(", ")
