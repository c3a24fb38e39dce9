"""The simulated AWS: clients with boto3's methods over the archived-media model and a bucket in memory."""

from __future__ import annotations

import bisect
import contextlib
import datetime
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError

from harness.simulation import media
from harness.simulation.clock import Clock, Killed
from harness.simulation.history import History, Run, Stream
from localcloud.kinesisvideo import semantics
from localcloud.testing.strict import StrictClient

PREFIX = "lake_plant_"
_LATE_MS = 60_000

#: In one of so many histories, requests and answers are checked against botocore's models: in all of them,
#: that would take a fifth of the time.
CHECKED_SHARE = 10

#: The kind of fault that lasts for a whole run.
GARBLED = "garbled"


@dataclass(frozen=True)
class Stored:
    """An object and when it came."""

    key: str
    body: bytes
    metadata: dict[str, str]
    at_ms: int
    content_type: str = ""

    @property
    def etag(self) -> str:
        """As S3 makes it of a plain put."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Bucket:
    """Objects by key, strongly consistent, with conditional puts; ``ever`` holds all that was put, by time."""

    def __init__(self, page: int) -> None:
        self.objects: dict[str, Stored] = {}
        self.ever: list[Stored] = []
        self._keys: list[str] = []
        self._page = page

    def put(self, stored: Stored, if_none_match: bool) -> bool:
        """Store; False when the key must not exist and does."""
        if stored.key in self.objects:
            if if_none_match:
                return False
        else:
            bisect.insort(self._keys, stored.key)
        self.objects[stored.key] = stored
        self.ever.append(stored)
        return True

    def delete(self, key: str) -> None:
        """Remove."""
        del self.objects[key]
        self._keys.remove(key)

    def list(self, prefix: str, after: str) -> tuple[list[Stored], bool]:
        """A page of the objects below a prefix, after a key, and whether there are more."""
        index = max(bisect.bisect_left(self._keys, prefix), bisect.bisect_right(self._keys, after))
        found: list[Stored] = []
        while index < len(self._keys) and self._keys[index].startswith(prefix):
            if len(found) == self._page:
                return found, True
            found.append(self.objects[self._keys[index]])
            index += 1
        return found, False


class SimulatedAws:
    """Everything that outlives a run."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.clock = Clock(min(stream.created_ms for stream in history.streams))
        self.bucket = Bucket(history.page)
        self.streams = {PREFIX + stream.camera: stream for stream in history.streams}
        self.archives: dict[str, semantics.Stream] = {}
        for name, stream in self.streams.items():
            archive = semantics.Stream(
                name, stream.created_ms, stream.retention_ms, policy=stream.policy, salt=str(history.seed)
            )
            for fragment in stream.fragments:
                archive.add(fragment)
            self.archives[name] = archive
            if stream.change is not None:
                at_ms, retention_ms = stream.change
                self.clock.at(at_ms, partial(archive.retain, retention_ms, at_ms))


class RunContext:
    """One run's view of AWS: its delays, its faults, its death."""

    def __init__(self, aws: SimulatedAws, run: Run) -> None:
        self.aws = aws
        self._run = run
        self._random = random.Random(run.seed)  # noqa: S311 - seeded on purpose
        self._faults = {fault.call: fault for fault in run.faults if fault.kind != GARBLED}
        self._garbled = {fault.call for fault in run.faults if fault.kind == GARBLED}
        self._calls = 0
        self._dies_ms = run.at_ms + run.timeout_ms
        self.had_faults = bool(self._garbled)

    def now_ms(self) -> int:
        """The time."""
        return self.aws.clock.now_ms

    def remaining_ms(self) -> int:
        """Until the run is killed."""
        return self._dies_ms - self.aws.clock.now_ms

    def sleep(self, seconds: float) -> None:
        """Let time pass; the run may not live to see the end of it."""
        until_ms = self.aws.clock.now_ms + max(1, round(seconds * 1000))
        self.aws.clock.wait_until(min(until_ms, self._dies_ms))
        if until_ms >= self._dies_ms:
            raise Killed

    def call(self, operation: str, effect: Callable[[], Any]) -> Any:
        """One call to AWS: it travels, has its effect, and its answer travels back."""
        fault = self._faults.pop(self._calls, None) or self._faults.pop(operation, None)
        self._calls += 1
        kind = "" if fault is None else fault.kind
        if fault is not None and kind != "held":
            self.had_faults = True
        self._travel()
        if fault is not None and kind == "held":
            self.sleep(fault.held_ms / 1000)
        if kind == "killed":
            raise Killed
        if kind == "throttled":
            raise refusal("SlowDown" if operation == "PutObject" else "ClientLimitExceededException", 400)
        if kind == "failed":
            raise refusal("InternalFailure", 500)
        if kind == "late" and operation == "PutObject":
            self.aws.clock.at(self.now_ms() + self._random.randrange(_LATE_MS), lambda: _quietly(effect))
        if kind in ("reset", "late"):
            self._travel()
            raise ConnectionClosedError(endpoint_url="simulated")
        answer = effect()
        if kind == "killed-after":
            raise Killed
        self._travel()
        if kind == "lost":
            raise ConnectionClosedError(endpoint_url="simulated")
        if operation in self._garbled:
            answer["Payload"].spoil("truncated")
        if kind in ("broken", "truncated") and isinstance(answer.get("Payload"), Payload):
            answer["Payload"].spoil(kind)
        return answer

    def transfer(self, size: int) -> None:
        """Let a download of so many bytes take its time."""
        self.sleep(size / self._run.bytes_per_ms / 1000)

    def _travel(self) -> None:
        self.sleep(self._random.randint(1, self._run.pace) / 2000)


