"""What producers may put into a data stream, and how PutRecords fails in part.

Of ``ministack.services.kinesis`` this wraps ``_put_record`` and ``_put_records``, which

- failed with an internal error on an ExplicitHashKey that is no number of 128 bits, and took records without a
  partition key and an empty PutRecords;
- held a record's data alone to 1 MiB, where its partition key counts as well;
- put all records of a PutRecords or none. A fault with ``entries`` (see ``faults``) fails some of them now.

Both tell the delivery engine of the records (see ``news``).

Source: Kinesis API reference, PutRecord and PutRecords.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from ministack.services import kinesis

from localcloud import faults, news
from localcloud.settings import ACCOUNT

MAX_RECORD: Final = 1024 * 1024
"""Bytes of a record's data and partition key: the default of a stream's MaxRecordSizeInKiB."""

_HASH_KEY: Final = re.compile(r"0|[1-9]\d{0,38}")

Operation: TypeAlias = Callable[[dict[str, Any]], Any]


def install(_: Any) -> None:
    """Wrap the functions; MiniStack looks each up by name at every call."""
    kinesis._put_record = _telling(_put_record(kinesis._put_record))
    kinesis._put_records = _telling(_put_records(kinesis._put_records))


def _telling(put: Operation) -> Operation:
    def put_and_tell(data: dict[str, Any]) -> Any:
        answer = put(data)
        _, stream = kinesis._resolve_stream(data)
        if stream is not None:
            news.tell(stream["StreamARN"])
        return answer

    return put_and_tell


def _put_record(original: Operation) -> Operation:
    def put_record(data: dict[str, Any]) -> Any:
        return _refusal(data) or original(data)

    return put_record


def _put_records(original: Operation) -> Operation:
    def put_records(data: dict[str, Any]) -> Any:
        records = data.get("Records") or []
        if not records:
            return _error("ValidationException", "Records must have 1 to 500 members, got 0")
        for record in records:
            if refusal := _refusal(record):
                return refusal
        code, failing = faults.failing_entries()
        kept = [record for at, record in enumerate(records) if at not in failing]
        if len(kept) == len(records):
            return original(data)
        _, stream = kinesis._resolve_stream(data)
        if stream is None:
            return original(data)
        put: Iterator[dict[str, Any]] = iter(())
        if kept:
            status, headers, body = original({**data, "Records": kept})
            if status != 200:
                return status, headers, body
            put = iter(json.loads(body)["Records"])
        answers = [_failed(code, record, stream) if at in failing else next(put) for at, record in enumerate(records)]
        encryption = stream.get("EncryptionType", "NONE")
        failed = len(records) - len(kept)
        return kinesis.json_response({"FailedRecordCount": failed, "Records": answers, "EncryptionType": encryption})

    return put_records


def _failed(code: str, record: Mapping[str, Any], stream: Mapping[str, Any]) -> dict[str, str]:
    """The answer for a record that is not put, with the messages of the API reference."""
    if code == "InternalFailure":
        return {"ErrorCode": code, "ErrorMessage": "Internal Service Failure"}
    hash_key = record.get("ExplicitHashKey") or kinesis._partition_key_to_hash(record["PartitionKey"])
    shard = kinesis._route_to_shard(int(hash_key), stream)
    where = f"shard {shard} in stream {stream['StreamName']} under account {ACCOUNT}"
    return {"ErrorCode": code, "ErrorMessage": f"Rate exceeded for {where}."}


def _refusal(record: Mapping[str, Any]) -> Any:
    """Why a record cannot be put, as an answer; None if it can."""
    key, hash_key = record.get("PartitionKey"), record.get("ExplicitHashKey")
    if not isinstance(key, str) or not 1 <= len(key) <= 256:
        return _error("ValidationException", "PartitionKey must have 1 to 256 characters")
    if hash_key is not None and not _HASH_KEY.fullmatch(str(hash_key)):
        return _error("ValidationException", f"ExplicitHashKey must be a whole number, got {hash_key!r}")
    if hash_key is not None and int(hash_key) > kinesis.MAX_HASH_KEY:
        return _error("InvalidArgumentException", f"ExplicitHashKey must be 0 to 2^128 - 1, got {hash_key}")
    try:
        size = len(base64.b64decode(record.get("Data") or "", validate=True)) + len(key.encode())
    except binascii.Error:
        return _error("SerializationException", "Data must be Base64")
    if size > MAX_RECORD:
        return _error(
            "ValidationException", f"data and partition key must have at most {MAX_RECORD} bytes, got {size}"
        )
    return None


def _error(code: str, message: str) -> Any:
    return kinesis.error_response_json(code, message, 400)
