"""Error objects, read a piece at a time: Firehose's, and the documents of the rule's error action.

Firehose writes one JSON document for each record (Amazon Data Firehose Developer Guide, "Handle failure in
data transformation"), the error action one document for each message (AWS IoT Core Developer Guide, "Error
handling (error action)").
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from factory_lake.gateway.identities import LANES, Lane
from factory_lake.reconcile.redriven import ERRORS
from factory_lake.reconcile.stored import ERROR_ACTION, ORIGINAL, TOPIC, error_code, json_objects
from factory_lake.redrive.errors import DamagedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: Lines without a partition: the guide calls the folder of those beyond the limit by the second name ("Buffer
#: data for dynamic partitioning"), and nothing says that it is not the first.
NO_PARTITION = ("partitioning-failed", "activePartitionExceeded")
KINDS = (ORIGINAL, "format-conversion-failed", *NO_PARTITION, ERROR_ACTION)

#: Keys of error objects: factory, lane, error type, year, month, day, name.
KEY = re.compile(rf"{ERRORS}factory=([^/]+)/({'|'.join(LANES)})/([^/]+)/(\d{{4}})/(\d{{2}})/(\d{{2}})/([^/]+)")
_STAMPED = re.compile(r"(\d{12,14})-")
# An object is read by ranges: a connection that waits for a slow redrive would be closed.
_PIECE = 4 * 1024 * 1024


@dataclass(frozen=True)
class ErrorObject:
    """An object under `errors/`."""

    bucket: str
    key: str
    etag: str  # its ETag; error objects are never overwritten, and a read that meets another one fails
    size: int
    factory: str
    lane: Lane
    kind: str  # the error type: one of `KINDS`, or another that Firehose has
    day: date

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class ErrorLine:
    """One record that could not be delivered."""

    number: int  # its position in the object, from 0
    data: bytes  # what the failing stage was given: the message, or the line that the transform made of it
    arrival_ms: int  # when the data stream, or the broker, took it, epoch ms
    ended_ms: int  # when the last attempt ended, epoch ms
    reason: str  # the error code or the failed action
    gateway: str | None = None


def spellings(kind: str) -> frozenset[str]:
    """The names under which AWS may file what is of this kind, its own among them."""
    return frozenset(NO_PARTITION if kind in NO_PARTITION else (kind,))


def list_objects(
    s3: "S3Client", bucket: str, factory: str, lane: Lane, below: str = "", since: datetime | None = None
) -> Iterator[ErrorObject]:
    """A lane's error objects, in the order of their keys. Keys of another form are skipped.

    Args:
        s3: The client.
        bucket: The lane's bucket.
        factory: The factory.
        lane: The lane.
        below: What the keys go on with behind the lane, such as an error type and a day.
        since: When they were written at the earliest.
    """
    prefix = f"{ERRORS}factory={factory}/{lane}/{below}"
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            parts = KEY.fullmatch(item["Key"])
            if parts is None or (since is not None and item["LastModified"] < since):
                continue
            try:
                day = date(int(parts[4]), int(parts[5]), int(parts[6]))
            except ValueError:
                continue
            yield ErrorObject(bucket, item["Key"], item["ETag"], item["Size"], factory, lane, parts[3], day)


def read_lines(s3: "S3Client", source: ErrorObject, piece: int = _PIECE) -> Iterator[ErrorLine]:
    """Read an object's lines, holding no more of it than a piece and a line.

    Raises:
        DamagedError: When a line is not what its object's kind says.
    """
    read = _error_action if source.kind == ERROR_ACTION else _failure
    number = 0
    for line in _lines(_pieces(s3, source, piece)):
        try:
            for document in json_objects(line.decode()):
                yield read(source, number, document)
                number += 1
        except (ValueError, KeyError, TypeError) as error:
            rule = f"must be a document of a {source.kind} error ({type(error).__name__})"
            raise DamagedError(f"{source} line {number}", rule) from None


def _pieces(s3: "S3Client", source: ErrorObject, piece: int) -> Iterator[bytes]:
    for start in range(0, source.size, piece):
        end = min(start + piece, source.size) - 1
        answer = s3.get_object(Bucket=source.bucket, Key=source.key, IfMatch=source.etag, Range=f"bytes={start}-{end}")
        yield answer["Body"].read()


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    yield rest


def _failure(_: ErrorObject, number: int, document: dict[str, Any]) -> ErrorLine:
    arrival_ms = int(document["arrivalTimestamp"])
    return ErrorLine(
        number,
        base64.b64decode(document["rawData"], validate=True),
        arrival_ms,
        int(document.get("attemptEndingTimestamp", arrival_ms)),
        error_code(document),
    )


def _error_action(source: ErrorObject, number: int, document: dict[str, Any]) -> ErrorLine:
    # The rule's own key says when: `<epoch ms>-<uuid>.json`.
    stamped = _STAMPED.match(source.key.rpartition("/")[2])
    if stamped is None:
        raise ValueError("no time in the key")
    topic = TOPIC.fullmatch(document["topic"])
    actions = {str(failure.get("failedAction")) for failure in document.get("failures", [])}
    at_ms = int(stamped[1])
    return ErrorLine(
        number,
        base64.b64decode(document["base64OriginalPayload"], validate=True),
        at_ms,
        at_ms,
        ", ".join(sorted(actions)) or ERROR_ACTION,
        topic[1] if topic else None,
    )
