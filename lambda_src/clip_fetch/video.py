"""Kinesis Video Streams, in this package's terms."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple

from .clients import epoch_ms, from_epoch_ms
from .deadline import Deadline
from .errors import GONE_CODES, MEDIA_CODES, code_of
from .model import Fragment, Stream
from .retry import RetryPolicy
from .spool import SpooledFile

_LIST = "LIST_FRAGMENTS"
_CLIP = "GET_CLIP"

#: A fragment's greatest size (API reference, PutMedia).
_MAX_FRAGMENT_BYTES = 50 * 10**6


class Incomplete(NamedTuple):
    """A fragment that was listed without all of its members; the API model requires none of them."""

    number: int | None
    start_ms: int | None
    missing: tuple[str, ...]


def find_streams(
    client: Any, prefix: str, retry: RetryPolicy, incomplete: Callable[[str, str], None] = lambda _name, _member: None
) -> list[Stream]:
    """Return all streams whose name begins with ``prefix``, except those in deletion or without retention.

    One call a page, of 10,000 streams (API model kinesisvideo, ListStreams). ``incomplete`` is called with the
    camera of each stream that cannot be archived because a member is missing, and that member's name; the API
    model requires none.
    """
    streams: list[Stream] = []
    request: dict[str, Any] = {"StreamNameCondition": {"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": prefix}}
    while True:
        page = retry.call(lambda: client.list_streams(**request))
        for info in page.get("StreamInfoList", []):
            name = info.get("StreamName", "")
            camera = name[len(prefix) :]
            if info.get("Status") == "DELETING" or (name and not camera):
                continue
            missing = next((member for member in _STREAM_MEMBERS if member not in info), None)
            if missing is not None:
                incomplete(camera, missing)
            elif info["DataRetentionInHours"]:
                retention_ms = info["DataRetentionInHours"] * 3600 * 1000
                streams.append(Stream(name, camera, epoch_ms(info["CreationTime"]), retention_ms))
        if not page.get("NextToken"):
            return streams
        request["NextToken"] = page["NextToken"]


#: What has to be known of a stream.
_STREAM_MEMBERS = ("StreamName", "CreationTime", "DataRetentionInHours")


class Endpoints:
    """The data endpoint of each stream and operation, asked once.

    "Cached data endpoints are safe if the application reloads them on failure" is the quota page's advice; a
    function that stays warm keeps them between runs.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def get(self, stream: str, operation: str, ask: Callable[[], str]) -> str:
        """Return the endpoint; request it when it is not known."""
        key = (stream, operation)
        if key not in self._known:
            self._known[key] = ask()
        return self._known[key]

    def forget(self, stream: str) -> None:
        """Request them again next time."""
        for key in [key for key in self._known if key[0] == stream]:
            del self._known[key]


class Video:
    """One stream's archived media."""

    def __init__(
        self, stream: Stream, clients: Any, endpoints: Endpoints, deadline: Deadline, retry: RetryPolicy
    ) -> None:
        self.stream = stream
        self.incomplete: list[Incomplete] = []
        self._clients = clients
        self._endpoints = endpoints
        self._deadline = deadline
        self._retry = retry
        self.calls = 0

    def list_fragments(self, start_ms: int, end_ms: int) -> list[Fragment]:
        """Return all fragments that start in the range, both ends included, in number order.

        The pages come in no order, so none is of use before the last is there. A fragment that is listed
        without its number or its server timestamp has no place in the order, so it is left out.
        """
        found: dict[int, Fragment] = {}
        page = self._list(MaxResults=1000, FragmentSelector=_selector(start_ms, end_ms))
        while True:
            for item in page.get("Fragments", []):
                missing = tuple(member for member in _FRAGMENT_MEMBERS if item.get(member) is None)
                if missing:
                    number, start = item.get("FragmentNumber"), item.get("ServerTimestamp")
                    self.incomplete.append(Incomplete(number and int(number), start and epoch_ms(start), missing))
                fragment = _fragment(item)
                if fragment is not None:
                    found[fragment.number] = fragment
            if not page.get("NextToken"):
                return [found[number] for number in sorted(found)]
            page = self._list(MaxResults=1000, NextToken=page["NextToken"])

    def lists_any(self, start_ms: int, end_ms: int) -> bool:
        """Tell whether a listing of the range, both ends included, holds anything.

        One call, for one point of the quota, since a listing costs what it asks for at most.
        """
        try:
            page = self._list(MaxResults=1, FragmentSelector=_selector(start_ms, end_ms))
        except Exception as error:
            if code_of(error) in GONE_CODES:
                return False
            raise
        return bool(page.get("Fragments") or page.get("NextToken"))

    def _list(self, **request: Any) -> Any:
        return self.ask(_LIST, lambda client: client.list_fragments(StreamName=self.stream.name, **request))

    def get_clip(self, range_ms: tuple[int, int], file: SpooledFile) -> None:
        """Download the clip of a range as MP4; a download that breaks is begun again."""
        self.ask(_CLIP, lambda client: self._download_clip(client, range_ms, file))

    def _download_clip(self, client: Any, range_ms: tuple[int, int], file: SpooledFile) -> None:
        answer = client.get_clip(StreamName=self.stream.name, ClipFragmentSelector=_selector(*range_ms))
        file.fill(answer["Payload"], self._deadline)

    def ask(self, operation: str, request: Callable[[Any], Any]) -> Any:
        """Make a call to the endpoint of an operation, as GetDataEndpoint calls it, until it fails for good."""

        def attempt() -> Any:
            self.calls += 1
            return request(self._clients.media(endpoint))

        endpoint = self._endpoints.get(self.stream.name, operation, lambda: self._endpoint(operation))
        try:
            return self._retry.call(attempt)
        except Exception as error:
            if code_of(error) not in _ANSWERS:
                self._endpoints.forget(self.stream.name)
            raise

    def _endpoint(self, operation: str) -> str:
        def attempt() -> Any:
            self.calls += 1
            return self._clients.video.get_data_endpoint(StreamName=self.stream.name, APIName=operation)

        return str(self._retry.call(attempt)["DataEndpoint"])


#: Refusals that prove the endpoint to be the right one.
_ANSWERS = GONE_CODES | MEDIA_CODES | {"ClientLimitExceededException"}


def _selector(start_ms: int, end_ms: int) -> dict[str, Any]:
    return {
        "FragmentSelectorType": "SERVER_TIMESTAMP",
        "TimestampRange": {"StartTimestamp": from_epoch_ms(start_ms), "EndTimestamp": from_epoch_ms(end_ms)},
    }


_FRAGMENT_MEMBERS = (
    "FragmentNumber",
    "FragmentSizeInBytes",
    "ProducerTimestamp",
    "ServerTimestamp",
    "FragmentLengthInMilliseconds",
)


def _fragment(item: dict[str, Any]) -> Fragment | None:
    """Return a listed fragment; None when it has no place in the order.

    The camera's time is taken to be the server's where it is missing, which at worst ends a clip, and the
    size to be the greatest possible, so that no clip can be cut off for it.
    """
    number, start = item.get("FragmentNumber"), item.get("ServerTimestamp")
    if number is None or start is None:
        return None
    size = item.get("FragmentSizeInBytes")
    return Fragment(
        number=int(number),
        start_ms=epoch_ms(start),
        producer_ms=epoch_ms(item.get("ProducerTimestamp") or start),
        length_ms=int(item.get("FragmentLengthInMilliseconds") or 0),
        size=_MAX_FRAGMENT_BYTES if size is None else int(size),
    )
