"""What Firehose hands to the function, and what the function answers.

The shapes are those of "Amazon Data Firehose data transformation".
"""

from __future__ import annotations

from typing import Dict, List, Protocol, TypedDict

#: How a message that is a batch of samples begins, as gateways send it.
BATCH_HEAD = '{"samples":[{'


class Context(Protocol):
    """What Lambda hands over beside the event."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how many milliseconds are left before Lambda stops the function."""


class KinesisMetadata(TypedDict, total=False):
    """Where a record of a data stream comes from: the topic rule puts the envelope into the partition key."""

    partitionKey: str
    sequenceNumber: str


class FirehoseRecord(TypedDict, total=False):
    """One record.

    Attributes:
        data: The message in base64.
        approximateArrivalTimestamp: When the stream took it, in epoch milliseconds.
    """

    recordId: str
    data: str
    approximateArrivalTimestamp: int
    kinesisRecordMetadata: KinesisMetadata


class FirehoseEvent(TypedDict):
    """A batch of records; more keys come than are read here."""

    records: List[FirehoseRecord]


#: The metadata of an accepted record: ``{"partitionKeys": {"year": "2026", ...}}``.
PartitionMetadata = Dict[str, Dict[str, str]]


class Answer(TypedDict, total=False):
    """The answer for one record.

    Attributes:
        data: The line in base64, or the data that came.
    """

    recordId: str
    result: str
    data: str
    metadata: PartitionMetadata


class FirehoseAnswer(TypedDict):
    """The answers of a batch, in the order of its records."""

    records: List[Answer]
