"""The operations of Kinesis Video Streams: a parsed request in, an answer's members or its media out."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from localcloud.kinesisvideo import matroska
from localcloud.kinesisvideo.archive import Arrival, FragmentError
from localcloud.kinesisvideo.semantics import Fragment, InvalidArgumentError, Origin, Policy, Quotas, Range
from localcloud.kinesisvideo.streams import Streams, VideoStream
from localcloud.kinesisvideo.wire import milliseconds


@dataclass(frozen=True)
class Behaviour:
    """What a test may choose about the service.

    Attributes:
        listing_lag_ms: a fragment appears in ListFragments up to this long after it was persisted; how long
            is fixed by its number.
        clock_offset_ms: how far the service's clock is ahead of the machine's, so that retention can pass quickly.
        content_length: whether GetClip announces its length; no document says that it does.
        quotas: the archived media quotas of streams that are created from now on.
        policy: see the semantics.
    """

    listing_lag_ms: int = 900
    clock_offset_ms: int = 0
    content_length: bool = False
    quotas: Quotas = field(default_factory=Quotas)
    policy: Policy = field(default_factory=Policy)

    def changed(self, wanted: Mapping[str, Any]) -> Behaviour:
        """With other values; ``quotas`` and ``policy`` take mappings of what is to change in them.

        Raises:
            TypeError: an attribute that does not exist.
        """
        values = dict(wanted)
        if "quotas" in values:
            values["quotas"] = replace(self.quotas, **values["quotas"])
        if "policy" in values:
            values["policy"] = replace(self.policy, **values["policy"])
        return replace(self, **values)


@dataclass(frozen=True)
class Media:
    """An answer of media: its content type, its bytes piece by piece, and their number if it is announced."""

    content_type: str
    pieces: Iterator[bytes]
    size: int | None = None


Result = dict[str, Any] | Media


class Service:
    """Kinesis Video Streams of one account in one region. Safe to use from several threads.

    Args:
        folder: where its media lies.
        endpoint: URL that GetDataEndpoint gives.
    """

    def __init__(self, folder: Path, account: str, region: str, endpoint: str) -> None:
        self.streams = Streams(folder / "streams", account, region)
        self.behaviour = Behaviour()
        self._scratch = folder / "clips"
        self._of_account: Mapping[str, Callable[[Mapping[str, Any], float], Result]] = {
            "CreateStream": self._create_stream,
            "ListStreams": self.streams.list,
            "ListFragments": self._list_fragments,
            "GetClip": self._get_clip,
            "GetMediaForFragmentList": self._get_media_for_fragment_list,
        }
        streams = self.streams
        self._of_stream: Mapping[str, Callable[[VideoStream, Mapping[str, Any], float], Result | None]] = {
            "DescribeStream": lambda stream, *_: {"StreamInfo": stream.describe()},
            "UpdateStream": lambda stream, request, _: streams.update(stream, request),
            "UpdateDataRetention": streams.update_retention,
            "DeleteStream": lambda stream, request, _: streams.delete(stream, request),
            "TagStream": lambda stream, request, _: stream.tag(request["Tags"]),
            "UntagStream": lambda stream, request, _: stream.untag(request["TagKeyList"]),
            "ListTagsForStream": lambda stream, *_: {"Tags": stream.tags},
            "GetDataEndpoint": lambda *_: {"DataEndpoint": endpoint},
        }

    def serves(self, operation: str) -> bool:
        """Whether this operation is one of those that the service has here."""
        return operation in self._of_account or operation in self._of_stream

    def call(self, operation: str, request: Mapping[str, Any]) -> Result:
        """Carry out an operation.

        Raises:
            KinesisVideoError: the service refuses.
        """
        now_ms = self._now_ms()
        if operation in self._of_account:
            return self._of_account[operation](request, now_ms)
        stream = self.streams.find(request)
        stream.take(operation, now_ms)
        return self._of_stream[operation](stream, request, now_ms) or {}

    def _now_ms(self) -> float:
        return time.time() * 1000 + self.behaviour.clock_offset_ms

    def _create_stream(self, request: Mapping[str, Any], now_ms: float) -> Result:
        return {"StreamARN": self.streams.create(request, int(now_ms), self.behaviour.quotas).arn}

    # -- archived media

    def _archived(self, request: Mapping[str, Any]) -> VideoStream:
        stream = self.streams.find(request)
        stream.archive.fragments.policy = self.behaviour.policy
        return stream

    def _list_fragments(self, request: Mapping[str, Any], now_ms: float) -> Result:
        selector = _range(request["FragmentSelector"]) if "FragmentSelector" in request else None
        stream = self._archived(request)
        page = stream.archive.list(now_ms, selector, request.get("MaxResults"), request.get("NextToken"))
        found: dict[str, Any] = {"Fragments": [_listed(fragment) for fragment in page.fragments]}
        return found if page.next_token is None else found | {"NextToken": page.next_token}

    def _get_clip(self, request: Mapping[str, Any], now_ms: float) -> Result:
        selector = _range(request["ClipFragmentSelector"])
        stream = self._archived(request)
        clip = stream.archive.clip(now_ms, selector, self._scratch)
        return Media("video/mp4", clip.pieces, clip.size if self.behaviour.content_length else None)

    def _get_media_for_fragment_list(self, request: Mapping[str, Any], now_ms: float) -> Result:
        numbers = [int(number) for number in request["Fragments"]]
        return Media("video/webm", self._archived(request).archive.media(now_ms, numbers))

    # -- ingest

    def put_media(self, headers: Mapping[str, str], body: bytes) -> bytes:
        """PutMedia with its whole stream in hand: the acknowledgements, a JSON object a line.

        Every cluster is a fragment. Two headers are not the API's: ``x-localcloud-server-time-offset`` puts the server
        timestamps that many milliseconds after the producer's, for footage of the past, where otherwise a fragment has
        just come in; ``x-localcloud-hold: true`` keeps the fragments back until a call without it.

        Raises:
            InvalidArgumentError: a header is missing or wrong.
        """
        stream = self.streams.find(stream_named(headers))
        timecodes = headers.get("x-amzn-fragment-timecode-type", "")
        if timecodes not in ("ABSOLUTE", "RELATIVE"):
            raise InvalidArgumentError(
                f"x-amzn-fragment-timecode-type must be ABSOLUTE or RELATIVE, got {timecodes!r}."
            )
        base = milliseconds(float(headers["x-amzn-producer-start-timestamp"])) if timecodes == "RELATIVE" else 0.0
        offset = headers.get("x-localcloud-server-time-offset")
        hold = headers.get("x-localcloud-hold") == "true"
        said = _Acknowledgements()
        try:
            for cluster in matroska.clusters(body):
                producer_ms = round(base + cluster.time_ms)
                arrival = self._arrival(stream, cluster, None if offset is None else producer_ms + int(offset))
                said.persisted(cluster.time_ms, stream.archive.put(cluster, producer_ms, arrival, hold=hold).number)
        except FragmentError as error:
            said.failed(cluster.time_ms, error.number, error.code)
        except matroska.MatroskaError as error:
            said.failed(0, 4006, "INVALID_MKV_DATA", Message=str(error))
        return said.lines()

    def _arrival(self, stream: VideoStream, cluster: matroska.Cluster, server_ms: int | None) -> Arrival:
        now_ms = int(self._now_ms())
        last_ms = stream.archive.last_server_ms
        if server_ms is None:
            # It has been coming in for as long as it lasts.
            begun = max(last_ms, now_ms - cluster.length_ms)
            lag = zlib.crc32(f"{stream.arn}/{begun}".encode()) % (self.behaviour.listing_lag_ms + 1)
            return Arrival(begun, now_ms, now_ms + lag)
        if not last_ms <= server_ms <= now_ms:
            raise InvalidArgumentError(f"Server time must lie in {last_ms}..{now_ms}, got {server_ms}.")
        persisted = min(server_ms + cluster.length_ms, now_ms)
        return Arrival(server_ms, persisted, persisted)


def stream_named(headers: Mapping[str, str]) -> dict[str, str]:
    """The stream that PutMedia's headers name, as other requests name it."""
    places = {"x-amzn-stream-name": "StreamName", "x-amzn-stream-arn": "StreamARN"}
    return {member: headers[header] for header, member in places.items() if header in headers}


