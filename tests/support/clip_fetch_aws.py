"""A small AWS for the archiver's own tests: boto3's methods over lists and dicts, on any Python.

Requests and answers are checked against botocore's models. It knows the rules that the tests are about and
no more; the fault histories and the local cloud have the rest.
"""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import tempfile
import threading
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from botocore.exceptions import ClientError

from clip_fetch.archive import Cache
from clip_fetch.model import Fragment, Stream
from clip_fetch.report import Report
from clip_fetch.rows import PREFIX
from clip_fetch.run import Dependencies, Timing
from clip_fetch.settings import Settings
from clip_fetch.spool import Spool
from clip_fetch.video import Endpoints
from harness.media import mkv, mp4
from tests.support.strict import StrictClient

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - must run on Python 3.8
T0 = 1_700_000_000_000
HOUR = 3600 * 1000
STREAM = Stream("lake_krakow_press-1", "press-1", T0 - HOUR, 24 * HOUR)

SETTINGS = Settings(
    factory="krakow",
    bucket="clips",
    stream_prefix="lake_krakow_",
    clip_ms=10_000,
    settle_ms=5_000,
    quiet_ms=60_000,
    gap_ms=5_000,
    streams_at_once=1,
    log_level="DEBUG",
)


def footage(
    count: int, length_ms: int = 2000, start_ms: int = T0, first: int = 1000, last_ms: int = 0
) -> list[Fragment]:
    """So many fragments without a pause, whose listed lengths lack a last frame of this duration."""
    return [
        Fragment(first + i, start_ms + i * length_ms, start_ms + i * length_ms, length_ms - last_ms, 100_000)
        for i in range(count)
    ]


def error(code: str, status: int = 400) -> ClientError:
    """As botocore raises it."""
    response: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "test")


