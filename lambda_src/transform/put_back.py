"""Putting samples back on the lane's data stream, to come again as records of their own.

A put-back keeps the envelope of the record that it comes from, and its key is made of that record's sequence number
and the places of its elements. Firehose may hand a record to the function several times, and a put whose answer was
lost is made again: the copies then have the same data and the same key, so their rows are equal in every column.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Iterable, Iterator, NamedTuple, Sequence

from .envelope import make_key, open_envelope
from .events import FirehoseRecord
from .planning import PutBack

#: Kinesis, PutRecords: at most 500 records and 5 MiB a call, partition keys included.
MAX_RECORDS = 500
MAX_BYTES = 5 * 1_024 * 1_024

#: A call is made once by botocore: this module knows the deadline, and which records of a call failed.
_CONNECT_SECONDS = 2
_READ_SECONDS = 5
#: No call begins unless this much is left: it may take both times, and then the answer must still be given.
NEEDED_MS = (_CONNECT_SECONDS + _READ_SECONDS) * 1_000 + 3_000
#: Pauses between tries, in seconds: the first, and the longest that doubling leads to. A shard takes 1,000 records
#: and 1 MB a second, so what is throttled now is taken soon.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.2

#: Errors of a whole call after which another try may succeed, beside those of HTTP status 5xx.
_THROTTLED = frozenset(
    (
        *("ProvisionedThroughputExceededException", "KMSThrottlingException", "LimitExceededException"),
        *("ThrottlingException", "Throttling", "RequestLimitExceeded", "RequestTimeout", "TooManyRequestsException"),
    )
)
_SERVER_ERROR = 500


class Entry(NamedTuple):
    """A record to put: its key and data, and the number of the record that it comes from."""

    key: str
    data: bytes
    origin: int


def entries(record: FirehoseRecord, origin: int, put_backs: Iterable[PutBack]) -> Iterator[Entry]:
    """Make the entries of a record's samples."""
    from uuid import UUID, uuid5  # only what is put back needs it, and hashing loads OpenSSL

    received_at, gateway = open_envelope(record)
    namespace = UUID("7b0c1c0e-5d0f-5b43-9d55-3f5f0a4b6a52")  # this function's own
    sequence = record.get("kinesisRecordMetadata", {}).get("sequenceNumber") or record["recordId"]
    for places, data in put_backs:
        token = uuid5(namespace, f"{sequence}/{','.join(map(str, places))}")
        yield Entry(make_key(received_at, gateway, str(token)), data, origin)


class DataStream:
    """The lane's data stream."""

    def __init__(
        self,
        name: str,
        make_client: Callable[[], Any] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the stream's name, and what makes the client, which happens at the first put."""
        self._name = name
        self._make_client = make_client or kinesis_client
        self._sleep = sleep
        self._client: Any = None

    def put(self, entries: Sequence[Entry], left_ms: Callable[[], int]) -> tuple[list[Entry], str | None]:
        """Put entries on the stream, and again what it did not take, as long as the time left allows.

        Args:
            entries: What to put.
            left_ms: Tells how many milliseconds are left before the function is stopped.

        Returns:
            The entries that the stream did not take, and the code of the last error, None where there was none.
        """
        waiting = list(entries)
        code: str | None = None
        pause = _FIRST_PAUSE
        while True:
            refused: list[Entry] = []
            calls = list(_calls(waiting))
            for number, call in enumerate(calls):
                if left_ms() < NEEDED_MS:
                    return refused + [entry for rest in calls[number:] for entry in rest], code or "DEADLINE"
                failed, error, again = self._call(call)
                refused += failed
                code = error or code
                if not again:
                    return refused + [entry for rest in calls[number + 1 :] for entry in rest], code
            if not refused:
                return [], None
            if left_ms() < NEEDED_MS + pause * 1_000:
                return refused, code
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            waiting = refused

    def _call(self, call: Sequence[Entry]) -> tuple[list[Entry], str | None, bool]:
        """Make one call; return the entries that failed, the error's code, and whether to try again."""
        from botocore.exceptions import ClientError, HTTPClientError

        records = [{"Data": entry.data, "PartitionKey": entry.key} for entry in call]
        try:
            if self._client is None:
                self._client = self._make_client()
            answer = self._client.put_records(StreamName=self._name, Records=records)
        except ClientError as error:
            code: str = error.response["Error"]["Code"]
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return list(call), code, code in _THROTTLED or status >= _SERVER_ERROR
        except Exception as error:
            # Where no answer came, the stream may have taken the records: the copies are equal to them.
            return list(call), type(error).__name__, isinstance(error, HTTPClientError)
        results = answer["Records"]
        failed = [entry for entry, result in zip(call, results) if result.get("ErrorCode")]  # noqa: B905 - Python 3.8
        codes = [result["ErrorCode"] for result in results if result.get("ErrorCode")]
        return failed, codes[0] if codes else None, True


def kinesis_client() -> Any:
    """Make the client; a cold start neither imports boto3 nor waits for it."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "kinesis",
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
        ),
    )


def _calls(waiting: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Share entries out among as few calls as the limits of one allow."""
    call: list[Entry] = []
    size = 0
    for entry in waiting:
        more = len(entry.data) + len(entry.key.encode())
        if call and (len(call) == MAX_RECORDS or size + more > MAX_BYTES):
            yield call
            call, size = [], 0
        call.append(entry)
        size += more
    if call:
        yield call
