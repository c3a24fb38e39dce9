"""PutMedia of Kinesis Video Streams, which no SDK for Python has: footage goes out, acknowledgements come back.

A call is one POST whose body is one Matroska segment, sent piece by piece (chunked) while the pieces are made, so that
footage can be sent in real time. The service acknowledges each fragment, on the same connection: BUFFERING with its
first byte, RECEIVED with its last, PERSISTED when readers will find it, ERROR when it takes neither it nor what comes
after. They are read when all footage is out: a call is to have some hundreds of fragments at most.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from factory_lake.camera.footage import Filming, Fragment
from factory_lake.clients import explained
from factory_lake.errors import AwsError

#: What one stream takes at most (API reference, "PutMedia").
FRAGMENTS_PER_SECOND = 5
BYTES_PER_SECOND = 12_500_000

# A large fragment goes out in pieces, each of which has the timeout to itself.
_PIECE = 256 * 1024
# Connecting, and reading: the service sends an acknowledgement "Idle" now and then while nothing comes.
_TIMEOUTS = (5.0, 60.0)


@dataclass(frozen=True)
class Acknowledgement:
    """What the service says of a fragment.

    Attributes:
        event: BUFFERING, RECEIVED, PERSISTED, ERROR or IDLE.
        timecode_ms: The fragment's start, as it was sent.
        number: The fragment's number, which readers know it by.
        error: Number and name of the error, such as `4004 FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS`.
    """

    event: str
    timecode_ms: int | None = None
    number: str | None = None
    error: str | None = None


class Producer:
    """Sends footage to one video stream.

    Args:
        kinesisvideo: Client of `kinesisvideo`; gives the endpoint, the region and the way through proxies.
        stream: The stream's name.
        credentials: What calls are signed with, as `boto3.Session.get_credentials` gives them.
        pace: Waits for so many seconds.
        clock: Seconds that go by.

    Raises:
        AwsError: When the stream is not there, or the caller may not send to it.
    """

    def __init__(
        self,
        kinesisvideo: Any,
        stream: str,
        credentials: Any,
        *,
        pace: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream = stream
        self._credentials = credentials
        self._region = str(kinesisvideo.meta.region_name)
        self._pace = pace
        self._clock = clock
        try:
            answer = kinesisvideo.get_data_endpoint(StreamName=stream, APIName="PUT_MEDIA")
        except (ClientError, BotoCoreError) as error:
            raise explained(error) from error
        self._url = f"{answer['DataEndpoint']}/putMedia"
        proxies = kinesisvideo.meta.config.proxies
        # As botocore does for its own calls. Any: the stubs know neither a bundle nor two timeouts.
        settings: dict[str, Any] = {
            "verify": os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
            "proxies": get_environ_proxies(self._url) if proxies is None else proxies,
            "timeout": _TIMEOUTS,
        }
        self._http = URLLib3Session(**settings)

    def send(self, filming: Filming, fragments: Iterable[Fragment]) -> list[str]:
        """Send fragments in one call; give their numbers, in order, when all of them are persisted.

        Raises:
            AwsError: When the service refuses the call or a fragment, or does not persist one.
        """
        sent: list[Fragment] = []
        acknowledged = self.put(filming, _kept(fragments, sent))
        refused = next((one for one in acknowledged if one.event == "ERROR"), None)
        if refused is not None:
            raise AwsError(self._place, f"must take the fragment of {refused.timecode_ms} ms: {refused.error}")
        numbers = [str(one.number) for one in acknowledged if one.event == "PERSISTED"]
        if len(numbers) != len(sent):
            raise AwsError(self._place, f"must persist all {len(sent)} fragments of a call", len(numbers))
        return numbers

    def put(self, filming: Filming, fragments: Iterable[Fragment]) -> list[Acknowledgement]:
        """Send fragments in one call; give all that the service says of them, in the order in which it says so.

        Each must begin after the last frame of the one before it; what overlaps goes into a call of its own. All
        must be of one filming. No more is sent in a second than a stream takes.

        Raises:
            AwsError: When the service refuses the call, or does not answer.
        """
        request = AWSRequest("POST", self._url, headers=self._headers())
        # Over an empty body, as the service's own producers sign it.
        SigV4Auth(self._credentials, "kinesisvideo", self._region).add_auth(request)
        request.data = self._paced(filming, fragments)
        try:
            answer = self._http.send(request.prepare())
            body = answer.content
        except BotoCoreError as error:
            raise explained(error) from error
        if answer.status_code != 200:
            kind = str(answer.headers.get("x-amzn-ErrorType", answer.status_code)).partition(":")[0]
            raise AwsError(self._place, f"{kind}: {_message(body)}")
        return list(_acknowledgements(body.decode("utf-8", "replace"), self._place))

    @property
    def _place(self) -> str:
        return f"AWS PutMedia {self.stream}"

    def _headers(self) -> dict[str, str]:
        return {
            "x-amzn-stream-name": self.stream,
            "x-amzn-fragment-timecode-type": "ABSOLUTE",
            "x-amzn-producer-start-timestamp": f"{time.time():.3f}",
            "x-amzn-fragment-acknowledgment-required": "1",
        }

    def _paced(self, filming: Filming, fragments: Iterable[Fragment]) -> Iterator[bytes]:
        yield filming.head
        begun = self._clock()
        size = 0
        for index, fragment in enumerate(fragments):
            for at in range(0, len(fragment.cluster), _PIECE):
                piece = fragment.cluster[at : at + _PIECE]
                due = begun + max(index / FRAGMENTS_PER_SECOND, size / BYTES_PER_SECOND)
                if (ahead := due - self._clock()) > 0:
                    self._pace(ahead)
                size += len(piece)
                yield piece


def _kept(fragments: Iterable[Fragment], sent: list[Fragment]) -> Iterator[Fragment]:
    for fragment in fragments:
        sent.append(fragment)
        yield fragment


def _acknowledgements(text: str, place: str) -> Iterator[Acknowledgement]:
    """Read the JSON objects of an answer, whatever stands between them."""
    decoder = json.JSONDecoder()
    rest = text.strip()
    while rest:
        try:
            said, end = decoder.raw_decode(rest)
            # The API reference shows each object within another one; the service sends it bare.
            fields = said.get("Acknowledgement", said)
            timecode, number = fields.get("FragmentTimecode"), fields.get("FragmentNumber")
            event = str(fields["EventType"])
        except (ValueError, AttributeError, KeyError) as error:
            raise AwsError(place, "must answer with acknowledgements", rest[:80]) from error
        yield Acknowledgement(
            event,
            None if timecode is None else int(timecode),
            None if number is None else str(number),
            " ".join(str(fields[name]) for name in ("ErrorId", "ErrorCode") if name in fields) or None,
        )
        rest = rest[end:].lstrip()


def _message(body: bytes) -> str:
    """The service's words in an error's body, in one line."""
    try:
        said = json.loads(body)
        return str(said.get("Message") or said.get("message"))
    except (ValueError, AttributeError):
        return repr(body[:200])