class _Acknowledgements:
    """What a call answers: of each fragment BUFFERING, RECEIVED and PERSISTED, the last while the next comes in."""

    def __init__(self) -> None:
        self._said: list[dict[str, Any]] = []
        self._persisting: list[dict[str, Any]] = []

    def persisted(self, timecode: int, number: int) -> None:
        """A fragment has come and is stored."""
        of = {"FragmentTimecode": timecode, "FragmentNumber": str(number)}
        self._said.append({"EventType": "BUFFERING", **of})
        self._end_persisting()
        self._said.append({"EventType": "RECEIVED", **of})
        self._persisting.append({"EventType": "PERSISTED", **of})

    def failed(self, timecode: int, number: int, code: str, **more: Any) -> None:
        """A fragment is not taken, and what follows is not read."""
        self._end_persisting()
        error = {"FragmentTimecode": timecode, "ErrorId": number, "ErrorCode": code}
        self._said.append({"EventType": "ERROR", **error, **more})

    def lines(self) -> bytes:
        """All of it, a JSON object a line."""
        self._end_persisting()
        return b"".join(json.dumps(one).encode() + b"\n" for one in self._said)

    def _end_persisting(self) -> None:
        self._said += self._persisting
        self._persisting.clear()


def _range(selector: Mapping[str, Any]) -> Range:
    times = selector["TimestampRange"]
    return Range(
        milliseconds(times["StartTimestamp"]),
        milliseconds(times["EndTimestamp"]),
        Origin(selector["FragmentSelectorType"]),
    )


def _listed(fragment: Fragment) -> dict[str, Any]:
    return {
        "FragmentNumber": str(fragment.number),
        "FragmentSizeInBytes": fragment.size,
        "ProducerTimestamp": fragment.producer_ms / 1000,
        "ServerTimestamp": fragment.server_ms / 1000,
        "FragmentLengthInMilliseconds": fragment.listed_length_ms,
    }
