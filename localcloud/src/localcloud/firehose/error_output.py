"""Error objects: one JSON document a line for each record that could not be delivered.

Sources: Amazon Data Firehose Developer Guide, "Handle failure in data transformation" and "Handle errors for data
format conversion". `rawData` is what the failing stage was given: the original record where the transform failed, the
transformed one after it (the guide does not say which; the local Firehose takes the latter).
"""

from __future__ import annotations

import base64
import json
from typing import Any

from localcloud.firehose.errors import RecordError, SchemaError
from localcloud.firehose.records import Record
from localcloud.firehose.settings import Settings


def processing_failed(record: Record, failure: RecordError, attempts: int, now_ms: int, function_arn: str) -> bytes:
    """A record that the transform failed on, with its original bytes."""
    document = _document(record, failure, attempts, now_ms, record.data)
    return _line({**document, "lambdaArn": function_arn})


def partitioning_failed(record: Record, failure: RecordError, now_ms: int, data: bytes) -> bytes:
    """A record that belongs to no partition, with its transformed bytes."""
    return _line(_document(record, failure, 1, now_ms, data))


def conversion_failed(
    record: Record, failure: RecordError | SchemaError, now_ms: int, data: bytes, settings: Settings
) -> bytes:
    """A record that does not fit the table, with its transformed bytes."""
    conversion = settings.conversion
    assert conversion is not None, "only a delivery stream that converts has such records"  # noqa: S101
    catalog = conversion.catalog_id or settings.arn.split(":")[4]
    region = conversion.region or settings.region
    return _line(
        {
            "attemptsMade": 1,
            "arrivalTimestamp": record.arrival_ms,
            "lastErrorCode": failure.code,
            "lastErrorMessage": failure.message,
            "attemptEndingTimestamp": now_ms,
            "rawData": base64.b64encode(data).decode(),
            "sequenceNumber": record.sequence,
            "subSequenceNumber": 0,
            "dataCatalogTable": {
                "catalogId": catalog,
                "databaseName": conversion.database,
                "tableName": conversion.table,
                "region": region,
                "versionId": conversion.version,
                "catalogArn": f"arn:aws:glue:{region}:{catalog}:catalog",
            },
        }
    )


def _document(record: Record, failure: RecordError, attempts: int, now_ms: int, data: bytes) -> dict[str, Any]:
    return {
        "attemptsMade": attempts,
        "arrivalTimestamp": record.arrival_ms,
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptEndingTimestamp": now_ms,
        "rawData": base64.b64encode(data).decode(),
    }


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"