class Body(io.BytesIO):
    """A streaming body that may break after its first bytes."""

    def __init__(self, content: bytes, breaks: Exception | None = None) -> None:
        super().__init__(content)
        self._breaks = breaks

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, or the fault."""
        if self._breaks is not None and self.tell():
            raise self._breaks
        return super().read(size)


class Aws:
    """Streams, a bucket and a clock.

    Attributes:
        faults: By operation: what its next calls raise; an entry that is None lets a call pass.
        changed_ms: The last change of retention: a listing from an earlier time on is empty.
        withheld: Numbers that no call returns though they are listed.
        withheld_code: With which exception GetMediaForFragmentList tells of them.
        unlisted: By number, members that its listing lacks.
        shown_ms: Media time of a fragment where it is not its length.
        frame_ms: How long a frame is shown, listed lengths lacking the last one; 0 where they do not, and a
            fragment has one frame.
        last_frame_ms: How long a fragment's last frame is shown, where it is not that.
        keeps_pauses: Whether a clip's time line keeps the pauses between fragments.
    """

    def __init__(self) -> None:
        self.now_ms = T0
        self.remaining_ms = 900_000
        self.fragments: dict[str, list[Fragment]] = {}
        self.created_ms = T0 - HOUR
        self.retention_hours = 24
        self.objects: dict[str, tuple[bytes, dict[str, str], str]] = {}
        self.calls: list[str] = []
        self.faults: dict[str, list[Exception | None]] = {}
        self.unreadable: set[int] = set()
        self.codecs: dict[int, str] = {}
        self.changed_ms = 0
        self.withheld: set[int] = set()
        self.withheld_code = "4000"
        self.unlisted: dict[int, tuple[str, ...]] = {}
        self.shown_ms: dict[int, int] = {}
        self.frame_ms = 0
        self.last_frame_ms: int | None = None
        self.keeps_pauses = False
        self.ranges: list[tuple[float, float]] = []
        self.hook: Callable[[str], None] = lambda _operation: None
        self.page = 1000
        self.out = io.StringIO()
        self.cache = Cache.empty()
        self._lock = threading.Lock()
        # what clip_fetch.clients.Clients has
        self.video = StrictClient("kinesisvideo", self)
        self.s3 = StrictClient("s3", self)

    def media(self, _endpoint: str) -> StrictClient:
        """One endpoint serves all."""
        return StrictClient("kinesis-video-archived-media", self)

    def dependencies(self, capacity: int = 10**9) -> Dependencies:
        """For a run."""
        return Dependencies(self, Endpoints(), self.cache, Spool(tempfile.gettempdir(), capacity))

    def timing(self) -> Timing:
        """For a run."""
        return Timing.start(self.read_clock, lambda: self.remaining_ms, self.sleep, random.Random(1))

    def read_clock(self) -> int:
        """The time."""
        return self.now_ms

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.now_ms += int(seconds * 1000) + 1
        self.remaining_ms -= int(seconds * 1000) + 1

    def report(self, level: str = "DEBUG") -> Report:
        """For a run."""
        settings = SETTINGS._replace(log_level=level)
        return Report(settings, "test-run", lambda line: print(line, file=self.out), self.read_clock)

    def lines(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.out.getvalue().splitlines()]

    def clips(self) -> list[tuple[str, dict[str, str]]]:
        """Keys and metadata of clips, in order of their keys."""
        return [
            (key, self.objects[key][1]) for key in sorted(self.objects) if "first-fragment" in self.objects[key][1]
        ]

    def archived(self) -> list[tuple[int, int]]:
        """First and last fragment of each clip, in order."""
        return [(int(meta["first-fragment"]), int(meta["last-fragment"])) for _, meta in self.clips()]

    def _called(self, operation: str) -> None:
        self.hook(operation)
        with self._lock:
            self.calls.append(operation)
            fault = self.faults[operation].pop(0) if self.faults.get(operation) else None
        if fault is not None:
            raise fault

    # -- kinesisvideo

    def list_streams(self, **request: Any) -> dict[str, Any]:
        """All streams with the prefix, two a page."""
        self._called("ListStreams")
        prefix = request["StreamNameCondition"]["ComparisonValue"]
        names = sorted(name for name in self.fragments if name.startswith(prefix))
        begin = int(request.get("NextToken", 0))
        infos = [
            {
                "StreamName": name,
                "CreationTime": EPOCH + timedelta(milliseconds=self.created_ms),
                "DataRetentionInHours": self.retention_hours,
                "Status": "ACTIVE",
            }
            for name in names[begin : begin + 2]
        ]
        answer: dict[str, Any] = {"StreamInfoList": infos}
        return answer if begin + 2 >= len(names) else {**answer, "NextToken": str(begin + 2)}

    def get_data_endpoint(self, **request: Any) -> dict[str, str]:
        """An endpoint."""
        self._called("GetDataEndpoint")
        return {"DataEndpoint": "https://media.test/" + request["APIName"]}

    # -- kinesis-video-archived-media

    def _retained(self, name: str) -> list[Fragment]:
        horizon_ms = self.now_ms - self.retention_hours * HOUR
        return [f for f in self.fragments[name] if horizon_ms <= f.start_ms and f.end_ms <= self.now_ms]

    def list_fragments(self, **request: Any) -> dict[str, Any]:
        """Fragments of a range in no order, three a page where ``page`` says so."""
        self._called("ListFragments")
        if "NextToken" in request:
            rest = json.loads(request["NextToken"])
        else:
            low, high = _range(request["FragmentSelector"])
            found = [f.number for f in self._retained(request["StreamName"]) if low <= f.start_ms <= high]
            rest = found[::2][::-1] + found[1::2] if low >= self.changed_ms else []
        page = min(self.page, request["MaxResults"])
        by_number = {f.number: f for f in self.fragments[request["StreamName"]]}
        listed = [
            {
                "FragmentNumber": str(number),
                "FragmentSizeInBytes": by_number[number].size,
                "ProducerTimestamp": EPOCH + timedelta(milliseconds=by_number[number].producer_ms),
                "ServerTimestamp": EPOCH + timedelta(milliseconds=by_number[number].start_ms),
                "FragmentLengthInMilliseconds": by_number[number].length_ms,
            }
            for number in rest[:page]
        ]
        for item in listed:
            for member in self.unlisted.get(int(str(item["FragmentNumber"])), ()):
                item.pop(member)
        answer: dict[str, Any] = {"Fragments": listed}
        return {**answer, "NextToken": json.dumps(rest[page:])} if rest[page:] else answer

    def get_clip(self, **request: Any) -> dict[str, Any]:
        """The first 200 fragments or 100 MB of a range."""
        low, high = _range(request["ClipFragmentSelector"])
        self.ranges.append((low, high))
        self._called("GetClip")
        found = [f for f in self._retained(request["StreamName"]) if low <= f.start_ms <= high][:200]
        while sum(f.size for f in found) > 100_000_000:
            found.pop()
        found = [f for f in found if f.number not in self.withheld]
        if not found:
            raise error("ResourceNotFoundException", 404)
        if any(f.number in self.unreadable for f in found):
            raise error("InvalidMediaFrameException")
        if len({self.codecs.get(f.number, "") for f in found}) > 1:
            raise error("InvalidCodecPrivateDataException")
        numbers = json.dumps([f.number for f in found]).encode()
        frames = [(1, frame_ms) for frame_ms in self._frames(found)]
        return {"ContentType": "video/mp4", "Payload": Body(mp4(frames, numbers))}

    def _frames(self, fragments: list[Fragment]) -> list[int]:
        """How long each frame of a clip is shown."""
        frames: list[int] = []
        for fragment in fragments:
            if self.keeps_pauses and frames:
                frames[-1] = fragment.producer_ms - fragments[0].producer_ms - sum(frames[:-1])
            if self.frame_ms and fragment.number not in self.shown_ms:
                frames += [self.frame_ms] * (fragment.length_ms // self.frame_ms)
                frames.append(self.frame_ms if self.last_frame_ms is None else self.last_frame_ms)
            else:
                frames.append(self.shown_ms.get(fragment.number, fragment.length_ms))
        return frames

    def get_media_for_fragment_list(self, **request: Any) -> dict[str, Any]:
        """A document for each fragment, with two frames that name it."""
        self._called("GetMediaForFragmentList")
        by_number = {str(f.number): f for f in self.fragments[request["StreamName"]]}
        body = b""
        for text in request["Fragments"]:
            fragment = by_number[text]
            if fragment.number in self.withheld:
                tags = {"AWS_KINESISVIDEO_EXCEPTION_ERROR_CODE": self.withheld_code}
                body += mkv(0, [], tags)
                continue
            half_ms = fragment.length_ms // 2
            frames = [(0, f"frame {text}a".encode()), (half_ms, f"frame {text}b".encode())]
            body += mkv(fragment.producer_ms, frames, {"AWS_KINESISVIDEO_FRAGMENT_NUMBER": text})
        return {"ContentType": "video/webm", "Payload": Body(body)}

    # -- s3

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        """A page of keys."""
        self._called("ListObjectsV2")
        keys = sorted(
            key for key in self.objects if key.startswith(request["Prefix"]) and key > request.get("StartAfter", "")
        )
        contents = [{"Key": key, "ETag": "etag-of-" + key} for key in keys[: self.page]]
        return {"Contents": contents, "IsTruncated": len(keys) > self.page} if contents else {"IsTruncated": False}

    def head_object(self, **request: Any) -> dict[str, Any]:
        """Metadata."""
        self._called("HeadObject")
        if request["Key"] not in self.objects:
            raise error("404", 404)
        body, metadata, _ = self.objects[request["Key"]]
        return {"Metadata": metadata, "ETag": "etag-of-" + request["Key"], "ContentLength": len(body)}

    def put_object(self, **request: Any) -> dict[str, Any]:
        """A put, conditional unless it is of a row; a fault that is an ``Answerless`` comes after it was done."""
        body = request["Body"].read()
        if request["ChecksumCRC32"] != base64.b64encode(struct.pack(">I", zlib.crc32(body))).decode():
            raise error("BadDigest")
        if request["Key"].startswith(PREFIX):
            return self._put_row(request["Key"], body)
        stored = (body, dict(request["Metadata"]), request["ContentType"])
        assert request["IfNoneMatch"] == "*"
        lost = isinstance((self.faults.get("PutObject") or [None])[0], Answerless)
        if lost:
            self.objects.setdefault(request["Key"], stored)
        self._called("PutObject")
        if request["Key"] in self.objects:
            raise error("PreconditionFailed", 412)
        self.objects[request["Key"]] = stored
        return {"ETag": "etag-of-" + request["Key"]}

    def _put_row(self, key: str, body: bytes) -> dict[str, Any]:
        """A row of the table; its calls and faults are told apart from those of the archive."""
        self._called("PutRow")
        assert json.loads(body)["key"] in self.objects, "a row names an object that is not there"
        self.objects[key] = (body, {}, "application/json")
        return {"ETag": "etag-of-" + key}

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of the table ``clips``, by the key of what each describes."""
        found = [json.loads(body) for key, (body, _, _) in sorted(self.objects.items()) if key.startswith(PREFIX)]
        assert len({row["key"] for row in found}) == len(found)
        return {row["key"]: row for row in found}


def plant_of(stream: Stream, fragments: int = 10) -> Aws:
    """An hour after one camera sent footage."""
    aws = Aws()
    aws.fragments[stream.name] = footage(fragments)
    aws.now_ms = T0 + HOUR
    return aws


class Answerless(ConnectionError):  # noqa: N818 - an answer that is missing
    """The call was done, but its answer was lost."""


def _range(selector: dict[str, Any]) -> tuple[float, float]:
    span = selector["TimestampRange"]
    assert selector["FragmentSelectorType"] == "SERVER_TIMESTAMP"
    return (
        (span["StartTimestamp"] - EPOCH) / timedelta(milliseconds=1),
        (span["EndTimestamp"] - EPOCH) / timedelta(milliseconds=1),
    )


def numbers(fragments: Sequence[Fragment]) -> list[int]:
    """Their numbers."""
    return [fragment.number for fragment in fragments]