def _quietly(effect: Callable[[], Any]) -> None:
    with contextlib.suppress(ClientError):  # the caller is gone
        effect()


def refusal(code: str, status: int, operation: str = "simulated") -> ClientError:
    """An error as botocore raises it."""
    response: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class Payload:
    """A streaming body; its bytes take as long as the media that they stand for."""

    def __init__(self, body: bytes, fragments: Sequence[semantics.Fragment], context: RunContext) -> None:
        self._body = body
        self._weight = sum(fragment.size for fragment in fragments)
        self._context = context
        self._at = 0
        self._spoiled = ""

    def spoil(self, how: str) -> None:
        """Make it end half-way."""
        self._spoiled = how
        self._body = self._body[: len(self._body) // 2]

    def read(self, count: int) -> bytes:
        """The next bytes."""
        if self._at == 0:
            self._context.transfer(self._weight)
        chunk = self._body[self._at : self._at + count]
        self._at += len(chunk)
        if not chunk and self._spoiled == "broken":
            raise IncompleteReadError(actual_bytes=self._at, expected_bytes=2 * self._at)
        return chunk

    def close(self) -> None:
        """Release nothing."""


class Clients:
    """What ``clip_fetch.clients.Clients`` is to the function."""

    def __init__(self, context: RunContext) -> None:
        services, is_checked = Services(context), context.aws.history.seed % CHECKED_SHARE == 0

        def client(service: str) -> Any:
            return StrictClient(service, services) if is_checked else services

        self.video = client("kinesisvideo")
        self.s3 = client("s3")
        self._media = client("kinesis-video-archived-media")

    def media(self, _endpoint: str) -> Any:
        """All streams have one endpoint here."""
        return self._media


class Services:
    """The operations of all three services, as boto3's clients have them."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._bucket = context.aws.bucket

    def list_streams(self, **_request: Any) -> Any:
        """All streams."""
        infos = [
            {
                "StreamName": name,
                "CreationTime": _time(stream.created_ms),
                "DataRetentionInHours": stream.retention_ms // semantics.HOUR_MS,
                "Status": "ACTIVE",
            }
            for name, stream in self._context.aws.archives.items()
        ]
        return self._context.call("ListStreams", lambda: {"StreamInfoList": infos})

    def get_data_endpoint(self, **_request: Any) -> Any:
        """An endpoint."""
        return self._context.call("GetDataEndpoint", lambda: {"DataEndpoint": "simulated"})

    def _ask(self, operation: str, name: str, effect: Callable[[semantics.Stream], Any]) -> Any:
        def refused() -> Any:
            try:
                return effect(self._context.aws.archives[name])
            except semantics.KinesisVideoError as error:
                raise refusal(error.code, error.status, operation) from error

        return self._context.call(operation, refused)

    def list_fragments(self, **request: Any) -> Any:
        """ListFragments."""

        def effect(archive: semantics.Stream) -> dict[str, Any]:
            selector = request.get("FragmentSelector")
            page = archive.list_fragments(
                self._context.now_ms(),
                None if selector is None else _range(selector),
                request["MaxResults"],
                request.get("NextToken"),
            )
            answer: dict[str, Any] = {"Fragments": [_listed(fragment) for fragment in page.fragments]}
            return answer if page.next_token is None else {**answer, "NextToken": page.next_token}

        return self._ask("ListFragments", request["StreamName"], effect)

    def get_clip(self, **request: Any) -> Any:
        """GetClip."""
        name = request["StreamName"]

        def effect(archive: semantics.Stream) -> dict[str, Any]:
            fragments = archive.get_clip(self._context.now_ms(), _range(request["ClipFragmentSelector"]))
            runs = _frames(self._context.aws.streams[name], fragments)
            body = media.mp4(runs, [fragment.number for fragment in fragments])
            return {"ContentType": "video/mp4", "Payload": Payload(body, fragments, self._context)}

        return self._ask("GetClip", name, effect)

    def get_media_for_fragment_list(self, **request: Any) -> Any:
        """GetMediaForFragmentList; an expired fragment's chunk is an exception tag."""

        def effect(archive: semantics.Stream) -> dict[str, Any]:
            chunks = archive.get_media(self._context.now_ms(), [int(text) for text in request["Fragments"]])
            there = [chunk.fragment for chunk in chunks if chunk.fragment is not None]
            body = media.mkv([fragment.number for fragment in there])
            if len(there) < len(chunks):
                body = b"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE4000" + body
            return {"ContentType": "video/webm", "Payload": Payload(body, there, self._context)}

        return self._ask("GetMediaForFragmentList", request["StreamName"], effect)

    def list_objects_v2(self, **request: Any) -> Any:
        """ListObjectsV2."""

        def effect() -> dict[str, Any]:
            found, more = self._bucket.list(request["Prefix"], request.get("StartAfter", ""))
            contents = [{"Key": each.key, "ETag": each.etag} for each in found]
            return {"Contents": contents, "IsTruncated": more} if contents else {"IsTruncated": False}

        return self._context.call("ListObjectsV2", effect)

    def head_object(self, **request: Any) -> Any:
        """HeadObject."""

        def effect() -> dict[str, Any]:
            stored = self._bucket.objects.get(request["Key"])
            if stored is None:
                raise refusal("404", 404)
            return {"Metadata": dict(stored.metadata), "ETag": stored.etag, "ContentLength": len(stored.body)}

        return self._context.call("HeadObject", effect)

    def put_object(self, **request: Any) -> Any:
        """PutObject."""
        key, body, metadata = request["Key"], request["Body"].read(), dict(request.get("Metadata", {}))

        def effect() -> dict[str, Any]:
            stored = Stored(key, body, metadata, self._context.now_ms(), request["ContentType"])
            if not self._bucket.put(stored, request.get("IfNoneMatch") == "*"):
                raise refusal("PreconditionFailed", 412)
            return {"ETag": stored.etag}

        return self._context.call("PutObject", effect)


def _time(at_ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(milliseconds=at_ms)


def _ms(at: datetime.datetime) -> float:
    return (at - _time(0)) / datetime.timedelta(milliseconds=1)


def _range(selector: dict[str, Any]) -> semantics.Range:
    span = selector["TimestampRange"]
    origin = semantics.Origin(selector["FragmentSelectorType"])
    return semantics.Range(_ms(span["StartTimestamp"]), _ms(span["EndTimestamp"]), origin)


def _frames(stream: Stream, fragments: Sequence[semantics.Fragment]) -> list[tuple[int, int]]:
    """How many frames of a clip are shown for how long, run by run."""
    runs: list[tuple[int, int]] = []
    end_ms = 0
    for fragment in fragments:
        start_ms = fragment.producer_ms - fragments[0].producer_ms
        if stream.keeps_pauses and start_ms > end_ms:
            runs[-1] = (1, runs[-1][1] + start_ms - end_ms)
        own = _frames_of(stream, fragment)
        runs += own
        end_ms = (max(start_ms, end_ms) if stream.keeps_pauses else end_ms) + sum(n * ms for n, ms in own)
    return runs


def _frames_of(stream: Stream, fragment: semantics.Fragment) -> list[tuple[int, int]]:
    until_last_ms, last_ms = fragment.listed_length_ms, fragment.last_frame_ms
    before_last = max(1, round(until_last_ms / last_ms)) if until_last_ms else 0
    if fragment.number in stream.shown_ms:
        shown_ms = stream.shown_ms[fragment.number]
        last_ms = shown_ms // (before_last + 1)
        until_last_ms = shown_ms - last_ms
    elif stream.last_frame_shown_ms is not None:
        last_ms = stream.last_frame_shown_ms
    if not before_last:
        return [(1, last_ms)]
    frame_ms, longer = divmod(until_last_ms, before_last)
    return [(longer, frame_ms + 1), (before_last - longer, frame_ms), (1, last_ms)]


def _listed(fragment: semantics.Fragment) -> dict[str, Any]:
    return {
        "FragmentNumber": str(fragment.number),
        "FragmentSizeInBytes": fragment.size,
        "ProducerTimestamp": _time(fragment.producer_ms),
        "ServerTimestamp": _time(fragment.server_ms),
        "FragmentLengthInMilliseconds": fragment.listed_length_ms,
    }
