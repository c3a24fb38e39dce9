"""The producer side of Kinesis Video Streams: fragments go out by PutMedia, acknowledgements come back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_BATCH_BYTES = 8 * 2**20
_TIMEOUT = urllib3.Timeout(connect=5, read=120)


class PutMediaError(RuntimeError):
    """The service did not take a fragment; the message has its words.

    Attributes:
        is_early: whether the footage of the past is older than the newest of its stream, which no camera can
            send and the local cloud does not take.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.is_early = "Server time must lie" in message


class Producer:
    """Sends fragments to one stream, each exactly once: a call that fails is not repeated.

    PutMedia belongs to no SDK for Python, since it streams in both directions. The local cloud takes it with
    a body that has an end, which is how this producer sends it.

    Args:
        kinesisvideo: boto3 client of ``kinesisvideo``; gives the endpoint and signs with its credentials.
        stream: stream name.
    """

    def __init__(self, kinesisvideo: Any, stream: str) -> None:
        answer = kinesisvideo.get_data_endpoint(StreamName=stream, APIName="PUT_MEDIA")
        self.stream = stream
        self._url = f"{answer['DataEndpoint']}/putMedia"
        # boto3 has no public way from a client to its credentials.
        self._credentials: Credentials = kinesisvideo._request_signer._credentials
        self._region: str = kinesisvideo.meta.region_name
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def put(self, documents: Sequence[bytes], server_offset_ms: int | None = None, *, more: bool = False) -> list[str]:
        """Send fragments, one-cluster Matroska documents timed in epoch milliseconds, and return their numbers.

        With an offset they are footage of the past: the server's timestamps are so long after the producer's, and
        all of it appears at once when the last has been sent; `more` says that more will follow.

        Raises:
            PutMediaError: the service refused the call or a fragment.
        """
        numbers: list[str] = []
        batches = _batches(documents)
        for index, batch in enumerate(batches, start=1):
            hold = server_offset_ms is not None and (more or index < len(batches))
            numbers += self._put(batch, server_offset_ms, hold)
        return numbers

    def _put(self, documents: Sequence[bytes], server_offset_ms: int | None, hold: bool) -> list[str]:
        headers = {"x-amzn-stream-name": self.stream, "x-amzn-fragment-timecode-type": "ABSOLUTE"}
        if server_offset_ms is not None:
            headers["x-localcloud-server-time-offset"] = str(server_offset_ms)
        if hold:
            headers["x-localcloud-hold"] = "true"
        request = AWSRequest("POST", self._url, headers=headers)
        SigV4Auth(self._credentials, "kinesisvideo", self._region).add_auth(request)
        try:
            answer = self._http.request(
                "POST", self._url, body=b"".join(documents), headers=dict(request.headers.items())
            )
        except urllib3.exceptions.HTTPError as error:
            raise PutMediaError(f"{self.stream}: {type(error).__name__} from {self._url}") from error
        if answer.status != 200:
            kind = answer.headers.get("x-amzn-ErrorType", "").split(":")[0]
            raise PutMediaError(f"{self.stream}: {answer.status} {kind}: {_message(answer.data)}")
        acknowledgements = [json.loads(line) for line in answer.data.splitlines()]
        for acknowledgement in acknowledgements:
            if acknowledgement["EventType"] == "ERROR":
                raise PutMediaError(f"{self.stream}: {_words(acknowledgement)}")
        persisted = (one for one in acknowledgements if one["EventType"] == "PERSISTED")
        return [one["FragmentNumber"] for one in persisted]


def _batches(documents: Sequence[bytes]) -> list[list[bytes]]:
    """Documents in calls of bounded size, in order."""
    batches: list[list[bytes]] = [[]]
    size = 0
    for document in documents:
        if batches[-1] and size + len(document) > _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(document)
        size += len(document)
    return [batch for batch in batches if batch]


def _message(body: bytes) -> str:
    """The service's words in an error's body, in one line."""
    try:
        return str(json.loads(body)["Message"])
    except (ValueError, KeyError, TypeError):
        return repr(body[:500])


def _words(acknowledgement: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in acknowledgement.items() if name != "EventType")
